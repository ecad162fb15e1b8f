"""The journal of one day's engine: recovered from at the start, written to until the end.

A core that the journal explains goes on where it was. One that it does not (another configuration,
another build, lost records) begins afresh; the broker's book then tells what is open, and a halt or
a pause of a person is carried over all the same.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec
import orjson

import otrade
from otrade._core.build_id import CORE
from otrade._core.engine.engine import Engine
from otrade._core.journal_writer import JournalWriter, find, record_at
from otrade._core.types import Halt, Note, PauseBy, Reason, Rec, Severity
from otrade.brokers.session import OrderReport
from otrade.config.schema import JournalConfig
from otrade.errors import JournalError, OTradeError
from otrade.journal.archive import aside
from otrade.journal.day_names import CONFIGURATION_FIELD
from otrade.journal.file import JournalBusy, JournalFile
from otrade.journal.layout import FORMAT
from otrade.journal.record import WINDOW_BYTES
from otrade.journal.replay import Replay, read_hello
from otrade.journal.scan import header_of, windows
from otrade.journal.words import read_notice
from otrade.live.notices.board import Notice, NoticeBoard
from otrade.live.persistence.actor import Actor
from otrade.live.plan.day_plan import DayPlan

log = logging.getLogger("otrade")

BUILD = f"{otrade.__version__}+{CORE}"
"""What a section says it was written by: a journal is folded only into the same core."""
TELLING = 1 << Rec.HELLO | 1 << Rec.CALL | 1 << Rec.NOTICE | 1 << Rec.PERSON
"""Kinds of records that tell about runs, halts, pauses and people."""
SMALL_WINDOW_BYTES = 128 << 10
"""Mapped windows count into the process's memory; a frame of few instruments is small."""
BURST_BYTES = 1_200
"""Of one instrument between two beats: six ticks in full mode. A window takes that of all, and one
is always ready behind it; a frame that no window holds is refused.
"""
FEW_INSTRUMENTS = SMALL_WINDOW_BYTES // BURST_BYTES
STRATEGY_BYTES = 2_048
"""Of one strategy between two beats: its bar's signal, notices and an order's records; or what sets
it up, at the start.
"""
RAW_BYTES_MAX = 16 << 10
"""Of what a broker says about one order: more is no order, and would not fit into a window."""
HELLO_SPARE_BYTES = 1_024
"""What a window has beside a HELLO."""
HISTORY_BYTES = 64 << 10
"""More than the longest HISTORY record."""
ACTS_MAX = 1_024
"""People's commands of earlier runs that are remembered, the newest."""
LIFTED = (Reason.STOPPING, Reason.BROKER_TOKEN, Reason.JOURNAL)
"""Halts that end with the process that they were about."""


class JournalStore(Protocol):
    """Where records are kept: a file (`otrade.journal.file`), or memory (`otrade.journal.memory`)."""

    writer: JournalWriter
    window_bytes: int
    trouble: str
    """Why frames or records are being lost; empty when all is well."""

    @property
    def n_bytes(self) -> int:
        """What is written, in bytes."""
        ...

    def poll(self) -> None: ...

    def make_room(self) -> None: ...

    def begin_section(self) -> int: ...

    def windows(self) -> Iterable[memoryview | bytearray]: ...

    def close(self) -> None: ...


class DayJournal:
    """Begin with `recover`, which makes the core; then `begin`; `poll` on the beat."""

    def __init__(
        self, store: JournalStore, board: NoticeBoard, salvaged: Iterable[memoryview] | None = None
    ) -> None:
        """`salvaged`: what can be read of a damaged journal of the same day. It brings no state,
        but halts and pauses.
        """
        self._salvaged = salvaged
        self._store = store
        self._board = board
        self._last_raw: dict[str, bytes] = {}
        self._carried: tuple[int, int, int] = (Halt.ACTIVE, Reason.OK, 0)
        self._is_troubled = False
        self._lost_said = 0
        self._earlier: tuple[_LastRun | None, _LastRun | None] | None = None
        self.is_resumed = False
        """The core has been brought to the state in which an earlier process left it."""
        self.runs: frozenset[int] = frozenset()
        """Earlier runs of which something could be read: whether a person had halted or paused them
        is known.
        """
        self.n_events = 0
        """Events that brought it there."""
        board.listen(self._words)

    # ------------------------------------------------------------------------------------- recovery
    def _last_runs(self) -> "tuple[_LastRun | None, _LastRun | None]":
        """The last run of the journal, and where it has none, that of the damaged one of the same
        day.
        """
        if self._earlier is None:
            last = _last_run(self._store.windows())
            self._earlier = (
                last,
                _last_run(self._salvaged) if last is None and self._salvaged is not None else None,
            )
        return self._earlier

    def said_before(self, what: str) -> dict[str, Any]:
        """What the day's last run has put into its HELLO under this name; empty when nothing.
        Before `begin`.
        """
        last, damaged = self._last_runs()
        run = last or damaged
        found = run.hello.get(what) if run is not None else None
        return found if isinstance(found, dict) else {}

    def acts_before(self) -> list[dict[str, Any]]:
        """What people have done in earlier runs of this day, oldest first, as `person` wrote it."""
        last, damaged = self._last_runs()
        run = last or damaged
        return [orjson.loads(act) for act in run.acts] if run is not None else []

    def recover(self, make_plan: Callable[[], DayPlan]) -> DayPlan:
        """A wired-up day whose core knows what the journal tells. `make_plan` may be called twice:
        a core that could not be brought to the journal's end is thrown away.
        """
        plan = make_plan()
        last, damaged = self._last_runs()
        if last is None:
            if damaged is not None:
                self._carried, self.runs = damaged.carried, damaged.runs
            return plan
        hello, self._carried, self.runs = last.hello, last.carried, last.runs
        if hello["build"] != BUILD:
            self._say_fresh(f"it was written by OTrade {hello['build']}, and this is {BUILD}")
        elif hello["setup"] != plan.engine.setup_digest:
            self._say_fresh("instruments, strategies or sizes have been changed since")
        else:
            fold = Replay(plan.engine)
            try:
                for number, window in enumerate(self._store.windows()):
                    if number >= last.window:
                        fold.feed(window, last.offset if number == last.window else 0)
            except OTradeError as error:
                self._say_fresh(str(error))
                return make_plan()
            if fold.divergence is not None:
                self._say_fresh(
                    f"this build decides differently after record {fold.divergence.event_seq}"
                )
                return make_plan()
            plan.engine.take_notices()  # they have been said
            self.is_resumed = True
            self.n_events = fold.n_events
        return plan

    def _say_fresh(self, why: str) -> None:
        self._board.say(
            Severity.WARN,
            "JOURNAL_NOT_USED",
            f"the core does not go on from the journal, because {why}: indicators start afresh, and what is open is taken back "
            "from the broker's book",
        )

    def begin(self, plan: DayPlan, about: Mapping[str, Any], run_id: int, now_ns: int) -> None:
        """Open a section for this run. `about` is what HELLO says beyond the core's own."""
        self._store.writer.begin_section(self._store.begin_section())
        engine = plan.engine
        hello = {
            "format": FORMAT,
            "build": BUILD,
            **about,
            "run_id": run_id,
            "resume": self.is_resumed,
            "setup": engine.setup_digest,
            "sizes": engine.sizes,
        }
        said = orjson.dumps(hello)
        if len(said) > self._store.window_bytes - HELLO_SPARE_BYTES:
            # The day's file was made for a smaller set-up: its hash alone tells which one this is.
            said = orjson.dumps({**hello, CONFIGURATION_FIELD: {}})
        engine.open_journal(self._store.writer, said, now_ns, self._store.make_room)
        halt, reason, paused = self._carried
        if self.is_resumed:
            engine.resume(run_id, now_ns)
            plan.apply_settings()
            return
        if paused & PauseBy.PERSON:
            engine.on_pause(True, now_ns, PauseBy.PERSON)
        if halt != Halt.ACTIVE and reason not in LIFTED:
            engine.on_halt(halt, reason, now_ns)

    # ------------------------------------------------------------------------------------- telling
    @property
    def n_records(self) -> int:
        """Records of the day's journal so far, other runs' included."""
        return int(self._store.writer.seq)

    @property
    def n_bytes(self) -> int:
        """Bytes of it that are in use."""
        return self._store.n_bytes

    @property
    def n_lost(self) -> int:
        """Records that this run could not write, market frames included."""
        return int(self._store.writer.n_lost)

    @property
    def trouble(self) -> str:
        """Why records are being lost; empty when all is well."""
        return self._store.trouble

    # ------------------------------------------------------------------------------------- writing
    def poll(self, engine: Engine, now_ns: int) -> None:
        """On the beat: windows, and what a full disk means."""
        self._store.poll()
        writer, trouble = self._store.writer, self._store.trouble
        if (trouble or writer.n_lost > self._lost_said) and not self._is_troubled:
            self._is_troubled = True
            if engine.risk()["halt"] == Halt.ACTIVE:
                engine.on_halt(Halt.REDUCING, Reason.JOURNAL, now_ns)
            self._board.say(
                Severity.ALARM,
                "JOURNAL_FULL",
                f"the journal is failing: {trouble or 'records come faster than they can be written'}. No new entries; stops and exits "
                "go on. Market frames are given up first, orders keep the reserve. Mend it, then resume.",
            )
        elif self._is_troubled and not trouble and writer.windows_ahead > 0:
            self._is_troubled = False
            lost, self._lost_said = writer.n_lost - self._lost_said, writer.n_lost
            self._board.say(
                Severity.WARN,
                "JOURNAL_BACK",
                f"the journal is written again; {lost} records are lost ({writer.n_lost_frames} market frames today). Entries stay off "
                "until somebody resumes.",
            )

    def make_room(self) -> None:
        """Before more is written at once, at the start, than a window may have room for."""
        if not self._store.writer.has_room(HISTORY_BYTES):
            self._store.make_room()

    def _words(self, notice: Notice) -> None:
        words = {
            "seq": notice.seq,
            "code": notice.code,
            "severity": Severity(notice.severity).name,
            "text": notice.text,
            "instrument_id": notice.instrument_id,
        }
        self._store.writer.append(Rec.WORDS, notice.ts_ns, orjson.dumps(words))

    def raw(self, report: OrderReport) -> None:
        """What the broker said about an order, unless it has said just that before."""
        if not report.raw:
            return
        said = orjson.dumps(report.raw, default=str)
        if len(said) > RAW_BYTES_MAX:
            said = orjson.dumps({"cut": said[:RAW_BYTES_MAX].decode(errors="replace")})
        if self._last_raw.get(report.broker_order_id) != said:
            self._last_raw[report.broker_order_id] = said
            self._store.writer.append(Rec.RAW, report.ts_recv_ns, said)

    def person(
        self,
        command: str,
        args: Mapping[str, Any],
        done: tuple[bool, str],
        now_ns: int,
        who: Actor,
    ) -> None:
        """A person's or a script's command: who it was, by which key, and what became of it."""
        audit = {
            "who": who.words,
            "command": command,
            "args": dict(args),
            "ok": done[0],
            "words": done[1],
        }
        if who.key:
            audit |= {"actor": who.name, "key": who.key}
        self._store.writer.append(Rec.PERSON, now_ns, orjson.dumps(audit))

    def close(self, now_ns: int) -> None:
        """After the day's last word: whoever reads the file sees by its last record that nothing is
        missing behind it.
        """
        self._board.unlisten(self._words)
        self._store.writer.append(Rec.END, now_ns, b"")
        self._store.close()


def window_bytes(n_instruments: int, n_strategies: int = 0) -> int:
    """Of a new file, by what is set up: whole MB but for few instruments and strategies."""
    if n_instruments <= FEW_INSTRUMENTS and n_strategies * STRATEGY_BYTES <= SMALL_WINDOW_BYTES:
        return SMALL_WINDOW_BYTES
    return (
        -(-(n_instruments * BURST_BYTES + n_strategies * STRATEGY_BYTES) // WINDOW_BYTES)
        * WINDOW_BYTES
    )


def open_journal(
    directory: Path,
    identity: dict[str, str],
    config: JournalConfig,
    board: NoticeBoard,
    now_ns: int,
    *,
    n_instruments: int,
    n_strategies: int = 0,
) -> DayJournal:
    """The day's journal, ready for `recover`. One that is damaged, or somebody else's, is set aside
    under another name, and said.

    JournalError when another engine writes it, or when no file can be made.
    """
    path = directory / f"{identity['day']}.otj"
    _keep_earlier_paper_day(path, identity, board)

    def store() -> JournalFile:
        return JournalFile(
            path,
            identity,
            now_ns,
            max_mb=config.max_mb,
            reserve_mb=config.reserve_mb,
            sync_ms=config.sync_ms,
            window_bytes=window_bytes(n_instruments, n_strategies),
        )

    try:
        opened = store()
        window = opened.found.header.window_bytes
        if window < n_instruments * BURST_BYTES:
            opened.close()
            raise JournalError(
                f"{path} was made for fewer instruments: a window of {window} bytes may not hold a frame of {n_instruments}"
            )
        return DayJournal(opened, board)
    except JournalBusy:
        raise
    except JournalError as error:
        if not path.exists():
            raise
        kept = aside(path)
        board.say(
            Severity.ALARM,
            "JOURNAL_ASIDE",
            f"{error}. It is kept as {kept.name}; the broker's book tells what is open",
        )
        return DayJournal(store(), board, _salvaged(kept, identity))


def _keep_earlier_paper_day(path: Path, identity: dict[str, str], board: NoticeBoard) -> None:
    """A simulated day that begins anew is another world: the journal of the one before is no news."""
    try:
        other = header_of(path).identity
    except JournalError:
        return
    if (
        other.get("mode") == identity.get("mode") == "paper"
        and other["account"] != identity["account"]
    ):
        board.say(
            Severity.INFO,
            "EARLIER_PAPER_DAY",
            f"the journal of an earlier paper run of this day is kept as {aside(path).name}",
        )


def _salvaged(path: Path, identity: dict[str, str]) -> Iterable[memoryview] | None:
    try:
        return windows(path) if header_of(path).identity == identity else None
    except JournalError:
        return None


class _LastRun(msgspec.Struct, frozen=True):
    """The last run of a journal that had a core of its own: where it begins, its HELLO, and what
    holds at the journal's end.
    """

    window: int
    offset: int
    hello: dict[str, Any]
    carried: tuple[int, int, int]
    """Halt, its reason, and who pauses."""
    runs: frozenset[int]
    """All runs that the journal tells of."""
    acts: deque[bytes]
    """The newest that people have done."""


def _last_run(windows: Iterable[memoryview | bytearray]) -> _LastRun | None:
    found: tuple[int, int, dict[str, Any]] | None = None
    runs: set[int] = set()
    acts: deque[bytes] = deque(maxlen=ACTS_MAX)
    halt, reason, paused = int(Halt.ACTIVE), int(Reason.OK), 0
    for number, window in enumerate(windows):
        at = 0
        while (at := find(window, at, TELLING)) >= 0:
            _, kind, _, _, _, start, n, following = record_at(window, at)
            payload = bytes(memoryview(window)[start : start + n])
            if kind == Rec.HELLO:
                hello = read_hello(payload)
                runs.add(hello["run_id"])
                if not hello["resume"]:
                    found = number, at, hello
            elif kind == Rec.CALL:
                call = orjson.loads(payload)
                if call["m"] == "on_pause":
                    by = call["k"]["by"]
                    paused = paused | by if call["k"]["paused"] else paused & ~by
            elif kind == Rec.PERSON:
                acts.append(payload)
            else:
                notice = read_notice(payload)
                if notice["note"] == Note.HALT_CHANGED:
                    halt, reason = notice["halt"], notice["halt_reason"]
            at = following
    return _LastRun(*found, (halt, reason, paused), frozenset(runs), acts) if found else None
