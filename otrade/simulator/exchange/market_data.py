"""What is on the screen: last trade, day statistics and five levels of depth of each instrument, in
virtual time.

An instrument moves only when somebody looks (a subscriber, a working order, a quote): its path is
already known, so it does not matter when it is caught up.
"""

import datetime as dt
from collections.abc import Callable, Iterator

from otrade.simulator.base.hours import ist_ns, previous_trading_day
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.base.virtual_clock import EventKind, VirtualClock, VirtualTimer
from otrade.simulator.draws import MASK, STEP
from otrade.simulator.prices.book_moves import first_slot, moved_ticks, slot_at, slot_start_ns
from otrade.simulator.prices.option_value import OptionOutlook
from otrade.simulator.prices.price_source import PriceSource

LEVELS = 5
E9 = 10**9


OI_UNITS = 9_000
"""Open interest at the start of a day, in units of ten lots."""


def oi_unit(contract: ListedContract) -> int:
    """0: it has no open interest."""
    return 10 * contract.lot if contract.expiry is not None else 0


def next_oi(oi: int, unit: int, noise: int) -> int:
    """Open interest after a trade with that noise: up to eight tenths of a unit more, or seven less."""
    return max(0, oi + ((noise >> 60) - 7) * unit // 10)


class DepthLevel:
    """One price of the book with what is left of it."""

    __slots__ = ("orders", "price_e4", "qty")

    def __init__(self, price_e4: int, qty: int, orders: int) -> None:
        self.price_e4 = price_e4
        self.qty = qty
        self.orders = orders


class MarketSnapshot:
    """One instrument's day so far."""

    def __init__(
        self, contract: ListedContract, prices: PriceSource, date: dt.date, clock: VirtualClock
    ) -> None:
        self.contract = contract
        self._clock = clock
        self.date = date
        self.open_ns, self.close_ns = contract.session_ns(date)
        self.prev_close_e4 = prices.previous_close_e4(contract, date)
        self.low_band_e4, self.high_band_e4 = prices.band_e4(contract, date)
        self._path = prices.path(contract, date)
        self._next = 0
        self._rising = True
        self._depth: tuple[list[DepthLevel], list[DepthLevel]] | None = None
        self._slot = 0
        self.locked = 0
        """+1 held at the upper band, -1 at the lower one."""
        self.n_flexed = 0
        """Steps that the band has slid today."""
        self.lpp_bps = 0
        """A protection range of its own; 0: the ordinary one."""
        self.is_halted = False
        self._factor_e9 = E9
        self._bends = False
        self.quiet_until_ns = 0
        """Nobody trades before that time; the order book moves all the same."""
        self._skipped: set[int] = set()
        self._bent_e4: dict[int, int] = {}
        """Prices that trades of the path have had in its place."""
        close = self.prev_close_e4
        self.ltp_e4 = self.open_e4 = self.high_e4 = self.low_e4 = close
        self.last_qty = self.volume = self.value_e4 = 0
        self.ts_ns = ist_ns(previous_trading_day(date), "15:30")
        """Time of the last trade."""
        self._oi_unit = oi_unit(contract)
        self.oi = self.oi_high = self.oi_low = self._oi_unit * OI_UNITS

    @property
    def next_ns(self) -> int | None:
        """Time of the next trade, None after the last."""
        return self._path.ts_ns[self._next] if self._next < len(self._path) else None

    @property
    def traded_today(self) -> bool:
        return self.volume > 0

    @property
    def average_e4(self) -> int:
        """Volume-weighted average price of the day, rounded down; 0 before any volume."""
        return self.value_e4 // self.volume if self.volume else 0

    @property
    def average_price(self) -> float:
        return self.value_e4 / self.volume / 10_000 if self.volume else 0.0

    def is_open(self, now_ns: int) -> bool:
        return self.open_ns <= now_ns < self.close_ns and not self.is_halted

    def advance(self, now_ns: int) -> bool:
        """Catch up with the path; True when there was a trade."""
        path, i, n = self._path, self._next, len(self._path)
        if i >= n or path.ts_ns[i] > now_ns:
            return False
        last = -1
        if self.is_halted:
            while self._next < n and path.ts_ns[self._next] <= now_ns:
                self._skipped.add(self._next)
                self._next += 1
            return False
        while i < n and path.ts_ns[i] <= now_ns:
            if path.ts_ns[i] < self.quiet_until_ns:
                self._skipped.add(i)
                i += 1
                continue
            price_e4, qty = path.px_e4[i], path.qty[i]
            if self._bends:
                price_e4 = self._bent_e4[i] = self._bent(price_e4)
            if not self.volume:
                self.open_e4 = self.high_e4 = self.low_e4 = price_e4
                self._rising = price_e4 >= self.ltp_e4
            elif price_e4 != self.ltp_e4:
                self._rising = price_e4 > self.ltp_e4
                if price_e4 > self.high_e4:
                    self.high_e4 = price_e4
                elif price_e4 < self.low_e4:
                    self.low_e4 = price_e4
            self.ltp_e4 = price_e4
            self.last_qty = qty
            self.volume += qty
            self.value_e4 += qty * price_e4
            if self._oi_unit:
                self.oi = next_oi(self.oi, self._oi_unit, path.noise[i])
                self.oi_high = max(self.oi_high, self.oi)
                self.oi_low = min(self.oi_low, self.oi)
            last = i
            i += 1
        self._next = i
        self._depth = None
        if last < 0:
            return False
        self.ts_ns = path.ts_ns[last]
        return True

    def trades_since(self, ts_ns: int, until_ns: int = 0) -> list[tuple[int, int]]:
        """(price, quantity) of what has traded from that time on, and before `until_ns` unless that
        is 0, oldest first.
        """
        path, first = self._path, self._next
        while first and path.ts_ns[first - 1] >= ts_ns:
            first -= 1
        last = self._next
        while until_ns and last > first and path.ts_ns[last - 1] >= until_ns:
            last -= 1
        return [
            (self._bent_e4.get(i, path.px_e4[i]), path.qty[i])
            for i in range(first, last)
            if i not in self._skipped
        ]

    def trades(self) -> Iterator[tuple[int, int, int, int]]:
        """(time, price, quantity, noise) of all that has traded today, oldest first."""
        path = self._path
        for i in range(self._next):
            if i not in self._skipped:
                yield path.ts_ns[i], self._bent_e4.get(i, path.px_e4[i]), path.qty[i], path.noise[i]

    def lock(self, side: int) -> None:
        """Stand at the band from the next trade on; 0 lets go."""
        self.locked = side
        self._bends = side != 0 or self._factor_e9 != E9
        self._depth = None

    def shift(self, bps: int) -> None:
        """The path goes on that much higher or lower; the factor is kept in billionths, rounded
        down.
        """
        self._factor_e9 = self._factor_e9 * (10_000 + bps) // 10_000
        self._bends = True

    def _bent(self, price_e4: int) -> int:
        tick_e4 = self.contract.tick_e4
        low_e4 = -(-self.low_band_e4 // tick_e4) * tick_e4
        high_e4 = self.high_band_e4 // tick_e4 * tick_e4
        if self.locked:
            return high_e4 if self.locked > 0 else low_e4
        step = tick_e4 * E9
        bent_e4 = (2 * price_e4 * self._factor_e9 + step) // (2 * step) * tick_e4  # half up
        return min(max(bent_e4, low_e4), high_e4)

    def noise(self) -> int:
        """64 random bits of the last trade."""
        return self._path.noise[self._next - 1] if self._next else 0

    def depth(self) -> tuple[list[DepthLevel], list[DepthLevel]]:
        """(bids, asks), best first, as they stand at this moment. Orders that trade reduce it until
        the book moves, with the next trade of the path or before it.
        """
        slot = slot_at(self._path, self._next - 1, self._clock.now_ns())
        if self._depth is None or slot != self._slot:
            self._slot = slot
            self._depth = self._make_depth(slot)
        return self._depth

    def _make_depth(self, slot: int) -> tuple[list[DepthLevel], list[DepthLevel]]:
        contract = self.contract
        if not contract.tradable or not self._next:
            return [], []
        if self.locked:
            return self._make_locked_depth()
        noise = (self.noise() + slot) * STEP & MASK
        tick_e4 = contract.tick_e4
        bid_e4, ask_e4 = self._best(slot)
        bids, asks = list[DepthLevel](), list[DepthLevel]()
        for i in range(LEVELS):
            for side, price_e4, bits in (
                (bids, bid_e4 - i * tick_e4, noise >> (6 * i)),
                (asks, ask_e4 + i * tick_e4, noise >> (30 + 6 * i)),
            ):
                if self.low_band_e4 <= price_e4 <= self.high_band_e4:
                    part = 0.4 + (bits & 63) / 64 * 1.2 + 0.25 * i
                    lots = max(1, int(contract.depth_lots * part))
                    side.append(
                        DepthLevel(
                            price_e4, lots * contract.lot, 1 + lots * 3 // (2 + contract.depth_lots)
                        )
                    )
        return bids, asks

    def _best(self, slot: int) -> tuple[int, int]:
        """Best bid and best offer. The last trade was at one of them, and the book has moved since."""
        path, last, tick_e4 = self._path, self._next - 1, self.contract.tick_e4
        spread_e4, is_buy, price_e4 = tick_e4, self._rising, self.ltp_e4
        if path.spread:
            spread_e4, is_buy = path.spread[last] * tick_e4, bool(path.noise[last] & 1)
            if not self.is_halted:
                price_e4 = self._bent(path.px_e4[last]) if self._bends else path.px_e4[last]
                price_e4 += moved_ticks(path, last, slot, tick_e4) * tick_e4
        bid_e4 = price_e4 - spread_e4 if is_buy else price_e4
        return bid_e4, bid_e4 + spread_e4

    def crossing_ns(self, side: int, price_e4: int) -> int | None:
        """When, after now and before the next trade, the other side of the book first stands at that
        price or through it. None: not, or nobody trades until then.
        """
        path, last, tick_e4 = self._path, self._next - 1, self.contract.tick_e4
        now_ns = self._clock.now_ns()
        if last < 0 or self.locked or self.is_halted or now_ns < self.quiet_until_ns:
            return None
        bid_e4, ask_e4 = self._best(0)
        away_e4 = price_e4 - ask_e4 if side > 0 else bid_e4 - price_e4
        slot = first_slot(
            *(path, last, slot_at(path, last, now_ns), tick_e4),
            side * (away_e4 // tick_e4),
            is_up=side < 0,
        )
        return None if slot is None else slot_start_ns(path, last, slot)

    def _make_locked_depth(self) -> tuple[list[DepthLevel], list[DepthLevel]]:
        """At the upper band only buyers wait, at the lower one only sellers."""
        lot, lots = self.contract.lot, self.contract.depth_lots
        wall = [DepthLevel(self._bent(0), lots * lot * 50, 40)]
        return (wall, []) if self.locked > 0 else ([], wall)

    def totals(self) -> tuple[int, int]:
        """Total quantity wanted and offered, all levels."""
        if not self.contract.tradable or not self._next:
            return 0, 0
        unit = self.contract.depth_lots * self.contract.lot
        noise = self.noise()
        wanted, offered = unit * (150 + (noise & 63)), unit * (150 + ((noise >> 30) & 63))
        return (0 if self.locked < 0 else wanted), (0 if self.locked > 0 else offered)


Listener = Callable[[list[MarketSnapshot]], None]


class MarketData:
    """All quotes of one day, and the events at which those that somebody watches trade."""

    def __init__(self, clock: VirtualClock, prices: PriceSource, date: dt.date) -> None:
        self.clock = clock
        self.date = date
        self.universe = prices.universe(date)
        self._prices = prices
        self._quotes: dict[int, MarketSnapshot] = {}
        self._watched: dict[int, int] = {}
        self._active: list[MarketSnapshot] = []
        self._timer: VirtualTimer | None = None
        self._is_halted = False
        self.on_trades: list[Listener] = []
        """Called with the quotes that traded at this instant, in the order in which they are listed
        here.
        """
        self.on_books: list[Listener] = []
        """Called with quotes whose order book has moved, and nothing else."""
        self.on_told: list[Listener] = []
        """Called with what is told to somebody who asks by REST."""

    def contract(self, token: int) -> ListedContract | None:
        return self.universe.by_token.get(token)

    def quote(self, contract: ListedContract) -> MarketSnapshot:
        """The instrument's day up to now."""
        quote = self._quotes.get(contract.token)
        if quote is None:
            quote = self._quotes[contract.token] = MarketSnapshot(
                contract, self._prices, self.date, self.clock
            )
            quote.is_halted = self._is_halted
        if contract.token not in self._watched:
            quote.advance(self.clock.now_ns())
        return quote

    def told(self, contract: ListedContract) -> MarketSnapshot:
        """The same, for somebody who asks by REST."""
        quote = self.quote(contract)
        for listener in self.on_told:
            listener([quote])
        return quote

    def outlook(self, contract: ListedContract) -> OptionOutlook:
        """What an option's value depends on now."""
        spot = self.quote(self.universe.underlying(contract))
        return self._prices.outlook(contract, self.date, self.clock.now_ns(), spot.ltp_e4)

    def watch(self, contract: ListedContract) -> None:
        """Let the instrument trade event by event from now on. Counted: pair
        each with `unwatch`."""
        quote = self.quote(contract)
        count = self._watched.get(contract.token, 0)
        self._watched[contract.token] = count + 1
        if not count:
            self._active = sorted([*self._active, quote], key=lambda q: q.contract.token)
            self._arm()

    def unwatch(self, contract: ListedContract) -> None:
        count = self._watched.get(contract.token, 0)
        if count > 1:
            self._watched[contract.token] = count - 1
        elif count == 1:
            del self._watched[contract.token]
            self._active = [q for q in self._active if q.contract.token != contract.token]

    def halt(self, is_halted: bool) -> None:
        """Nothing trades from now on, or it goes on."""
        self._is_halted = is_halted
        for quote in self._quotes.values():
            quote.is_halted = is_halted

    def close(self) -> None:
        """End of the day: no more trades."""
        if self._timer is not None:
            self._timer.cancel()
        self._active = []
        self._watched = {}

    def _arm(self) -> None:
        due = min((ts for quote in self._active if (ts := quote.next_ns) is not None), default=None)
        if due is None:
            return
        if self._timer is not None:
            if self._timer.callback is not None and self._timer.ts_ns <= due:
                return
            self._timer.cancel()
        self._timer = self.clock.schedule(due, self._step, EventKind.TRADES)

    def _step(self) -> None:
        self._timer = None
        now_ns = self.clock.now_ns()
        traded, moved = list[MarketSnapshot](), list[MarketSnapshot]()
        for quote in self._active:
            due_ns = quote.next_ns
            if quote.advance(now_ns):
                traded.append(quote)
            elif due_ns is not None and due_ns <= now_ns:
                moved.append(quote)
        if traded:
            for listener in self.on_trades:
                listener(traded)
        if moved:
            self._tell_books(moved)
        between = [quote for quote in traded if self._moves_between(quote)]
        if between:
            ts_ns = min(quote.next_ns or now_ns for quote in between)
            half_ns = (now_ns + ts_ns) // 2
            self.clock.schedule(half_ns, lambda: self._tell_books(between), EventKind.TRADES)
        self._arm()

    def _moves_between(self, quote: MarketSnapshot) -> bool:
        """Does its order book move before its next trade? (The path's own noise decides, so that a
        day is the same each time.)
        """
        return (
            quote.contract.tradable
            and quote.next_ns is not None
            and quote.noise() % 100 < self._prices.book_percent
        )

    def _tell_books(self, quotes: list[MarketSnapshot]) -> None:
        listed = [quote for quote in quotes if quote in self._active]
        for listener in self.on_books if listed else ():
            listener(listed)
