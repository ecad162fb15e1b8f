"""The broker's order system in front of the exchange, for one account.

A request passes the pre-checks (HTTP 400), gets an id, passes the risk checks (REJECTED), and
reaches the matching engine one exchange latency later; so does a modification or a cancel, which
may by then have lost the race to a fill. All of it happens in events of the virtual clock; no
sockets here.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from otrade.simulator.base import hours
from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.day_draws import DayDraws, delay_ns
from otrade.simulator.base.errors import RequestRefused, bad_input, bad_order, no_margin
from otrade.simulator.base.universe import E4, ListedContract
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.draws import number_of
from otrade.simulator.exchange import order_checks, orders, price_bands
from otrade.simulator.exchange.account_record import SavedAccount, orders_of, positions_of
from otrade.simulator.exchange.funds import AccountFunds, funds_of
from otrade.simulator.exchange.ledger import Claim, Ledger
from otrade.simulator.exchange.market_data import MarketData
from otrade.simulator.exchange.matching_engine import MatchingEngine, Push, State
from otrade.simulator.exchange.orders import (
    Execution,
    Order,
    OrderRequest,
    OrderState,
    RequestedTerms,
)
from otrade.simulator.exchange.rms import BrokerRms, RmsRules
from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.prices.price_source import PriceSource

IN_FLIGHT = "Order cannot be {} as it is being processed. Try later."


class OrderSystem:
    """Orders, trades, positions of the current day. `open_day` first."""

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        rms_rules: RmsRules,
        faults: FaultInjector | None = None,
    ) -> None:
        self.cfg = cfg
        self.clock = clock
        self.faults = faults or FaultInjector(cfg.seed, clock)
        self.faults.prices = self
        self.faults.bands = self
        self.prices = PriceSource(cfg)
        self.ledger = Ledger(cfg.funds_rupees, second_exit_costs=cfg.second_exit != "free")
        self.on_update: list[Push] = []
        """Called with the state of each push, at the time of the event."""
        self.on_state: list[State] = []
        """Called with the order and the status word at each step of its life, also those that are
        not pushed.
        """
        self.on_day: list[Callable[[], None]] = []
        """Called when a new day begins: tokens and contracts may have changed."""
        self.all_trades: list[Execution] = []
        """Every execution of the present day."""
        self.refused: list[tuple[int, OrderRequest]] = []
        """(time, request) of every placement of the day that became no order."""
        self.changes_ns: list[int] = []
        """When a modification or a cancel was asked for today, whatever came of it."""
        self.market: MarketData
        self._draws = DayDraws(cfg.seed, "exchange")
        self._named: Counter[str] = Counter()
        """How often today an order had that ClOrdID and instrument."""
        self._book: dict[str, Order] = {}
        self._matching_engine: MatchingEngine
        self._rms_rules = rms_rules
        self.rms = self.faults.rms = BrokerRms(
            self, rms_rules, lambda order, why: self._matching_engine.cancel_at_once(order, why)
        )

    # ---- the day

    def open_day(self, date: dt.date) -> None:
        """Forget yesterday's orders, trades and prices, roll positions, list the date's instruments."""
        if hasattr(self, "market"):
            self.market.close()
            self._matching_engine.close()
        self.prices.forget_before(date)
        self.all_trades = []
        self.refused.clear()
        self.changes_ns.clear()
        self.faults.asked.clear()
        self.market = MarketData(self.clock, self.prices, date)
        self._draws.open_day(date)
        self._named.clear()
        self.faults.open_day(date)
        self._matching_engine = MatchingEngine(
            self.cfg,
            self._draws,
            self.clock,
            self.market,
            self.ledger,
            self.on_update,
            self.on_state,
            self.all_trades,
            self.faults,
        )
        self._book = {}
        self.ledger.roll(self.market.universe.by_key.get)
        self.rms.open_day(date)
        for listener in self.on_day:
            listener()

    @property
    def date(self) -> dt.date:
        return self.market.date

    def draw_key(self, order_id: str) -> int:
        """What names the draws of an order; the id itself where there is no such order."""
        order = self._book.get(order_id)
        return number_of(order_id) if order is None else order.draw_key

    def _next_draw_key(self, request: OrderRequest) -> int:
        name = _draw_name(request)
        self._named[name] += 1
        return number_of(f"{name}/{self._named[name]}")

    def restore(self, saved: SavedAccount) -> list[Order]:
        """The present day's account as a run that was cut off has left it, at its time."""
        contracts = self.market.universe.by_key
        placed, trades, fees_e4 = orders_of(saved, contracts)
        self.ledger.restore(saved.opening["cash_e4"], positions_of(saved, contracts), trades)
        self.ledger.fees_e4 = fees_e4
        self.all_trades.extend(trades)
        self._book = {order.order_id: order for order in placed}
        self._named.update(_draw_name(order) for order in placed)
        self._matching_engine.restore(placed, self._travel_ns)
        return placed

    # ---- what tests and reports ask, as plain data

    def orders(self) -> list[Order]:
        """Today's orders, oldest first."""
        return list(self._book.values())

    def order(self, order_id: str) -> Order:
        """RequestRefused 400 for an id that is not in today's book."""
        order = self._book.get(order_id)
        if order is None:
            raise bad_order("Couldn't find that `order_id`.", "order")
        return order

    def trades(self) -> list[Execution]:
        """Today's executions, oldest first."""
        return list(self.all_trades)

    def net_qty(self) -> dict[str, int]:
        """Open quantity by `EXCH:SYMBOL`, products added up; flat ones left out."""
        total: dict[str, int] = {}
        for position in self.ledger.positions():
            total[position.contract.key] = total.get(position.contract.key, 0) + position.qty
        return {key: qty for key, qty in total.items() if qty}

    def live_orders(self) -> list[Order]:
        return self._matching_engine.live_orders()

    # ---- place

    def place(
        self, request: OrderRequest, placed_by: str | None = None
    ) -> list[Order | RequestRefused]:
        """Take an order; with autoslice one for each slice, the ones refused as errors. RequestRefused
        for a plain one.
        """
        contract, terms = request.contract, request.terms
        try:
            order_checks.check_request(request)
            if not request.autoslice or terms.quantity <= contract.freeze_qty:
                return [self._place_one(request, terms, placed_by)]
        except RequestRefused:
            self.refused.append((self.clock.now_ns(), request))
            raise
        slice_qty = contract.freeze_qty // contract.lot * contract.lot
        sizes = [slice_qty] * (terms.quantity // slice_qty)
        if terms.quantity % slice_qty:
            sizes.append(terms.quantity % slice_qty)
        slices_max = request.slices_max
        if slices_max and len(sizes) > slices_max:
            raise bad_input(
                f"Invalid `quantity`. It would need {len(sizes)} slices, "
                f"at most {slices_max} are allowed.",
                "slices",
            )
        result: list[Order | RequestRefused] = []
        for size in sizes:
            try:
                result.append(self._place_one(request, replace(terms, quantity=size), placed_by))
            except RequestRefused as exc:
                result.append(exc)
        return result

    def place_manual(
        self, key: str, side: int, quantity: int, *, price: float = 0.0, product: str = "MIS"
    ) -> Order:
        """An order of the same user from another terminal: LIMIT at `price` rupees, or MARKET when
        that is 0.
        """
        contract = self.market.universe.resolve(key)
        kind = "LIMIT" if price else "MARKET"
        terms = RequestedTerms(
            kind, quantity, price_e4=round(price * E4), protection_pct=0.0 if price else -1.0
        )
        placed = self.place(OrderRequest(contract, side, product, terms), placed_by="MANUAL")[0]
        assert isinstance(placed, Order)
        return placed

    def _place_one(
        self, request: OrderRequest, terms: RequestedTerms, placed_by: str | None
    ) -> Order:
        contract, now_ns = request.contract, self.clock.now_ns()
        quote = self.market.quote(contract)
        order_checks.check_terms(terms, contract, request.side, quote)
        order_checks.check_hours(now_ns, *self._taken_ns(contract))
        is_market = terms.order_type in ("MARKET", "SL-M")
        protection_pct = terms.protection_pct if is_market else 0.0
        sequence = self._matching_engine.next_sequence()
        order = Order(
            order_id=f"{self.date:%y%m%d}{sequence + 100_000_000:09d}",
            contract=contract,
            side=request.side,
            product=request.product,
            terms=terms,
            variety=request.variety,
            tag=request.tag,
            placed_by=placed_by or self.cfg.user_id,
            ts_placed_ns=now_ns,
            sequence=sequence,
            guid=f"{self.cfg.seed:04x}{sequence:012x}",
            draw_key=self._next_draw_key(request),
            ts_order_ns=now_ns,
            autoslice=request.autoslice,
            market_protection_pct=protection_pct,
            is_marked=not (request.autoslice or protection_pct) and self.faults.take_mark(),
        )
        short = self._shortage(order, terms)
        if short is not None and not request.margin_in_book:
            raise short
        self._book[order.order_id] = order
        self._matching_engine.record(order, orders.PUT_REQ)
        self._matching_engine.record(order, orders.VALIDATION)
        reason = (
            order_checks.rms_reason(terms, contract, order.side, quote, now_ns)
            if short is None
            else short.message
        )
        is_brokers = placed_by == self._rms_rules.placed_by
        if reason is None and not is_brokers:
            reason = self.rms.blocked(contract, request.product)
        if (
            reason is None
            and placed_by is None
            and self._reduces(order)
            and self.faults.take_exit_rejection()
        ):
            reason = "RMS:Rule: the order is blocked by the risk desk"
        if reason is None and placed_by is None and self._lacks_holdings(order, terms.quantity):
            reason = order_checks.NO_HOLDINGS
        if reason is None and not self._reduces(order):
            reason = self.faults.take_ban(contract.key)
        if reason is None and self._is_second_exit(order) and self.faults.take_target_rejection():
            reason = "RMS:Rule: the quantity of this order exceeds the open position"
        if reason is not None:
            self._matching_engine.reject(order, reason)
        else:
            self._matching_engine.send_new(order, self._travel_ns(order))
        return order

    def _reduces(self, order: Order) -> bool:
        """A stop, or an order against the open quantity."""
        held = self.ledger.held(order.contract, order.product)
        return order.terms.order_type in ("SL", "SL-M") or held * order.side < 0

    def _lacks_holdings(self, order: Order, quantity: int) -> bool:
        """Is it a sale for delivery of shares that are not there, or are on sale already? (Whoever
        sells from another terminal has seen to it.)
        """
        if order.product != "CNC" or order.side > 0:
            return False
        on_sale = sum(
            o.leaves_qty
            for o in self.live_orders()
            if o is not order and o.contract is order.contract and o.product == "CNC" and o.side < 0
        )
        return quantity - order.filled_qty > self.ledger.held(order.contract, "CNC") - on_sale

    def _is_second_exit(self, order: Order) -> bool:
        """A limit on the side of a stop that waits already."""
        return order.terms.order_type == "LIMIT" and any(
            o.contract is order.contract and o.side == order.side and o.waits_for_trigger
            for o in self.live_orders()
        )

    def drop_stops(self) -> int:
        """Risk management cancels every stop that waits for its trigger."""
        waiting = [
            o
            for o in self.live_orders()
            if o.waits_for_trigger and self._matching_engine.can_change(o)
        ]
        for order in waiting:
            self._matching_engine.send_cancel(order, self._travel_ns(order))
        return len(waiting)

    def lock(self, key: str, side: int) -> None:
        """Hold an instrument at its upper (+1) or lower (-1) band."""
        self.market.quote(self.market.universe.resolve(key)).lock(side)

    def unlock(self, key: str) -> None:
        self.market.quote(self.market.universe.resolve(key)).lock(0)

    def gap(self, key: str, bps: int) -> bool:
        """Shift an instrument's path from its next trade on; False when it trades no more."""
        quote = self.market.quote(self.market.universe.resolve(key))
        quote.shift(bps)
        return quote.next_ns is not None

    def rest(self, key: str, until_ns: int) -> bool:
        """Let an instrument not trade before that time; False when it trades no more."""
        quote = self.market.quote(self.market.universe.resolve(key))
        quote.quiet_until_ns = max(quote.quiet_until_ns, until_ns)
        return quote.next_ns is not None

    def press(self, key: str, side: int) -> bool:
        """Shift the path so that it goes on just inside the band; False where bands do not flex."""
        quote = self.market.quote(self.market.universe.resolve(key))
        if (
            quote.next_ns is None
            or not quote.traded_today
            or not price_bands.flexes(quote.contract, self.market)
        ):
            return False
        edge_e4 = quote.high_band_e4 if side > 0 else quote.low_band_e4
        inside_e4 = edge_e4 * (10_000 - 5 * side) // 10_000
        quote.shift((2 * 10_000 * (inside_e4 - quote.ltp_e4) + quote.ltp_e4) // (2 * quote.ltp_e4))
        return True

    def slide(self, key: str, side: int) -> None:
        """One step of the flex. Limit orders outside are cancelled by the exchange."""
        quote = self.market.quote(self.market.universe.resolve(key))
        price_bands.slide(quote, side, self.date)
        self._matching_engine.take_out(price_bands.TAKEN_OUT, quote)

    def narrow(self, key: str, bps: int) -> None:
        self.market.quote(self.market.universe.resolve(key)).lpp_bps = bps

    def halt(self) -> None:
        """Nothing trades, and every order is cancelled."""
        self.market.halt(True)
        self._matching_engine.take_out(price_bands.HALTED)

    def resume(self) -> None:
        self.market.halt(False)

    def book(self) -> list[OrderState]:
        """Today's order book as it is shown now."""
        age_ns = self.faults.take_stale_ns()
        if not age_ns:
            return [order.state() for order in self.orders()]
        then_ns = self.clock.now_ns() - age_ns
        states = [order.as_told(then_ns) for order in self.orders()]
        return [state for state in states if state is not None]

    def _travel_ns(self, order: Order) -> int:
        return delay_ns(self._draws.of("way", order.draw_key), self.cfg.latency.exchange)

    def _taken_ns(self, contract: ListedContract) -> tuple[int, int]:
        if contract.exchange in ("NSE", "NFO", "BSE", "BFO"):
            start, end = contract.session_ns(self.date)
            if self.date not in hours.MUHURAT:
                start, end = hours.ist_ns(self.date, "09:00"), hours.ist_ns(self.date, "16:00")
            return start, end
        return contract.session_ns(self.date)

    def _price_for_margin(self, order: Order) -> int:
        return (
            order.terms.price_e4
            or order.terms.trigger_e4
            or self.market.quote(order.contract).ltp_e4
        )

    def _shortage(self, order: Order, terms: RequestedTerms) -> RequestRefused | None:
        """Why the account cannot carry this order with these terms; None when it can."""
        others = [o for o in self.live_orders() if o is not order]
        wanted = replace(order, terms=terms, history=[], trades=[], sequence=1 << 60)
        short = self.ledger.shortage_e4(others, wanted, self._price_for_margin)
        if short is None:
            return None
        return no_margin(
            f"Insufficient funds. Required margin is {short[0] / E4:.2f} "
            f"but available margin is {short[1] / E4:.2f}. Check the orderbook for open orders."
        )

    # ---- modify, cancel

    def modify(
        self,
        order_id: str,
        change: Callable[[RequestedTerms], RequestedTerms],
        *,
        times_max: int = 0,
    ) -> Order:
        """Ask for new terms (`change` gets the present ones). `times_max`: how often an order may
        be modified, 0 without end. RequestRefused when it is refused at once.
        """
        order = self._changeable(order_id, "modified")
        terms = change(order.terms)
        self.faults.check_modification(order_id)
        if times_max and order.modifications >= times_max:
            raise bad_order(
                "Maximum allowed order modifications exceeded. "
                "Cancel this order and place a new one.",
                "modifications",
            )
        quote = self.market.quote(order.contract)
        still_stop = order.triggered and order.terms.order_type == terms.order_type
        order_checks.check_terms(
            replace(terms, order_type="LIMIT") if still_stop else terms,
            order.contract,
            order.side,
            quote,
        )
        if terms.quantity <= order.filled_qty:
            raise bad_input(
                f"Invalid `quantity`. It is the new total and should exceed "
                f"the {order.filled_qty} already filled.",
                "quantity",
            )
        is_more = terms.quantity > order.terms.quantity
        if is_more and self._lacks_holdings(order, terms.quantity):
            raise bad_order(order_checks.NO_HOLDINGS, "quantity")
        short = self._shortage(order, terms)
        if short is not None:
            raise short
        self._matching_engine.send_modify(order, terms, self._travel_ns(order))
        return order

    def cancel(self, order_id: str) -> Order:
        """Ask for a cancel. RequestRefused when the order is final or something is on its way."""
        order = self._changeable(order_id, "cancelled")
        self._matching_engine.send_cancel(order, self._travel_ns(order))
        return order

    def _changeable(self, order_id: str, verb: str) -> Order:
        self.changes_ns.append(self.clock.now_ns())
        order = self.order(order_id)
        if order.is_final:
            raise bad_order(
                f"Order cannot be {verb} as it is already {order.status}.", f"final_{verb}"
            )
        if not self._matching_engine.can_change(order):
            raise bad_input(IN_FLIGHT.format(verb), "busy")
        if self.faults.take_busy():
            raise bad_input(IN_FLIGHT.format(verb), "busy")
        return order

    # ---- money

    def funds(self) -> AccountFunds:
        """The account's money."""
        blocked_e4 = self.ledger.blocked_e4(self.live_orders(), self._price_for_margin)
        return funds_of(self.ledger, self.market, blocked_e4)

    def margin_of(self, request: OrderRequest) -> float:
        """Rupees that an order alone would block."""
        return self._claim(request).margin_e4 / E4

    def margin_together(
        self, requests: Sequence[OrderRequest], *, with_positions: bool = False
    ) -> float:
        """Rupees that these orders would block, placed one after another; beside what the account
        holds, or by themselves.
        """
        wanted = [self._claim(request) for request in requests]
        if not with_positions:
            return (
                Ledger(0.0, second_exit_costs=self.ledger.second_exit_costs).preview_e4(wanted) / E4
            )
        working = [
            Claim(o.contract, o.product, o.side, o.leaves_qty, self._price_for_margin(o))
            for o in self.live_orders()
        ]
        return self.ledger.preview_e4(wanted, working) / E4

    def _claim(self, request: OrderRequest) -> Claim:
        terms = request.terms
        price_e4 = terms.price_e4 or terms.trigger_e4 or self.market.quote(request.contract).ltp_e4
        return Claim(request.contract, request.product, request.side, terms.quantity, price_e4)


def _draw_name(order: OrderRequest | Order) -> str:
    return f"{order.tag or ''}/{order.contract.key}"
