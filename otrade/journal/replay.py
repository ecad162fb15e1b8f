"""A journal's events fed to a core, and every decision compared with the one that was recorded, bit for bit.

The core that replays writes its own records into memory; what it writes must be what the journal holds. A section that goes on
from another one (a restart) goes on with the same core here, so a whole day is one replay.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from otrade._core.engine import Engine
from otrade._core.journal import JournalWriter
from otrade._core.types import Rec
from otrade._core.wire_kite import KiteEncoder
from otrade.errors import JournalError

from .record import DECISIONS, EVENTS, WINDOW_BYTES, BadRecord, Record, walk

FORMAT = 1
SHAPING = frozenset(("add_instrument", "add_series", "add_strategy", "set_session"))
"""Set-up calls that shape the core's memory; a core that is wired up already has had them."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A record's content, kept."""

    kind: int
    ts_ns: int
    payload: bytes

    def is_like(self, other: "Kept") -> bool:
        return self.kind == other.kind and self.ts_ns == other.ts_ns and self.payload == other.payload


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place where the core decides otherwise than the journal says. None: nothing was decided there."""

    event: Record
    recorded: Kept | None
    replayed: Kept | None


class Replay:
    """Feed it records in their order. Ends at the first divergence: `divergence` is then set, and further records are ignored.

    `engine`: a core that is wired up like the journal's first section and has had no event yet; it is brought to the journal's
    state. Without one, cores are made as the journal says.
    """

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine
        self.divergence: Divergence | None = None
        self.n_events = 0
        self.n_decisions = 0
        self.n_sections = 0
        self.last_ts_ns = 0
        self._is_given = engine is not None
        self._owed: deque[Kept] = deque()
        self._event: Record | None = None
        self._window = bytearray()
        self._read = 0

    def feed(self, record: Record) -> None:
        """Take one record. JournalError when it cannot be replayed at all."""
        if self.divergence is not None:
            return
        if record.kind == Rec.HELLO:
            self._hello(record)
        elif record.kind == Rec.DROPPED:
            lost, frames = (int.from_bytes(record.payload[at : at + 8], "little") for at in (0, 8))
            raise JournalError(
                f"{lost} records ({frames} market frames) were lost before record {record.seq}: the disk was full. "
                "The journal cannot be replayed beyond this"
            )
        elif record.kind in EVENTS and record.kind != Rec.PAD:
            self._take_event(record)
        elif record.kind in DECISIONS:
            self._compare(record)

    def end(self, *, is_whole: bool = True) -> None:
        """No more records. `is_whole`: the engine ended in order, so that a decision which the journal lacks is a divergence."""
        if is_whole and self.divergence is None and self._owed and self._event is not None:
            self.divergence = Divergence(self._event, None, self._owed[0])

    def _hello(self, record: Record) -> None:
        hello = read_hello(record.payload)
        self.n_sections += 1
        if hello["resume"]:
            if self.engine is None or self._event is None:
                raise JournalError(f"record {record.seq} goes on from a run that is not in this journal")
            self._owed.clear()  # the process died before these were written
        elif self._is_given and self.n_sections == 1:
            assert self.engine is not None
            self.engine.set_run(hello["run_id"])
        elif self._is_given:
            raise JournalError(f"record {record.seq} begins another run with a core of its own")
        else:
            self.engine = Engine(**hello["sizes"])
            self.engine.set_encoder(encoder_of(hello["encoder"]))
            self._owed.clear()
        if not hello["resume"]:
            self._open()
        elif self.engine is not None and hello["setup"] != self.engine.setup_digest:
            raise JournalError(f"record {record.seq}: the run that goes on here was set up differently from the one before")
        self._event = record

    def _open(self) -> None:
        assert self.engine is not None
        self._window, self._read = bytearray(2 * WINDOW_BYTES), 0
        self._writer = JournalWriter(self._window)
        self.engine.open_journal(self._writer, b"{}", 0)
        self._skip()

    def _skip(self) -> None:
        self._read = self._writer.used

    def _take_event(self, record: Record) -> None:
        if self.engine is None:
            raise JournalError(f"record {record.seq} comes before any run of an engine")
        if self._owed and self._event is not None:
            self.divergence = Divergence(self._event, None, self._owed[0])
            return
        self._event = record
        self.n_events += 1
        self.last_ts_ns = record.ts_ns
        if self._is_given and record.kind == Rec.CALL and orjson.loads(record.payload)["m"] in SHAPING:
            return
        if self._writer.used > WINDOW_BYTES:
            self._open()
        self._skip()
        self.engine.on_record(record.kind, record.ts_ns, record.payload)
        self.engine.discard_commands()
        for made in walk(self._window, self._read):
            assert not isinstance(made, BadRecord)
            if made.kind in DECISIONS:
                self._owed.append(Kept(made.kind, made.ts_ns, bytes(made.payload)))

    def _compare(self, record: Record) -> None:
        recorded = Kept(record.kind, record.ts_ns, bytes(record.payload))
        replayed = self._owed.popleft() if self._owed else None
        if replayed is None or not recorded.is_like(replayed):
            assert self._event is not None
            self.divergence = Divergence(self._event, recorded, replayed)
            return
        self.n_decisions += 1


def replay(records: Iterable[Record], *, is_whole: bool = True) -> Replay:
    """The whole journal; see `divergence` of what is returned."""
    done = Replay()
    for record in records:
        done.feed(record)
    done.end(is_whole=is_whole)
    return done


def read_hello(payload: memoryview | bytes) -> dict[str, Any]:
    """The HELLO of a section. JournalError, naming the format, when this build cannot read what follows."""
    try:
        hello = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise JournalError("a run's first record is not JSON: this is no journal of OTrade") from None
    if not isinstance(hello, dict) or hello.get("format") != FORMAT:
        told = hello.get("format") if isinstance(hello, dict) else None
        raise JournalError(
            f"the journal has record format {told!r} (written by OTrade {hello.get('build', '?') if isinstance(hello, dict) else '?'}); "
            f"this build reads format {FORMAT}: use the build that wrote it"
        )
    return hello


def encoder_of(spelled: dict[str, str]) -> KiteEncoder:
    """An encoder that writes the same first lines and bodies; its authorization opens nothing."""
    if spelled.get("kind") != "kite":
        raise JournalError(f"the journal was written for broker {spelled.get('kind')!r}, which this build does not know")
    return KiteEncoder(spelled["host"].encode(), spelled["prefix"].encode(), b"token replay")
