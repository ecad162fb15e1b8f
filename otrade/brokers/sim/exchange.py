"""The broker's order system and the exchange behind it, for one account.

A request passes the pre-checks (HTTP 400), gets an id, passes the risk checks (REJECTED), and
reaches the matching engine one exchange latency later; so does a modification or a cancel, which
may by then have lost the race to a fill. All of it happens in events of the virtual clock; no
sockets here.
"""

import datetime as dt
import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from . import checks, hours, matching, orders
from .clock import VirtualClock
from .config import NS_PER_MS, NS_PER_S, SimConfig, Span
from .errors import KiteError, bad_input, bad_order, no_margin
from .ledger import Ledger, unit_margin_e4
from .market import Market, Quote
from .orders import Order, Request, Terms, Trade
from .prices import Prices
from .universe import E4, Contract

log = logging.getLogger(__name__)

Push = Callable[[dict[str, Any]], None]
IN_FLIGHT = "Order cannot be {} as it is being processed. Try later."


class Exchange:
    """Orders, trades, positions of the current day. `open_day` first."""

    def __init__(self, cfg: SimConfig, clock: VirtualClock) -> None:
        self.cfg = cfg
        self.clock = clock
        self.prices = Prices(cfg)
        self.ledger = Ledger(cfg.funds_rupees)
        self.on_update: list[Push] = []
        """Called with the order object of each push, at the time of the event."""
        self.on_day: list[Callable[[], None]] = []
        """Called when a new day begins: tokens and contracts may have changed."""
        self.all_trades: list[Trade] = []
        """Every execution of every day."""
        self.market: Market
        self._rng = random.Random()
        self._book: dict[str, Order] = {}
        self._live: dict[int, list[Order]] = {}
        """By token, in the order of arrival: what may still trade."""
        self._at_exchange: set[str] = set()
        self._busy: set[str] = set()
        """A modification or cancel is on its way."""
        self._closings: set[int] = set()
        self._sequence = 0
        self._trade_count = 0

    # ---- the day

    def open_day(self, date: dt.date) -> None:
        """Forget yesterday's orders, roll positions, list the date's instruments."""
        if hasattr(self, "market"):
            self.market.close()
        self.market = Market(self.clock, self.prices, date)
        self.market.on_trades.append(self._on_trades)
        self._rng = random.Random(f"{self.cfg.seed}:{date}:latency")
        self._book, self._live, self._closings = {}, {}, set()
        self._at_exchange, self._busy = set(), set()
        self._sequence = 0
        self.ledger.roll(self.market.universe.by_key.get)
        for listener in self.on_day:
            listener()

    @property
    def date(self) -> dt.date:
        return self.market.date

    def delay_ns(self, span: Span) -> int:
        """A seeded latency."""
        return round(self._rng.uniform(span.low_ms, span.high_ms) * NS_PER_MS)

    # ---- what tests and reports ask, as plain data

    def orders(self) -> list[Order]:
        """Today's orders, oldest first."""
        return list(self._book.values())

    def order(self, order_id: str) -> Order:
        """KiteError 400 for an id that is not in today's book."""
        order = self._book.get(order_id)
        if order is None:
            raise bad_order("Couldn't find that `order_id`.")
        return order

    def trades(self) -> list[Trade]:
        """Today's executions, oldest first."""
        day_ns = hours.ist_ns(self.date, "00:00")
        return [trade for trade in self.all_trades if trade.ts_ns >= day_ns]

    def net_qty(self) -> dict[str, int]:
        """Open quantity by `EXCH:SYMBOL`, products added up; flat ones left out."""
        total: dict[str, int] = {}
        for position in self.ledger.positions():
            total[position.contract.key] = total.get(position.contract.key, 0) + position.qty
        return {key: qty for key, qty in total.items() if qty}

    def live_orders(self) -> list[Order]:
        return [order for queue in self._live.values() for order in queue]

    # ---- place

    def place(self, request: Request, placed_by: str | None = None) -> list[Order | KiteError]:
        """Take an order; with autoslice one for each slice, the ones refused as errors. KiteError
        for a plain one.
        """
        checks.check_request(request)
        contract, terms = request.contract, request.terms
        if not request.autoslice or terms.quantity <= contract.freeze_qty:
            return [self._place_one(request, terms, placed_by)]
        slice_qty = contract.freeze_qty // contract.lot * contract.lot
        sizes = [slice_qty] * (terms.quantity // slice_qty)
        if terms.quantity % slice_qty:
            sizes.append(terms.quantity % slice_qty)
        if len(sizes) > self.cfg.limits.slices_per_order:
            raise bad_input(
                f"Invalid `quantity`. It would need {len(sizes)} slices, "
                f"at most {self.cfg.limits.slices_per_order} are allowed."
            )
        result: list[Order | KiteError] = []
        for size in sizes:
            try:
                result.append(self._place_one(request, replace(terms, quantity=size), placed_by))
            except KiteError as exc:
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
        terms = Terms(
            kind, quantity, price_e4=round(price * E4), protection_pct=0.0 if price else -1.0
        )
        placed = self.place(Request(contract, side, product, terms), placed_by="MANUAL")[0]
        assert isinstance(placed, Order)
        return placed

    def _place_one(self, request: Request, terms: Terms, placed_by: str | None) -> Order:
        contract, now_ns = request.contract, self.clock.now_ns()
        quote = self.market.quote(contract)
        checks.check_terms(terms, contract, request.side, quote)
        checks.check_hours(now_ns, *self._taken_ns(contract))
        self._sequence += 1
        order = Order(
            order_id=f"{self.date:%y%m%d}{self._sequence + 100_000_000:09d}",
            contract=contract,
            side=request.side,
            product=request.product,
            terms=terms,
            variety=request.variety,
            tag=request.tag,
            placed_by=placed_by or self.cfg.user_id,
            ts_placed_ns=now_ns,
            sequence=self._sequence,
            guid=f"{self.cfg.seed:04x}{self._sequence:012x}",
            ts_order_ns=now_ns,
        )
        self._check_margin(order, terms)
        self._book[order.order_id] = order
        self._record(order, orders.PUT_REQ)
        self._record(order, orders.VALIDATION)
        reason = checks.rms_reason(terms, contract, quote)
        if reason is not None:
            self._reject(order, reason)
            return order
        self._record(order, orders.OPEN_PENDING)
        self._live.setdefault(contract.token, []).append(order)
        self.market.watch(contract)
        self._close_with_session(quote)
        self._later(lambda: self._arrive(order))
        return order

    def _taken_ns(self, contract: Contract) -> tuple[int, int]:
        if contract.exchange in ("NSE", "NFO"):
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

    def _check_margin(self, order: Order, terms: Terms) -> None:
        """Would the account carry this order with these terms? KiteError
        MarginException when not."""
        others = [o for o in self.live_orders() if o is not order]
        before = self.ledger.blocked_e4(others, self._price_for_margin)
        wanted = replace(order, terms=terms, history=[], trades=[], sequence=1 << 60)
        after = self.ledger.blocked_e4([*others, wanted], self._price_for_margin)
        left = self.ledger.opening_e4 + self.ledger.realised_e4() - before
        if after > before and after - before > left:
            raise no_margin(
                f"Insufficient funds. Required margin is {(after - before) / E4:.2f} "
                f"but available margin is {left / E4:.2f}. Check the orderbook for open orders."
            )

    # ---- modify, cancel

    def modify(self, order_id: str, change: Callable[[Terms], Terms]) -> Order:
        """Ask for new terms (`change` gets the present ones). KiteError when it
        is refused at once."""
        order = self._changeable(order_id, "modified")
        terms = change(order.terms)
        if order.modifications >= self.cfg.limits.modifications_per_order:
            raise bad_order(
                "Maximum allowed order modifications exceeded. "
                "Cancel this order and place a new one."
            )
        quote = self.market.quote(order.contract)
        still_stop = order.triggered and order.terms.order_type == terms.order_type
        checks.check_terms(
            replace(terms, order_type="LIMIT") if still_stop else terms,
            order.contract,
            order.side,
            quote,
        )
        if terms.quantity <= order.filled_qty:
            raise bad_input(
                f"Invalid `quantity`. It is the new total and should exceed "
                f"the {order.filled_qty} already filled."
            )
        self._check_margin(order, terms)
        self._busy.add(order_id)
        self._record(order, orders.MODIFY_VALIDATION)
        self._record(order, orders.MODIFY_PENDING)
        self._later(lambda: self._apply_modify(order, terms))
        return order

    def cancel(self, order_id: str) -> Order:
        """Ask for a cancel. KiteError when the order is final or something is on its way."""
        order = self._changeable(order_id, "cancelled")
        self._busy.add(order_id)
        self._record(order, orders.CANCEL_PENDING)
        self._later(lambda: self._apply_cancel(order))
        return order

    def _changeable(self, order_id: str, verb: str) -> Order:
        order = self.order(order_id)
        if order.is_final:
            raise bad_order(f"Order cannot be {verb} as it is already {order.status}.")
        if order_id in self._busy or order_id not in self._at_exchange:
            raise bad_order(IN_FLIGHT.format(verb))
        return order

    def _apply_modify(self, order: Order, terms: Terms) -> None:
        self._busy.discard(order.order_id)
        if order.is_final:
            return
        quote = self.market.quote(order.contract)
        reason = checks.rms_reason(terms, order.contract, quote)
        if reason is None and terms.quantity <= order.filled_qty:
            reason = "Order quantity cannot be less than or equal to the traded quantity."
        if reason is None and not quote.is_open(self.clock.now_ns()):
            reason = checks.NOT_IN_CONTINUOUS_SESSION
        if reason is not None:
            order.status_message = reason
            self._working(order)
            self._push(order, orders.UPDATE)
            return
        old = order.terms
        order.modifications += 1
        order.status_message = None
        if (
            terms.price_e4 != old.price_e4
            or terms.quantity > old.quantity
            or terms.order_type != old.order_type
        ):
            self._sequence += 1
            order.sequence = self._sequence
        if terms.order_type != old.order_type:
            order.triggered = False
        order.terms = terms
        order.ts_exchange_ns = self.clock.now_ns()
        self._record(order, orders.MODIFIED)
        self._working(order)
        self._push(order, orders.UPDATE)
        self._to_book(order, quote)

    def _apply_cancel(self, order: Order) -> None:
        self._busy.discard(order.order_id)
        if not order.is_final:
            self._end(order, orders.CANCELLED)

    # ---- at the exchange

    def _arrive(self, order: Order) -> None:
        if order.is_final:
            return
        quote = self.market.quote(order.contract)
        if not quote.is_open(self.clock.now_ns()):
            self._reject(order, checks.NOT_IN_CONTINUOUS_SESSION)
            return
        now_ns = self.clock.now_ns()
        order.exchange_order_id = f"11{self.date:%y%m%d}{order.sequence + 10_000_000:08d}"
        order.ts_exchange_ns = now_ns
        self._at_exchange.add(order.order_id)
        if order.terms.validity == "TTL":
            self.clock.schedule(
                now_ns + order.terms.validity_ttl * 60 * NS_PER_S, lambda: self._apply_cancel(order)
            )
        self._working(order)
        self._to_book(order, quote)
        if self.cfg.push_working and not order.is_final and not order.filled_qty:
            self._push(order)

    def _to_book(self, order: Order, quote: Quote) -> None:
        """Trade what trades at once; leave the rest."""
        if order.waits_for_trigger:
            if matching.is_triggered(order, quote.ltp_e4):
                self._trigger(order, quote)
            return
        if order.terms.order_type == "MARKET":
            self._convert(order, quote)
        self._fill(order, matching.take(order, quote))
        if order.terms.validity == "IOC" and not order.is_final:
            self._end(order, orders.CANCELLED)

    def _convert(self, order: Order, quote: Quote) -> None:
        price_e4 = matching.protected_price_e4(order, quote)
        order.terms = replace(order.terms, order_type="LIMIT", price_e4=price_e4)

    def _trigger(self, order: Order, quote: Quote) -> None:
        order.triggered = True
        if order.terms.order_type == "SL-M":
            self._convert(order, quote)
        if order.order_id not in self._busy:
            self._working(order)
        fills = matching.take(order, quote)
        if not fills and self.cfg.push_working:
            self._push(order, orders.OPEN)
        self._fill(order, fills)
        if order.terms.validity == "IOC" and not order.is_final:
            self._end(order, orders.CANCELLED)

    def _on_trades(self, quotes: list[Quote]) -> None:
        for quote in quotes:
            queue = self._live.get(quote.contract.token)
            if not queue or not quote.is_open(self.clock.now_ns()):
                continue
            placed = [order for order in queue if order.order_id in self._at_exchange]
            resting = [order for order in placed if not order.waits_for_trigger]
            resting.sort(key=lambda o: (-o.side * o.terms.price_e4, o.sequence))
            waiting = [order for order in placed if order.waits_for_trigger]
            for order in resting:
                self._fill(order, matching.rest(order, quote))
            for order in sorted(waiting, key=lambda o: o.sequence):
                if matching.is_triggered(order, quote.ltp_e4):
                    self._trigger(order, quote)

    def _fill(self, order: Order, fills: Iterable[matching.Fill]) -> None:
        now_ns = self.clock.now_ns()
        got = 0
        for qty, price_e4 in fills:
            self._trade_count += 1
            trade = Trade(f"{self._trade_count + 40_000_000}", order, qty, price_e4, now_ns)
            order.filled_qty += qty
            order.filled_value_e4 += qty * price_e4
            order.trades.append(trade)
            self.all_trades.append(trade)
            self.ledger.book(trade)
            got += qty
        if not got:
            return
        order.ts_exchange_ns = order.ts_update_ns = now_ns
        if order.filled_qty == order.terms.quantity:
            self._end(order, orders.COMPLETE)
        else:
            self._push(order, orders.UPDATE)

    # ---- states

    def _working(self, order: Order) -> None:
        self._record(order, orders.TRIGGER if order.waits_for_trigger else orders.OPEN)

    def _reject(self, order: Order, reason: str) -> None:
        order.status_message = reason
        self._end(order, orders.REJECTED)

    def _end(self, order: Order, status: str) -> None:
        if status == orders.CANCELLED:
            order.cancelled_qty = order.terms.quantity - order.filled_qty
        self._record(order, status)
        queue = self._live.get(order.contract.token)
        if queue and order in queue:
            queue.remove(order)
            self.market.unwatch(order.contract)
        self._push(order)

    def _record(self, order: Order, status: str) -> None:
        order.status = status
        order.ts_update_ns = self.clock.now_ns()
        order.history.append(order.to_json())

    def _push(self, order: Order, status: str | None = None) -> None:
        payload = order.to_json(status)
        payload["user_id"] = self.cfg.user_id
        payload["app_id"] = 1
        payload["unfilled_quantity"] = order.leaves_qty
        payload["checksum"] = ""
        for listener in self.on_update:
            listener(payload)

    def _later(self, step: Callable[[], None]) -> None:
        market = self.market

        def run() -> None:
            # An order of yesterday that was still on its way when the day was changed.
            if self.market is market:
                step()

        self.clock.schedule(self.clock.now_ns() + self.delay_ns(self.cfg.latency.exchange), run)

    def _close_with_session(self, quote: Quote) -> None:
        """Working orders end shortly after the end of their instrument's session."""
        due_ns = quote.close_ns + NS_PER_S
        if due_ns in self._closings or due_ns <= self.clock.now_ns():
            return
        self._closings.add(due_ns)
        market = self.market

        def run() -> None:
            if self.market is market:
                for order in self.live_orders():
                    if self.market.quote(order.contract).close_ns < due_ns:
                        self._end(order, orders.CANCELLED)

        self.clock.schedule(due_ns, run)

    # ---- money

    def funds(self) -> dict[str, Any]:
        """The account's money as `GET /user/margins` tells it."""
        blocked = self.ledger.blocked_e4(self.live_orders(), self._price_for_margin)
        realised = self.ledger.realised_e4()
        unrealised = 0
        for position in self.ledger.positions():
            ltp_e4 = self.market.quote(position.contract).ltp_e4
            side_value = (ltp_e4 - position.average_e4) * position.qty if position.qty else 0
            unrealised += round(side_value * position.contract.multiplier)
        opening = self.ledger.opening_e4
        net = opening + realised - blocked
        equity = _segment(opening, net, blocked, realised, unrealised)
        return {"equity": equity, "commodity": _segment(0, 0, 0, 0, 0)}

    def margin_of(self, request: Request) -> float:
        """Rupees that an order alone would block."""
        price_e4 = request.terms.price_e4 or self.market.quote(request.contract).ltp_e4
        return (
            request.terms.quantity
            * unit_margin_e4(request.contract, request.product, request.side, price_e4)
            / E4
        )


def _segment(
    opening: int, net: int, blocked: int, realised: int, unrealised: int
) -> dict[str, Any]:
    available = dict.fromkeys(("adhoc_margin", "collateral", "intraday_payin"), 0)
    utilised = dict.fromkeys(
        (
            "exposure",
            "option_premium",
            "payout",
            "holding_sales",
            "turnover",
            "liquid_collateral",
            "stock_collateral",
            "delivery",
        ),
        0,
    )
    return {
        "enabled": True,
        "net": orders.number(net),
        "available": available
        | {
            "cash": orders.number(opening),
            "opening_balance": orders.number(opening),
            "live_balance": orders.number(net),
        },
        "utilised": utilised
        | {
            "debits": orders.number(blocked - realised),
            "span": orders.number(blocked),
            "m2m_realised": orders.number(realised),
            "m2m_unrealised": orders.number(unrealised),
        },
    }
