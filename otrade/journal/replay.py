"""A journal's events fed to a core, and every decision compared with the one that was recorded, bit
for bit.

The comparison itself is compiled (`otrade/_core/engine/replay.pyx`). A section that goes on
from another one (a restart) goes on with the same core here, so a whole day is one replay.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
import orjson

from otrade._core.codecs.interface import OrderEncoder
from otrade._core.engine.engine import Engine
from otrade._core.engine.replay import END, Folder
from otrade._core.journal_writer import END as NOTHING
from otrade._core.journal_writer import GOOD, record_at
from otrade._core.types import Rec
from otrade.brokers.wire import wire_of
from otrade.errors import JournalError
from otrade.journal.layout import FORMAT
from otrade.journal.record import DECISIONS
from otrade.journal.scan import LOST_WORDS, lost_of

SHAPING = frozenset(("add_instrument", "add_series", "add_strategy", "add_compiled", "set_session"))
"""Set-up calls that shape the core's memory; a core that is wired up already has had them."""


class KeptRecord(msgspec.Struct, frozen=True):
    """A record's content, kept."""

    kind: int
    ts_ns: int
    payload: bytes


class Divergence(msgspec.Struct, frozen=True):
    """The first place where the core decides otherwise than the journal says. None: nothing was
    decided there.
    """

    event_seq: int
    """The event behind which the decisions differ."""
    seq: int
    """The journal's record that differs, or before which one is missing."""
    recorded: KeptRecord | None
    replayed: KeptRecord | None


class Replay:
    """Feed it a journal's windows in their order. Ends at the first divergence: `divergence` is
    then set.

    `engine`: a core that is wired up like the journal's first run and has had no event yet; it is
    brought to the journal's state. Without one, cores are made as the journal says.
    """

    def __init__(self, engine: Engine | None = None) -> None:
        self.divergence: Divergence | None = None
        self.n_sections = 0
        self._given = engine
        self._folder: Folder | None = None
        self._before = (0, 0)

    @property
    def engine(self) -> Engine | None:
        """The core in its present state."""
        return self._folder.engine if self._folder is not None else self._given

    @property
    def n_events(self) -> int:
        return self._before[0] + (self._folder.n_events if self._folder is not None else 0)

    @property
    def n_decisions(self) -> int:
        return self._before[1] + (self._folder.n_decisions if self._folder is not None else 0)

    @property
    def last_ts_ns(self) -> int:
        return self._folder.last_ts_ns if self._folder is not None else 0

    def feed(self, window: memoryview | bytes | bytearray, at: int = 0) -> None:
        """Take a window's records from offset `at` on. JournalError when they cannot be replayed at
        all.
        """
        while self.divergence is None:
            if self._folder is not None:
                at, why = self._folder.fold(window, at)
                if why == END:
                    return
            verdict, kind, _, seq, ts_ns, start, n, following = record_at(window, at)
            if verdict == NOTHING:
                return
            if verdict != GOOD:
                raise JournalError(f"a record is damaged at offset {at} of its window")
            payload = bytes(memoryview(window)[start : start + n])
            if kind == Rec.HELLO:
                self._hello(seq, payload)
            elif kind == Rec.DROPPED:
                lost, frames, why = lost_of(payload)
                raise JournalError(
                    f"{lost} records ({frames} market frames) were lost before record {seq}: {LOST_WORDS[why & 3]}. "
                    "The journal cannot be replayed beyond this"
                )
            elif self._folder is None:
                if kind != Rec.PAD:
                    raise JournalError(f"record {seq} comes before any run of an engine")
            else:
                self._diverge(seq, KeptRecord(kind, ts_ns, payload))
            at = following

    def end(self, *, is_whole: bool = True) -> None:
        """No more records. `is_whole`: the engine ended in order, so that a decision which the
        journal lacks is a divergence.
        """
        if (
            is_whole
            and self.divergence is None
            and self._folder is not None
            and self._folder.owed_decision is not None
        ):
            self._diverge(self._folder.event_seq, None)

    def _diverge(self, seq: int, recorded: KeptRecord | None) -> None:
        assert self._folder is not None
        owed = self._folder.owed_decision
        if recorded is not None and recorded.kind not in DECISIONS:
            recorded = None  # an event, where a decision is missing
        self.divergence = Divergence(
            self._folder.event_seq, seq, recorded, KeptRecord(*owed) if owed is not None else None
        )

    def _hello(self, seq: int, payload: bytes) -> None:
        hello = read_hello(payload)
        self.n_sections += 1
        if hello["resume"]:
            if self._folder is None:
                raise JournalError(f"record {seq} goes on from a run that is not in this journal")
            if hello["setup"] != self._folder.engine.setup_digest:
                raise JournalError(
                    f"record {seq}: the run that goes on here was set up differently from the one before"
                )
            self._folder.forget_owed()  # the process died before these were written
            return
        if self._folder is not None:
            if self._given is not None:
                raise JournalError(f"record {seq} begins another run with a core of its own")
            self._before = self.n_events, self.n_decisions
        if self._given is not None:
            self._given.set_run(hello["run_id"])
            self._folder = Folder(self._given, SHAPING)
            return
        engine = Engine(**hello["sizes"])
        engine.set_encoder(encoder_of(hello["encoder"]))
        self._folder = Folder(engine, frozenset())


def replay(windows: Iterable[memoryview | bytes | bytearray], *, is_whole: bool = True) -> Replay:
    """The whole journal; see `divergence` of what is returned."""
    done = Replay()
    for window in windows:
        done.feed(window)
    done.end(is_whole=is_whole)
    return done


def read_hello(payload: memoryview | bytes) -> dict[str, Any]:
    """The HELLO of a section. JournalError, naming the format, when this build cannot read what
    follows.
    """
    try:
        hello = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise JournalError(
            "a run's first record is not JSON: this is no journal of OTrade"
        ) from None
    if not isinstance(hello, dict) or hello.get("format") != FORMAT:
        told = hello.get("format") if isinstance(hello, dict) else None
        raise JournalError(
            f"the journal has record format {told!r} (written by OTrade {hello.get('build', '?') if isinstance(hello, dict) else '?'}); "
            f"this build reads format {FORMAT}: use the build that wrote it"
        )
    return hello


def encoder_of(spelled: dict[str, str]) -> OrderEncoder:
    """An encoder that writes the same first lines and bodies; its authorization opens nothing."""
    wire = wire_of(spelled.get("kind", ""))
    if wire is None:
        raise JournalError(
            f"the journal was written for broker {spelled.get('kind')!r}, which this build does not know"
        )
    first = spelled["host"].encode(), spelled["prefix"].encode(), b"token replay"
    return wire.encoder(*first, spelled.get("algo_id", "").encode())
