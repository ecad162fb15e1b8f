"""The one door through which trouble enters. What is armed here happens to the next requests, pushes, frames and orders.

Everything is seeded and combinable; the exchange's own books stay exact whatever is done to those who ask about them. `seen`
counts what has really happened, by kind.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import orjson

from .clock import VirtualClock, VirtualTimer
from .errors import KiteError, bad_order, too_many

AnswerFault = Literal["504", "502_html", "reset", "silence", "slow", "cut"]
RequestFault = Literal["reset", "silence", "503", "429", "500"]
Manner = Literal["", "reset", "silence", "cut"]
"""How an answer leaves, or does not."""
PushFault = Literal["", "dropped", "doubled", "shuffled", "unknown_status", "garbled"]

REFUSALS = {
    "503": KiteError(503, "NetworkException", "Service unavailable."),
    "429": too_many(),
    "500": KiteError(500, "GeneralException", "Something went wrong."),
}
UNKNOWN_STATUS = "AUCTION HOLD PENDING"
LATE_FILL_MS = (20, 800)


class Feed(Protocol):
    """What faults do to the feed."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def disconnect_all(self) -> int:
        """Returns how many connections there were."""
        ...

    def cut_mid_frame(self) -> int:
        """The same."""
        ...


class Prices(Protocol):
    """What faults do to the market."""

    def lock(self, key: str, side: int) -> None: ...

    def unlock(self, key: str) -> None: ...

    def gap(self, key: str, bps: int) -> bool:
        """False when the instrument trades no more."""
        ...


@dataclass(slots=True)
class Rule:
    """Refuse the next `count` matching requests with this error."""

    error: KiteError
    count: int = 1
    method: str = ""
    path_prefix: str = ""


@dataclass(slots=True)
class Wrong:
    """What becomes of the next `count` matching requests, or of their answers."""

    how: str
    count: int
    method: str
    path_prefix: str
    delay_ns: int = 0
    body: bytes = b""
    then: Callable[[], None] | None = None

    def matches(self, method: str, path: str, body: bytes) -> bool:
        return (not self.method or self.method == method) and path.startswith(self.path_prefix) and self.body in body


class Faults:
    """What shall go wrong; nothing by default."""

    def __init__(self, seed: int, clock: VirtualClock) -> None:
        self.rng = random.Random(f"{seed}:faults")
        self.rules: list[Rule] = []
        self.delay_ns = 0
        """Added to every answer."""
        self.seen: Counter[str] = Counter()
        """How often each kind has really happened."""
        self.feed: Feed
        self.prices: Prices
        self.is_half_open = False
        self.cuts_fills = False
        self._clock = clock
        self._answers: list[Wrong] = []
        self._requests: list[Wrong] = []
        self._pushes: list[PushFault] = []
        self._shuffle_ns = 0
        self._n_reject_exits = 0
        self._n_late_fills = 0
        self._n_stale = 0
        self._stale_age_ns = 0
        self._modifications: Counter[str] | None = None
        self._modifications_more = 0
        self._placements_more: int | None = None
        self._endings: dict[str, tuple[VirtualTimer, Callable[[], None]]] = {}
        self._silences: set[str] = set()
        """What keeps the feed silent: it speaks again when the last of these is over."""

    # ---- armed by a test

    def fail_next(
        self,
        status: int,
        error_type: str,
        message: str,
        *,
        count: int = 1,
        method: str = "",
        path_prefix: str = "",
    ) -> None:
        """The next `count` requests with that method and path are refused like this."""
        self.rules.append(Rule(KiteError(status, error_type, message), count, method, path_prefix))

    def answer_wrongly(
        self,
        how: AnswerFault,
        *,
        count: int = 1,
        method: str = "",
        path_prefix: str = "",
        delay_ns: int = 0,
        body: str = "",
        then: Callable[[], None] | None = None,
    ) -> None:
        """The next `count` matching requests are carried out, and only their answers suffer. `body`: a piece of the request's
        body; `then` is called each time that it happens.
        """
        self._answers.append(Wrong(how, count, method, path_prefix, delay_ns, body.encode(), then))

    def lose_request(self, how: RequestFault, *, count: int = 1, method: str = "", path_prefix: str = "") -> None:
        """The next `count` matching requests are not carried out."""
        self._requests.append(Wrong(how, count, method, path_prefix))

    def drop_pushes(self, n: int) -> None:
        self._pushes += ["dropped"] * n

    def double_pushes(self, n: int) -> None:
        self._pushes += ["doubled"] * n

    def shuffle_pushes(self, n: int, within_ns: int) -> None:
        """The next `n` pushes are late by up to `within_ns`, each by its own time."""
        self._shuffle_ns = within_ns
        self._pushes += ["shuffled"] * n

    def unknown_status(self, n: int) -> None:
        """The next `n` pushes carry a status word that nobody has seen."""
        self._pushes += ["unknown_status"] * n

    def garble_push(self, n: int) -> None:
        """The next `n` pushes cannot be read."""
        self._pushes += ["garbled"] * n

    def silence_feed(self, duration_ns: int) -> None:
        """Nothing on the feed, not even heartbeats; connections stay."""
        self.seen["silence_feed"] += 1
        self._silence("silence_feed")
        self._until("silence_feed", duration_ns, lambda: self._speak("silence_feed"))

    def cut_feed(self) -> None:
        if self.feed.disconnect_all():
            self.seen["cut_feed"] += 1

    def cut_mid_frame(self) -> None:
        """Half a frame, then the connection is gone."""
        if self.feed.cut_mid_frame():
            self.seen["cut_mid_frame"] += 1

    def half_open(self, duration_ns: int) -> None:
        """Nothing is forwarded and nothing is closed, as behind a router that has forgotten the connection: requests are not carried
        out, answers under way are lost, new connections are taken and stay silent.
        """
        self.seen["half_open"] += 1
        self.is_half_open = True
        self._silence("half_open")

        def mend() -> None:
            self.is_half_open = False
            self._speak("half_open")

        self._until("half_open", duration_ns, mend)

    def reject_exits(self, n: int) -> None:
        """The risk system rejects the next `n` stops and orders that would reduce a position."""
        self._n_reject_exits += n

    def lock_circuit(self, key: str, side: int, duration_ns: int) -> None:
        """The instrument stands at its upper (+1) or lower (-1) band, and nobody takes the other side."""
        self.seen["lock_circuit"] += 1
        self.prices.lock(key, side)
        self._until(f"lock_circuit {key}", duration_ns, lambda: self.prices.unlock(key))

    def gap(self, key: str, bps: int) -> None:
        """The price jumps by that much with its next trade, and goes on from there."""
        if self.prices.gap(key, bps):
            self.seen["gap"] += 1

    def cut_fills(self, on: bool) -> None:
        """Orders trade in random pieces, spread over the market's trades."""
        self.cuts_fills = on

    def fill_after_cancel(self, n: int) -> None:
        """The next `n` cancelled orders turn out to have traded, wholly or in part."""
        self._n_late_fills += n

    def stale_book(self, n: int, age_ns: int) -> None:
        """The next `n` readings of the order book show it as it was."""
        self._n_stale += n
        self._stale_age_ns = age_ns

    def cap_modifications(self, n_more: int) -> None:
        """From now on an order takes that many modifications and no more."""
        self._modifications = Counter()
        self._modifications_more = n_more

    def cap_day(self, n_more: int) -> None:
        """After that many placements the day's cap is reached."""
        self._placements_more = n_more

    @property
    def pending(self) -> bool:
        """Is anything armed, or going on?"""
        armed = self.rules or self._answers or self._requests or self._pushes or self._endings
        return bool(armed or self._n_reject_exits or self._n_late_fills or self._n_stale)

    def clear(self) -> None:
        """The world is healthy again: disarm everything, end everything."""
        self.rules.clear()
        self._answers.clear()
        self._requests.clear()
        self._pushes.clear()
        self.delay_ns = 0
        self._n_reject_exits = self._n_late_fills = self._n_stale = 0
        self.cuts_fills = False
        self._modifications = None
        self._placements_more = None
        for kind in list(self._endings):
            timer, ending = self._endings.pop(kind)
            timer.cancel()
            ending()

    def _silence(self, kind: str) -> None:
        self._silences.add(kind)
        self.feed.pause()

    def _speak(self, kind: str) -> None:
        self._silences.discard(kind)
        if not self._silences:
            self.feed.resume()

    def _until(self, kind: str, duration_ns: int, ending: Callable[[], None]) -> None:
        before = self._endings.pop(kind, None)
        if before is not None:
            before[0].cancel()

        def end() -> None:
            del self._endings[kind]
            ending()

        self._endings[kind] = self._clock.schedule(self._clock.now_ns() + duration_ns, end), ending

    # ---- asked by the simulator

    def take(self, method: str, path: str) -> KiteError | None:
        """The error for this request, None to serve it."""
        for rule in self.rules:
            if (not rule.method or rule.method == method) and path.startswith(rule.path_prefix):
                rule.count -= 1
                if rule.count <= 0:
                    self.rules.remove(rule)
                self.seen["fail_next"] += 1
                return rule.error
        return None

    def take_request(self, method: str, path: str) -> str:
        """How this request is lost; "" when it is not."""
        if self.is_half_open:
            self.seen["half_open_request"] += 1
            return "silence"
        wrong = self._first(self._requests, method, path, b"")
        if wrong is None:
            return ""
        self.seen[f"lose_{wrong.how}"] += 1
        return wrong.how

    def take_answer(self, method: str, path: str, body: bytes) -> Wrong | None:
        """What happens to the answer of this request."""
        if not self._answers:
            return None
        wrong = self._first(self._answers, method, path, body)
        if wrong is not None:
            self.seen[f"answer_{wrong.how}"] += 1
            if wrong.then is not None:
                wrong.then()
        return wrong

    def _first(self, wrongs: list[Wrong], method: str, path: str, body: bytes) -> Wrong | None:
        for wrong in wrongs:
            if wrong.matches(method, path, body):
                wrong.count -= 1
                if wrong.count <= 0:
                    wrongs.remove(wrong)
                return wrong
        return None

    def take_push(self) -> tuple[PushFault, int]:
        """What happens to this push, and by how much it is late."""
        if not self._pushes:
            return "", 0
        fault = self._pushes.pop(0)
        self.seen[f"push_{fault}"] += 1
        return fault, self.rng.randint(0, self._shuffle_ns) if fault == "shuffled" else 0

    def garble(self, text: bytes) -> bytes:
        """A message that breaks off, or is JSON and lacks what makes it an order's."""
        way = self.rng.randrange(3)
        if way == 0:
            return text[: len(text) // 2]
        message = orjson.loads(text)
        if way == 1:
            for name in ("order_id", "status", "filled_quantity", "average_price"):
                message["data"].pop(name, None)
        else:
            message["data"] = None
        return orjson.dumps(message)

    def take_exit_rejection(self) -> bool:
        if self._n_reject_exits <= 0:
            return False
        self._n_reject_exits -= 1
        self.seen["reject_exits"] += 1
        return True

    def take_late_fill(self) -> int:
        """How late, in ms, a cancelled order turns out to have traded; 0: it has not."""
        if self._n_late_fills <= 0:
            return 0
        self._n_late_fills -= 1
        self.seen["fill_after_cancel"] += 1
        return self.rng.randint(*LATE_FILL_MS)

    def take_stale_ns(self) -> int:
        """How old the book is that is shown now; 0: it is fresh."""
        if self._n_stale <= 0:
            return 0
        self._n_stale -= 1
        self.seen["stale_book"] += 1
        return self._stale_age_ns

    def cut(self, fills: list[tuple[int, int]], lot: int) -> list[tuple[int, int]]:
        """The part of these fills that happens now."""
        lots = sum(qty for qty, _ in fills) // lot
        if not self.cuts_fills or lots < 2:
            return fills
        left = self.rng.randint(1, lots) * lot
        part = []
        for qty, price_e4 in fills:
            if left > 0:
                part.append((min(qty, left), price_e4))
            left -= qty
        if left < 0:
            self.seen["cut_fills"] += 1
        return part

    def check_modification(self, order_id: str) -> None:
        """KiteError when the order may not be modified any more."""
        if self._modifications is None:
            return
        if self._modifications[order_id] >= self._modifications_more:
            self.seen["cap_modifications"] += 1
            raise bad_order("Maximum allowed order modifications exceeded. Cancel this order and place a new one.")
        self._modifications[order_id] += 1

    def check_placement(self) -> None:
        """KiteError when the day's cap is reached."""
        if self._placements_more is None:
            return
        if self._placements_more <= 0:
            self.seen["cap_day"] += 1
            raise KiteError(429, "NetworkException", "Maximum allowed order requests exceeded for the day.")
        self._placements_more -= 1
