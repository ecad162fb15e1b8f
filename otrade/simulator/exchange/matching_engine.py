"""The matching engine's side of one day: orders that have arrived, their fills and their states.

Everything that changes an order's state is here; `order_system` decides what may come here at all.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from otrade.simulator.base.config import NS_PER_MS, NS_PER_S, SimConfig
from otrade.simulator.base.day_draws import DayDraws
from otrade.simulator.base.virtual_clock import EventKind, VirtualClock, VirtualTimer
from otrade.simulator.exchange import matching_rules, order_checks, orders, price_bands
from otrade.simulator.exchange.ledger import Ledger
from otrade.simulator.exchange.market_data import MarketData, MarketSnapshot
from otrade.simulator.exchange.orders import Execution, Order, OrderState, RequestedTerms
from otrade.simulator.faults.injector import FaultInjector

Push = Callable[[OrderState], None]
State = Callable[[Order, str], None]


class MatchingEngine:
    """Working orders of one day. Dead after `close`: what was still on its way is dropped."""

    def __init__(
        self,
        cfg: SimConfig,
        draws: DayDraws,
        clock: VirtualClock,
        market: MarketData,
        ledger: Ledger,
        listeners: list[Push],
        watchers: list[State],
        trades: list[Execution],
        faults: FaultInjector,
    ) -> None:
        """`listeners` get the state of each push, `watchers` each state; `trades` collects every
        execution.
        """
        self._cfg = cfg
        self._draws = draws
        self._clock = clock
        self._faults = faults
        self._market = market
        self._ledger = ledger
        self._listeners = listeners
        self._watchers = watchers
        self._trades = trades
        self._live: dict[int, list[Order]] = {}
        """By token, in the order of arrival: what may still trade."""
        self._at_exchange: set[str] = set()
        self._busy: set[str] = set()
        """A modification or cancel is on its way."""
        self._closings: set[int] = set()
        self._crossings: dict[int, VirtualTimer] = {}
        """By token: when the book next comes to a resting order's price, between two trades."""
        self._met: dict[int, set[str]] = {}
        """By token: orders that have traded since the last trade of the market, and wait for the next."""
        self._sequence = 0
        self._closed = False
        market.on_trades.append(self._on_trades)

    def close(self) -> None:
        self._closed = True

    def live_orders(self) -> list[Order]:
        """Everything that may still trade."""
        return [order for queue in self._live.values() for order in queue]

    def next_sequence(self) -> int:
        """The next place in time priority."""
        self._sequence += 1
        return self._sequence

    def can_change(self, order: Order) -> bool:
        """It has arrived, and no modification or cancel is on its way."""
        return order.order_id in self._at_exchange and order.order_id not in self._busy

    def restore(self, orders_of_day: Iterable[Order], delay_ns: Callable[[Order], int]) -> None:
        """Orders of a process that has died. A new one that was on its way arrives; a change that was
        is lost, and its order is what it was.
        """
        for order in sorted(orders_of_day, key=lambda o: o.sequence):
            self._sequence = max(self._sequence, order.sequence)
            if order.is_final:
                continue
            self._live.setdefault(order.contract.token, []).append(order)
            self._market.watch(order.contract)
            self._close_with_session(self._market.quote(order.contract))
            if order.exchange_order_id is None:
                self._later(order, delay_ns(order), partial(self._arrive, order))
                continue
            self._at_exchange.add(order.order_id)
            if order.status not in orders.WORKING:
                self._working(order)
            self._watch_book(self._market.quote(order.contract))
            if order.terms.validity == "TTL":
                ttl_ns = order.terms.validity_ttl * 60 * NS_PER_S
                left_ns = order.ts_placed_ns + ttl_ns - self._clock.now_ns()
                self._later(order, max(left_ns, 0), partial(self._apply_cancel, order))

    # ---- from the order system, each one latency later

    def send_new(self, order: Order, delay_ns: int) -> None:
        self.record(order, orders.OPEN_PENDING)
        self._live.setdefault(order.contract.token, []).append(order)
        self._market.watch(order.contract)
        self._close_with_session(self._market.quote(order.contract))
        self._later(order, delay_ns, lambda: self._arrive(order))

    def send_modify(self, order: Order, terms: RequestedTerms, delay_ns: int) -> None:
        self._busy.add(order.order_id)
        self.record(order, orders.MODIFY_VALIDATION)
        self.record(order, orders.MODIFY_PENDING)
        self._later(order, delay_ns, lambda: self._apply_modify(order, terms))

    def send_cancel(self, order: Order, delay_ns: int) -> None:
        self._busy.add(order.order_id)
        self.record(order, orders.CANCEL_PENDING)
        self._later(order, delay_ns, lambda: self._apply_cancel(order))

    def cancel_at_once(self, order: Order, why: str) -> None:
        """The broker takes it out of the market by itself."""
        self._busy.discard(order.order_id)
        order.status_message = why
        self._end(order, orders.CANCELLED)

    def _later(self, order: Order, delay_ns: int, step: Callable[[], None]) -> None:
        """A step of this order's life, so much later."""
        due_ns = self._clock.now_ns() + delay_ns
        kind, token = EventKind.EXCHANGE, order.contract.token
        self._clock.schedule(due_ns, self._while_open(step), kind, token, order.name)

    def _while_open(self, step: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            if not self._closed:
                step()

        return run

    def _close_with_session(self, quote: MarketSnapshot) -> None:
        """Working orders end shortly after the end of their instrument's session."""
        due_ns = quote.close_ns + NS_PER_S
        if due_ns in self._closings or due_ns <= self._clock.now_ns():
            return
        self._closings.add(due_ns)

        def end_all() -> None:
            for order in self.live_orders():
                if self._market.quote(order.contract).close_ns < due_ns:
                    self._end(order, orders.CANCELLED)

        self._clock.schedule(due_ns, self._while_open(end_all), EventKind.SESSION)

    def _apply_modify(self, order: Order, terms: RequestedTerms) -> None:
        self._busy.discard(order.order_id)
        if order.is_final:
            return
        quote = self._market.quote(order.contract)
        reason = order_checks.rms_reason(
            terms, order.contract, order.side, quote, self._clock.now_ns()
        )
        if reason is None and terms.quantity <= order.filled_qty:
            reason = "Order quantity cannot be less than or equal to the traded quantity."
        if reason is None and not quote.is_open(self._clock.now_ns()):
            reason = order_checks.NOT_IN_CONTINUOUS_SESSION
        if reason is not None:
            order.status_message = reason
            self._tell(order, orders.NOT_MODIFIED)
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
            order.sequence = self.next_sequence()
        if terms.order_type != old.order_type:
            order.triggered = False
        order.terms = terms
        order.ts_exchange_ns = self._clock.now_ns()
        self.record(order, orders.MODIFIED)
        self._working(order)
        self._push(order, orders.UPDATE)
        self._to_book(order, quote)

    def _apply_cancel(self, order: Order) -> None:
        was_asked = order.order_id in self._busy  # not by its own time limit
        self._busy.discard(order.order_id)
        if order.is_final:
            if was_asked:
                self._tell(order, orders.NOT_CANCELLED)
                self._tell(order, order.status)
            return
        left = order.leaves_qty
        self._end(order, orders.CANCELLED)
        quote = self._market.quote(order.contract)
        if (
            not order.waits_for_trigger
            and quote.traded_today
            and (late_ms := self._faults.take_late_fill(order.draw_key))
        ):
            late_ns = late_ms * NS_PER_MS
            self._later(order, late_ns, lambda: self._traded_after_all(order, left))

    def _traded_after_all(self, order: Order, left: int) -> None:
        """The exchange's word comes late: before the cancel, all or a part of it had traded."""
        qty = self._faults.part(order.draw_key, left, order.contract.lot)
        order.status = orders.OPEN
        order.cancelled_qty = 0
        self._fill(order, [(qty, order.terms.price_e4)])
        if not order.is_final:
            self._end(order, orders.CANCELLED)

    # ---- at the exchange

    def take_out(self, reason: str, outside: MarketSnapshot | None = None) -> None:
        """Cancel what rests: of one instrument the limits outside its band, or everything."""
        for order in self.live_orders():
            if order.order_id not in self._at_exchange:
                continue  # on its way: it is looked at when it arrives
            if outside is not None:
                price_e4 = order.terms.price_e4
                is_inside = outside.low_band_e4 <= price_e4 <= outside.high_band_e4
                if (
                    order.contract.token != outside.contract.token
                    or order.waits_for_trigger
                    or is_inside
                ):
                    continue
            order.status_message = reason
            self._end(order, orders.CANCELLED)

    def _arrive(self, order: Order) -> None:
        if order.is_final:
            return
        quote = self._market.quote(order.contract)
        if not quote.is_open(self._clock.now_ns()):
            self.reject(order, order_checks.NOT_IN_CONTINUOUS_SESSION)
            return
        now_ns = self._clock.now_ns()
        order.exchange_order_id = f"11{self._market.date:%y%m%d}{order.sequence + 10_000_000:08d}"
        order.ts_exchange_ns = now_ns
        self._at_exchange.add(order.order_id)
        if order.terms.validity == "TTL":
            ttl_ns = order.terms.validity_ttl * 60 * NS_PER_S
            self._later(order, ttl_ns, lambda: self._apply_cancel(order))
        self._working(order)
        opens = self._ledger.held(order.contract, order.product) * order.side >= 0
        if order.terms.order_type == "LIMIT" and opens:
            self._faults.take_passed_over(order.order_id, now_ns)
        self._to_book(order, quote)
        if self._cfg.push_working and not order.is_final and not order.filled_qty:
            self._push(order)

    def _to_book(self, order: Order, quote: MarketSnapshot) -> None:
        """Trade what trades at once; leave the rest."""
        if order.waits_for_trigger:
            if matching_rules.is_triggered(order, quote.ltp_e4):
                self._trigger(order, quote)
                self._watch_book(quote)
            return
        if order.terms.order_type == "MARKET":
            self._convert(order, quote)
        self._fill(order, matching_rules.take(order, quote))
        if order.terms.validity == "IOC" and not order.is_final:
            self._end(order, orders.CANCELLED)
        self._watch_book(quote)

    def _convert(self, order: Order, quote: MarketSnapshot) -> None:
        price_e4 = matching_rules.protected_price_e4(order, quote)
        order.terms = replace(order.terms, order_type="LIMIT", price_e4=price_e4)

    def _trigger(self, order: Order, quote: MarketSnapshot) -> None:
        order.triggered = True
        if order.terms.order_type == "SL-M":
            self._convert(order, quote)
        elif price_bands.is_outside(quote, order.side, order.terms.price_e4, self._clock.now_ns()):
            order.status_message = price_bands.TAKEN_OUT
            self._end(order, orders.CANCELLED)
            return
        if order.order_id not in self._busy:
            self._working(order)
        fills = matching_rules.take(order, quote)
        if not fills and self._cfg.push_working:
            self._push(order, orders.OPEN)
        self._fill(order, fills)
        if order.terms.validity == "IOC" and not order.is_final:
            self._end(order, orders.CANCELLED)

    def _on_trades(self, quotes: list[MarketSnapshot]) -> None:
        for quote in quotes:
            queue = self._live.get(quote.contract.token)
            if not queue or not quote.is_open(self._clock.now_ns()):
                continue
            self._met.pop(quote.contract.token, None)
            waiting = [
                order
                for order in queue
                if order.waits_for_trigger and order.order_id in self._at_exchange
            ]
            for order in self._resting(quote):
                self._fill(order, matching_rules.rest(order, quote, self._draws))
            for order in sorted(waiting, key=lambda o: o.sequence):
                if matching_rules.is_triggered(order, quote.ltp_e4):
                    self._trigger(order, quote)
            self._watch_book(quote)

    def _resting(self, quote: MarketSnapshot) -> list[Order]:
        """Limit orders of an instrument, who trades first first."""
        found = [
            order
            for order in self._live.get(quote.contract.token, ())
            if order.order_id in self._at_exchange and not order.waits_for_trigger
        ]
        return sorted(found, key=lambda o: (-o.side * o.terms.price_e4, o.sequence))

    def _watch_book(self, quote: MarketSnapshot) -> None:
        """An event for when the book next comes to a resting order's price."""
        token = quote.contract.token
        if (timer := self._crossings.pop(token, None)) is not None:
            timer.cancel()
        met = self._met.get(token, ())
        times = {
            order.order_id: due_ns
            for order in self._resting(quote)
            if order.order_id not in met
            and (due_ns := quote.crossing_ns(order.side, order.terms.price_e4)) is not None
        }
        if times:
            first_ns = min(times.values())
            due = [order_id for order_id, due_ns in times.items() if due_ns == first_ns]
            step = self._while_open(partial(self._on_book, quote, due))
            self._crossings[token] = self._clock.schedule(first_ns, step, EventKind.TRADES, token)

    def _on_book(self, quote: MarketSnapshot, due: list[str]) -> None:
        """The book is at the price of these orders. Each has that once until the market's next trade."""
        if quote.is_open(self._clock.now_ns()):
            self._met.setdefault(quote.contract.token, set()).update(due)
            for order in self._resting(quote):
                if order.order_id in due:
                    self._fill(order, matching_rules.meet(order, quote))
            self._watch_book(quote)

    def _fill(self, order: Order, fills: Iterable[matching_rules.Fill]) -> None:
        now_ns = self._clock.now_ns()
        got = 0
        if self._faults.is_passed_over(order.order_id, now_ns):
            return
        if self._faults.cuts_fills:
            fills = self._faults.cut(order.draw_key, list(fills), order.contract.lot)
        for qty, price_e4 in fills:
            trade = Execution(f"{len(self._trades) + 40_000_001}", order, qty, price_e4, now_ns)
            order.filled_qty += qty
            order.filled_value_e4 += qty * price_e4
            order.trades.append(trade)
            self._trades.append(trade)
            self._ledger.book(trade)
            got += qty
        if not got:
            return
        self._met.setdefault(order.contract.token, set()).add(order.order_id)
        order.ts_exchange_ns = order.ts_update_ns = now_ns
        if order.filled_qty == order.terms.quantity:
            self._end(order, orders.COMPLETE)
        else:
            self._push(order, orders.UPDATE)

    # ---- states

    def _working(self, order: Order) -> None:
        self.record(order, orders.TRIGGER if order.waits_for_trigger else orders.OPEN)

    def reject(self, order: Order, reason: str) -> None:
        order.status_message = reason
        self._end(order, orders.REJECTED)

    def _end(self, order: Order, status: str) -> None:
        if status == orders.CANCELLED:
            order.cancelled_qty = order.terms.quantity - order.filled_qty
        self.record(order, status)
        queue = self._live.get(order.contract.token)
        if queue and order in queue:
            queue.remove(order)
            self._market.unwatch(order.contract)
        self._push(order)

    def record(self, order: Order, status: str) -> None:
        order.status = status
        order.ts_update_ns = self._clock.now_ns()
        order.history.append(order.state())
        order.told.append((order.ts_update_ns, order.history[-1]))
        self._tell(order, status)

    def _tell(self, order: Order, status: str) -> None:
        for watcher in self._watchers:
            watcher(order, status)

    def _push(self, order: Order, status: str | None = None) -> None:
        order.told.append((self._clock.now_ns(), order.state()))
        pushed = order.state(status)
        for listener in self._listeners:
            listener(pushed)
