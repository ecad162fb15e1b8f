"""What a person is told. The core's notices and the orchestrator's own become one numbered list in
plain words.

The list is bounded. Listeners (log, journal, terminal, page, alerts) hear each notice once, when it
is said. A notice's text never holds a secret: the core's are built from symbols, order tags, prices
and the words of `messages.py` only, and ours, which may quote an error or a broker, go through
`redact`.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from otrade._core.types import (
    NONE_ID,
    NOTE_FIELDS,
    ExitReason,
    Halt,
    Note,
    Reason,
    Severity,
    Side,
)
from otrade.live.notices.messages import (
    EXIT_WORDS,
    HALT_WORDS,
    NOTE_WORDS,
    SPECIAL_WORDS,
    reason_words,
)
from otrade.live.notices.redact import redact
from otrade.units import rupees

KEPT_MAX = 1_000
TEXT_MAX = 32_000

SIDE_WORDS = {Side.BUY: "buy", Side.SELL: "sell", Side.NONE: ""}


class Notice(msgspec.Struct, frozen=True):
    """One thing said. `seq` counts from 1 and never repeats within a day; `code` is a `Note`'s name
    or a word of ours.
    """

    seq: int
    ts_ns: int
    severity: Severity
    code: str
    text: str
    instrument_id: int = NONE_ID
    bracket_id: int = NONE_ID
    strategy_id: int = NONE_ID


class InstrumentNames(Protocol):
    """How the ids of the core are called by people."""

    def symbol_of(self, instrument_id: int) -> str: ...

    def strategy_of(self, strategy_id: int) -> str: ...

    def tag_of(self, order_slot: int) -> str: ...


class NoticeBoard:
    """Says notices, keeps the last `KEPT_MAX` of them, and counts the alarms."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._kept: deque[Notice] = deque(maxlen=KEPT_MAX)
        self._listeners: list[Callable[[Notice], None]] = []
        self._seq = 0
        self.n_by_severity: dict[Severity, int] = dict.fromkeys(Severity, 0)

    def listen(self, listener: Callable[[Notice], None]) -> None:
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[Notice], None]) -> None:
        """Tell it nothing more; harmless when it has been dropped already."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def say(
        self,
        severity: Severity,
        code: str,
        text: str,
        *,
        instrument_id: int = NONE_ID,
        bracket_id: int = NONE_ID,
    ) -> Notice:
        """Say something of the orchestrator's own, now."""
        return self._keep(
            Notice(
                self._seq + 1,
                self._now_ns(),
                severity,
                code,
                _one_line(redact(text)),
                instrument_id,
                bracket_id,
            )
        )

    def say_core(self, row: Mapping[str, Any], names: InstrumentNames) -> Notice:
        """Say one notice of the core, as `Engine.take_notices` gives it."""
        return self._keep(
            Notice(
                self._seq + 1,
                row["ts_ns"],
                Severity(row["severity"]),
                note_name(row["note"]),
                words_of(row, names),
                row["instrument_id"],
                row["bracket_id"],
                row["strategy_id"],
            )
        )

    def since(self, seq: int) -> list[Notice]:
        """The kept notices with a number above `seq`, oldest first."""
        return [notice for notice in self._kept if notice.seq > seq]

    def _keep(self, notice: Notice) -> Notice:
        self._seq = notice.seq
        self._kept.append(notice)
        self.n_by_severity[notice.severity] += 1
        for listener in list(self._listeners):
            try:
                listener(notice)
            except Exception as error:
                # A listener that fails hears nothing more; the others, and trading, go on.
                self._listeners.remove(listener)
                self.say(
                    Severity.ERROR,
                    "LISTENER",
                    f"a listener of notices failed and is dropped ({type(error).__name__}: {error})",
                )
        return notice


def _one_line(text: str) -> str:
    """Without control characters, wherever its words come from, and of a length that journal, log
    and page can hold. A list of everything that is open is not cut.
    """
    if len(text) > TEXT_MAX:
        text = f"{text[:TEXT_MAX]} ..."
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def note_name(code: int) -> str:
    """The name of a `Note`, or `NOTE_<number>` for a number that is not in the table."""
    try:
        return str(Note(code).name)
    except ValueError:
        return f"NOTE_{code}"


def words_of(row: Mapping[str, Any], names: InstrumentNames) -> str:
    """The sentence for a notice of the core; never raises for a code or a number that it does not
    know.
    """
    try:
        note = Note(row["note"])
        template = SPECIAL_WORDS.get((note, row["reason"]), NOTE_WORDS[note])
    except ValueError:
        template = f"{{symbol}}: notice {row['note']}, {{why}}"
    return template.format_map(fields_of(row, names))


class _Duration:
    """Nanoseconds that a template shows in the unit that it names."""

    def __init__(self, ns: int) -> None:
        self._ns = ns

    def __format__(self, unit: str) -> str:
        if unit == "whole_s":
            return str(self._ns // 1_000_000_000)
        return f"{self._ns / {'ms': 1e6, 's': 1e9}[unit]:.1f}"


def fields_of(row: Mapping[str, Any], names: InstrumentNames) -> dict[str, object]:
    """What a template of `NOTE_WORDS` may use: what every notice has, and the note's own fields in
    words.
    """
    fields = NOTE_FIELDS.get(row["note"], {})
    found: dict[str, object] = {
        "symbol": names.symbol_of(row["instrument_id"]),
        "strategy": names.strategy_of(row["strategy_id"]),
        "order": names.tag_of(row["order_slot"]),
        "side": SIDE_WORDS.get(row["side"], ""),
        "why": reason_words(row["reason"]),
    }
    for name, kind in fields.items():
        found[name] = _in_words(name, kind, row[name])
    if "rest_qty" in fields:
        rest, sent = row["rest_qty"], row["sent_qty"]
        found["rest"] = (
            f"the rest of the entry, {rest} of {rest + sent} units," if rest else "the entry"
        )
    return found


def _word(words: Mapping[Any, str], code: int, unknown: str) -> str:
    return words.get(code, f"{unknown} {code}")


def _in_words(name: str, kind: type[int], value: int) -> object:
    if kind is ExitReason:
        return _word(EXIT_WORDS, value, "unknown exit reason")
    if kind is Halt:
        return _word(HALT_WORDS, value, "in unknown state")
    if kind is Reason:
        return reason_words(value) if value else "by command"
    if name.endswith("_e4"):
        return rupees(value)
    return _Duration(value) if name.endswith("_ns") else value
