"""A journal taken apart for a second run of its day: what comes before the first beat, the market from then on, and
what is known of the day's troubles.

From the first beat on a second run takes what no order of ours leads to: market frames, quotes and the state of feeds, and
pauses and halts that the engine made itself. What a person did is left out of it, and stands in `acts`.
"""

from __future__ import annotations

import datetime as dt
from array import array
from pathlib import Path
from typing import Any, Literal

import msgspec
import orjson

from otrade._core.codecs.decoders import FRAMES
from otrade._core.types import Ev, Halt, PauseBy, Reason, Rec
from otrade.errors import BacktestError
from otrade.journal.day_names import DayNames, read_names
from otrade.journal.record import Record
from otrade.journal.replay import read_hello
from otrade.journal.scan import header_of, salvage
from otrade.journal.words import words_of

OUTSIDE = frozenset(
    ("on_quote", "on_feed", "on_pause", "on_halt", "set_limits", "set_strategy_enabled")
)
"""Calls that no order of ours leads to."""
BY_PEOPLE = (Reason.OK, Reason.KILL_FILE, Reason.STOPPING)
"""Reasons of a halt that somebody wanted."""
PAUSED_BY_PEOPLE = (PauseBy.PERSON, PauseBy.STOP)
DAY_END_NS = (1 << 63) - 1


class DayTrouble(msgspec.Struct):
    """Something that a second run does not have: when it began and when it was over."""

    why: Literal["person", "fault"]
    from_ns: int
    until_ns: int
    words: str


class JournalTape:
    """A journal of one core. Where another one begins (a configuration that was changed), it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        identity = header_of(path).identity
        self.mode = identity.get("mode", "")
        self.date = dt.date.fromisoformat(identity["day"])
        self.before: list[tuple[int, int, bytes]] = []
        self.calls: list[tuple[int, bytes]] = []
        self.hello: dict[str, Any] = {}
        self.names = DayNames()
        self.runs: list[tuple[int, int]] = []
        """When a further run went on, and its number, which the ids of its orders have."""
        self.first_beat_ns = 0
        self.last_ns = 0
        self.listed: list[dict[str, int | str]] = []
        self.keys: dict[str, int] = {}
        self.ts_ns, self.kinds, self.at = array("q"), array("q"), array("q", [0])
        self.data = bytearray()
        self.troubles: list[DayTrouble] = []
        self.unanswered: dict[str, int] = {}
        """Requests in doubt, by ClOrdID, and when they were given up."""
        self.refused: dict[str, str] = {}
        """Requests that the broker refused, by ClOrdID, in its Reason's name."""
        self.end = -1
        self.later_runs = 0
        self.is_whole = False
        """Its engine ended in order: nothing is missing behind the last record."""
        self._tag_of: dict[int, str] = {}
        self._open: dict[str, DayTrouble] = {}
        for record in salvage(path):
            if self.end >= 0 and record.kind != Rec.HELLO:
                continue
            self._take(record)
        if not self.first_beat_ns:
            raise BacktestError(f"{path}: no beat of an engine: the day was never opened")
        if self.end < 0 and not self.is_whole:
            # The second run goes on to the close, as the engine would have.
            words = "the journal ends before the day does"
            self.troubles.append(DayTrouble("fault", self.last_ns, DAY_END_NS, words))

    # ------------------------------------------------------------------------------------- reading
    def _take(self, record: Record) -> None:
        payload = bytes(record.payload)
        if record.kind != Rec.PAD:
            self.is_whole = record.kind == Rec.END
        if record.kind == Rec.HELLO:
            self._run_begins(record, read_hello(payload))
            return
        self.last_ns = max(self.last_ns, record.ts_ns)
        if record.kind == Rec.COMMAND:
            said = words_of(record)
            self._tag_of[said["request_seq"]] = said["cl_ord_id"]
            return
        if record.kind >= Rec.COMMAND or record.kind == Rec.PAD:
            return
        if record.kind == Rec.ANSWER:
            self._answered(record)
        if record.kind == Rec.TIMER and not self.first_beat_ns:
            self.first_beat_ns = record.ts_ns
        if not self.first_beat_ns:
            self.before.append((record.kind, record.ts_ns, payload))
            if record.kind == Rec.CALL:
                self._set_up(orjson.loads(payload))
        elif record.kind == Rec.CALL:
            self._called(record.ts_ns, payload)
        elif record.kind in FRAMES:
            self.ts_ns.append(record.ts_ns)
            self.kinds.append(record.kind)
            self.data += payload
            self.at.append(len(self.data))

    def _run_begins(self, record: Record, hello: dict[str, Any]) -> None:
        if not self.hello:
            self.hello, self.names = hello, read_names(hello)
            return
        gap = DayTrouble("fault", self.last_ns, record.ts_ns, "the engine was started again")
        if hello["resume"] and self.end < 0:
            self.troubles.append(gap)
            return
        self.later_runs += 1
        if self.end < 0:
            self.end = record.offset
            self.troubles.append(
                DayTrouble("fault", self.last_ns, DAY_END_NS, f"{gap.words} with another set-up")
            )

    def _set_up(self, call: dict[str, Any]) -> None:
        if call["m"] == "add_instrument":
            self.listed.append(call["k"])
        elif call["m"] == "add_key":
            self.keys[call["k"]["key"]] = call["k"]["instrument_id"]

    def _answered(self, record: Record) -> None:
        said = words_of(record)
        tag = self._tag_of.get(said["request_seq"], "")
        if said["outcome"] == Ev.TIMEOUT.name:
            self.unanswered[tag] = record.ts_ns
        elif said["outcome"] == Ev.REFUSED.name:
            self.refused[tag] = str(said["reason"])

    def _called(self, ts_ns: int, payload: bytes) -> None:
        call = orjson.loads(payload)
        name, args = call["m"], call["k"]
        if name == "on_flatten":
            self.troubles.append(
                DayTrouble("person", ts_ns, ts_ns, "somebody closed what was open")
            )
        elif name == "on_pause" and args.get("by", PauseBy.PERSON) in PAUSED_BY_PEOPLE:
            words = "a pause" if args.get("by") == PauseBy.PERSON else "the engine was stopped"
            self._begins_or_ends("pause", bool(args["paused"]), ts_ns, words)
        elif name == "on_halt" and args["halt"] != Halt.ACTIVE and args["reason"] in BY_PEOPLE:
            self._begins_or_ends("halt", True, ts_ns, "a halt by a person")
        elif name == "on_feed" and not args.get("feed", 0):
            if not args["alive"]:
                self._open["feed"] = DayTrouble("fault", ts_ns, DAY_END_NS, "the feed was away")
                self.troubles.append(self._open["feed"])
            elif "feed" in self._open:
                self._open.pop("feed").until_ns = ts_ns
            self.calls.append((ts_ns, payload))
        elif name == "resume":
            self.runs.append((ts_ns, int(args["run_id"])))
        elif name in OUTSIDE:
            if name == "on_halt":
                self._begins_or_ends("halt", False, ts_ns, "")
            self.calls.append((ts_ns, payload))

    def _begins_or_ends(self, what: str, begins: bool, ts_ns: int, words: str) -> None:
        if begins and what not in self._open:
            self._open[what] = DayTrouble("person", ts_ns, DAY_END_NS, words)
            self.troubles.append(self._open[what])
        elif not begins and what in self._open:
            self._open.pop(what).until_ns = ts_ns
