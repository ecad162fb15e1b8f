"""The one way in for every fault. What is armed here happens to the next requests, pushes, frames
and orders.

Everything is seeded and combinable; the exchange's own books stay exact whatever is done to those
who ask about them. `seen` counts what has really happened, by kind.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

from otrade.simulator.base.day_draws import DayDraws
from otrade.simulator.base.virtual_clock import VirtualClock, VirtualTimer
from otrade.simulator.faults.account import AccountFaults
from otrade.simulator.faults.bands import BandFaults
from otrade.simulator.faults.books import BookFaults
from otrade.simulator.faults.orders import OrderFaults
from otrade.simulator.faults.pushes import PushFaults
from otrade.simulator.faults.requests import RequestFaults
from otrade.simulator.faults.rms import RmsFaults
from otrade.simulator.faults.tags import TagFaults
from otrade.simulator.faults.ticks import TickFaults
from otrade.simulator.faults.values import ValueFaults


class FaultedFeed(Protocol):
    """What faults do to the feed."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def disconnect_all(self) -> int:
        """Returns how many connections there were."""
        ...

    def cut_mid_frame(self) -> int:
        """The same."""
        ...


class OneFeed(FaultedFeed, Protocol):
    """What faults do to one broker's feed, of which a client may have another one beside it."""

    def lag(self, lag_ns: int) -> None:
        """Prices come so much later."""
        ...

    def stick(self, *, is_stuck: bool) -> None:
        """The last message about prices comes again in place of each."""
        ...

    def tell_wrong(self, *, is_wrong: bool) -> None:
        """Wrong prices come between the right ones."""
        ...


class FaultedMarket(Protocol):
    """What faults do to the market."""

    def lock(self, key: str, side: int) -> None: ...

    def unlock(self, key: str) -> None: ...

    def gap(self, key: str, bps: int) -> bool:
        """False when the instrument trades no more."""
        ...

    def rest(self, key: str, until_ns: int) -> bool:
        """The same."""
        ...

    def drop_stops(self) -> int:
        """Cancel every stop that waits for its trigger; how many there were."""
        ...


class FaultLog(Counter[str]):
    """Counts what has really happened, and keeps when each kind did."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self.strikes: list[tuple[int, str]] = []
        """(when, kind), in order of time."""
        self._clock = clock

    def __setitem__(self, kind: str, n: int) -> None:
        if n > self[kind]:
            self.strikes.append((self._clock.now_ns(), kind))
        super().__setitem__(kind, n)


class FaultInjector(
    RequestFaults,
    PushFaults,
    OrderFaults,
    TagFaults,
    TickFaults,
    AccountFaults,
    ValueFaults,
    BookFaults,
    BandFaults,
    RmsFaults,
):
    """What shall go wrong; nothing by default."""

    def __init__(self, seed: int, clock: VirtualClock) -> None:
        seen = FaultLog(clock)
        draws = self._draws = DayDraws(seed, "fault")
        self.strikes = seen.strikes
        RequestFaults.__init__(self, seen)
        PushFaults.__init__(self, draws, seen)
        OrderFaults.__init__(self, draws, seen)
        TagFaults.__init__(self, seen)
        AccountFaults.__init__(self, clock, seen)
        TickFaults.__init__(self, draws, seen)
        ValueFaults.__init__(self, draws, seen)
        BookFaults.__init__(self, draws, seen)
        BandFaults.__init__(self)
        self.asked: list[tuple[int, str, str]] = []
        """(time, kind of route, path) of every question of the day that is no order."""
        RmsFaults.__init__(self, seen)
        self.quote_paths: tuple[str, ...] = ()
        """How the paths of quotes begin, at every broker that is served."""
        self.feed: FaultedFeed
        self.feeds: Mapping[str, OneFeed]
        """Each broker's by itself."""
        self._silent_feeds: set[str] = set()
        self.prices: FaultedMarket
        self._clock = clock
        self._endings: dict[str, tuple[VirtualTimer, Callable[[], None]]] = {}
        self._silences: set[str] = set()
        """What keeps the feed silent: it speaks again when the last of these is over."""
        self._is_ending = False

    def open_day(self, date: dt.date) -> None:
        """What is drawn belongs to a day, and so do its orders."""
        self._draws.open_day(date)
        self.forget_orders()

    # ---- the connection and the market

    def silence_feed(self, duration_ns: int) -> None:
        """Nothing on the feed, not even heartbeats; connections stay."""
        self.seen["silence_feed"] += 1
        self._silence("silence_feed")
        self._until("silence_feed", duration_ns, lambda: self._speak("silence_feed"))

    def cut_feed(self) -> None:
        if self.feed.disconnect_all():
            self.seen["cut_feed"] += 1

    def silence_one(self, kind: str, broker: str, duration_ns: int) -> None:
        """Nothing on that broker's feed, whatever another one says."""
        self.seen[kind] += 1
        self._silent_feeds.add(broker)
        self.feeds[broker].pause()

        def mend() -> None:
            self._silent_feeds.discard(broker)
            if not self._silences:
                self.feeds[broker].resume()

        self._until(f"{kind} {broker}", duration_ns, mend)

    def cut_one(self, kind: str, broker: str) -> None:
        """That broker's feed connections are gone."""
        if self.feeds[broker].disconnect_all():
            self.seen[kind] += 1

    def lag_one(self, kind: str, broker: str, lag_ns: int, duration_ns: int) -> None:
        """That broker's prices come so much later."""
        self.seen[kind] += 1
        feed = self.feeds[broker]
        feed.lag(lag_ns)
        self._until(f"{kind} {broker}", duration_ns, lambda: feed.lag(0))

    def stick_one(self, broker: str, duration_ns: int) -> None:
        """That broker's feed says again what it said last, in place of what is new."""
        self.seen["feed_stuck"] += 1
        feed = self.feeds[broker]
        feed.stick(is_stuck=True)
        self._until(f"feed_stuck {broker}", duration_ns, lambda: feed.stick(is_stuck=False))

    def wrong_one(self, broker: str, duration_ns: int) -> None:
        """Before each price of that broker's feed comes one that is wrong by a decimal point."""
        self.seen["feed_wrong"] += 1
        feed = self.feeds[broker]
        feed.tell_wrong(is_wrong=True)
        self._until(f"feed_wrong {broker}", duration_ns, lambda: feed.tell_wrong(is_wrong=False))

    def cut_mid_frame(self) -> None:
        """Half a frame, then the connection is gone."""
        if self.feed.cut_mid_frame():
            self.seen["cut_mid_frame"] += 1

    def half_open(self, duration_ns: int) -> None:
        """Nothing is forwarded and nothing is closed, as behind a router that has forgotten the
        connection: requests are not carried out, answers under way are lost, new connections are
        taken and stay silent.
        """
        self.seen["half_open"] += 1
        self.is_half_open = True
        self._silence("half_open")

        def mend() -> None:
            self.is_half_open = False
            self._speak("half_open")

        self._until("half_open", duration_ns, mend)

    def shut_book(self, duration_ns: int) -> None:
        """The order book alone refuses the access token."""
        self.is_book_shut = True
        self._until("book_403", duration_ns, self.open_book)

    def lock_circuit(self, key: str, side: int, duration_ns: int) -> None:
        """The instrument stands at its upper (+1) or lower (-1) band, and nobody takes the other
        side.
        """
        self.seen["lock_circuit"] += 1
        self.prices.lock(key, side)
        self._until(f"lock_circuit {key}", duration_ns, lambda: self.prices.unlock(key))

    def gap(self, key: str, bps: int) -> None:
        """The price jumps by that much with its next trade, and goes on from there."""
        if self.prices.gap(key, bps):
            self.seen["gap"] += 1

    def hole(self, duration_ns: int) -> None:
        """No prices on the feed; heartbeats and order updates go on."""
        self.seen["tick_hole"] += 1
        self._has_hole = True

        def mend() -> None:
            self._has_hole = False

        self._until("tick_hole", duration_ns, mend)

    def thin(self, key: str, duration_ns: int) -> None:
        """Nobody trades the instrument for so long; its order book moves on."""
        if self.prices.rest(key, self._clock.now_ns() + duration_ns):
            self.seen["thin"] += 1

    def take_request(self, method: str, path: str) -> str:
        """How this request is lost; "" when it is not."""
        if self.is_without_quotes and path.startswith(self.quote_paths):
            return "503"
        return super().take_request(method, path)

    # ---- risk management, for a time

    def reject_entries(self, key: str, duration_ns: int) -> None:
        """Nothing may be opened in this instrument, as in a ban."""
        self.ban(key)
        self._until(f"reject_entries {key}", duration_ns, lambda: self.unban(key))

    def lose_stops(self, n: int, every_ns: int) -> None:
        """Risk management takes every waiting stop out, `n` times, so far apart."""
        self.seen["lose_stops"] += self.prices.drop_stops()
        if n > 1:
            self._until(
                "lose_stops",
                every_ns,
                lambda: None if self._is_ending else self.lose_stops(n - 1, every_ns),
            )

    # ---- all of it

    @property
    def pending(self) -> bool:
        """Is anything armed that happens once, or going on? (Caps and cut fills stand until
        `clear`, and do not count.)
        """
        return bool(self._endings) or any(kind._is_armed(self) for kind in KINDS)

    def clear(self) -> None:
        """The world is healthy again: disarm everything, end everything. A gap stays: prices go on
        from where they are.
        """
        for disarmed in KINDS:
            disarmed._disarm(self)
        self._is_ending = True
        for kind in list(self._endings):
            timer, ending = self._endings.pop(kind)
            timer.cancel()
            ending()
        self._is_ending = False

    def _silence(self, kind: str) -> None:
        self._silences.add(kind)
        self.feed.pause()

    def _speak(self, kind: str) -> None:
        self._silences.discard(kind)
        if not self._silences:
            self.feed.resume()
            for broker in self._silent_feeds:
                self.feeds[broker].pause()

    def _until(self, kind: str, duration_ns: int, ending: Callable[[], None]) -> None:
        before = self._endings.pop(kind, None)
        if before is not None:
            before[0].cancel()

        def end() -> None:
            del self._endings[kind]
            ending()

        self._endings[kind] = self._clock.schedule(self._clock.now_ns() + duration_ns, end), ending


KINDS = (
    RequestFaults,
    PushFaults,
    OrderFaults,
    TagFaults,
    TickFaults,
    AccountFaults,
    ValueFaults,
    BookFaults,
    RmsFaults,
)
