"""What a compiled strategy and the core hold between them: records, entry points, limits.

One list of rows is the source. The core's C structs are made from it (`layout.py`; `market_t` and
the journalled `decision_t` stand in `types.py`, and a test compares them), and so are numpy's dtypes for the compiler
and ctypes' structures for whoever runs a strategy beside the core. Plain data: a running engine may
import it.

**Types of fields.** All are eight bytes, so that nothing needs padding. What a strategy file reads
is not always what lies in memory:

    f8    a double
    i8    an int64
    e4    an int64 in ten-thousandths of a rupee; a strategy reads `value / 10000.0`, rupees
    flag  an int64, 0 or 1; a strategy reads `value != 0`

**A call.** `int64 on_bar(params, state, ...)`: each argument is a pointer to the record that
`ENTRY_POINTS` names there, and all but `state` and `decision` are only read. The core sets
`decision.action` to 0 before each call. The answer is the action; whoever sets another action than
NONE sets every field of the decision, because the rest holds what was said before. `params` and
`state` are bytes in the strategy's own layout: the core keeps them, saves and restores them, and
never looks inside.

**When.** All bar series of the instrument take a price before any strategy runs; then the longest
bars' strategies run first. `on_bar`: a bar of the strategy's own length has closed (bars of further
lengths are in `bars` by then). `on_tick`: a trade, after the bars that it closed. `on_timer`: every
so many seconds since the session's open, while it lasts. `on_fill`: once for all that an event has
filled, after the event and the exits that it led to. A bar of an earlier day feeds `on_bar` and
what it says is not heard. One decision an event: what is said after the first is refused.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from otrade._core.types import Action, Level, Limit

STATE_BYTES_MAX = 65_536
PARAMS_BYTES_MAX = 4_096
BARS_MAX = int(Limit.FURTHER_BARS)
"""Further bar lengths of one strategy: `bars` points to so many `bar` records, in the order in
which the strategy names the lengths. One whose length has not closed a bar yet has `count` 0.
"""
INPUTS_MAX = 4
TIMER_MIN_S = 1
WATCHED_MAX = 64
"""Numbers of one strategy that the core keeps by bar to be shown."""
WATCHED_BARS = 1_024
"""Of so many bars at most, the newest."""

# `decision.action`
NONE, BUY, SELL, EXIT, MOVE_STOP = (int(action) for action in Action)
# `decision.stop_is` and `target_is`: not said (the plan's), a price, a distance from the entry.
PLAN, PRICE, DISTANCE = int(Level.PLAN), int(Level.PRICE), int(Level.DISTANCE)


class AbiRow(NamedTuple):
    """One field of a record."""

    record: str
    field: str
    type: str
    offset: int
    words: str


ROWS: tuple[AbiRow, ...] = tuple(
    AbiRow(*row)
    for row in (
        # A closed bar.
        ("bar", "open", "e4", 0, "first price, rupees"),
        ("bar", "high", "e4", 8, "highest price, rupees"),
        ("bar", "low", "e4", 16, "lowest price, rupees"),
        ("bar", "close", "e4", 24, "last price, rupees"),
        ("bar", "volume", "i8", 32, "units traded"),
        ("bar", "n_trades", "i8", 40, "trades that the feed has shown; of a bar of history 0"),
        ("bar", "gap", "i8", 48, "empty bars just before it"),
        ("bar", "index", "i8", 56, "its number among the day's closed bars of its length, from 0"),
        ("bar", "count", "i8", 64, "closed bars of this length so far, history and this included"),
        (
            "bar",
            "minute_of_session",
            "i8",
            72,
            "whole minutes from the session's open to its begin",
        ),
        ("bar", "ts_open_ns", "i8", 80, "its first nanosecond, since 1970 UTC"),
        ("bar", "ts_end_ns", "i8", 88, "its end"),
        # The last known state of the instrument: market_t, of which the rest is the core's own.
        ("market", "last", "e4", 0, "price of the last trade, rupees"),
        ("market", "last_before", "e4", 8, "price of the trade before, rupees"),
        ("market", "bid", "e4", 16, "best bid, rupees; 0: not known, or nobody's"),
        ("market", "ask", "e4", 24, "best ask, rupees; 0: not known, or nobody's"),
        ("market", "bid_qty", "i8", 32, "units at the best bid"),
        ("market", "ask_qty", "i8", 40, "units at the best ask"),
        ("market", "volume", "i8", 64, "units traded today"),
        ("market", "last_qty", "i8", 72, "units of the last trade"),
        ("market", "new_volume", "i8", 80, "units traded since the packet before"),
        ("market", "day_open", "e4", 96, "the day's first price, rupees; 0: not told"),
        ("market", "day_high", "e4", 104, "the day's highest price, rupees; 0: not told"),
        ("market", "day_low", "e4", 112, "the day's lowest price, rupees; 0: not told"),
        ("market", "former_close", "e4", 120, "the close of the day before, rupees; 0: not told"),
        ("market", "average", "e4", 128, "the exchange's average price of the day; 0: not told"),
        ("market", "open_interest", "i8", 136, "open interest; 0: not told"),
        ("market", "buyers_qty", "i8", 144, "units wanted in the whole book; 0: not told"),
        ("market", "sellers_qty", "i8", 152, "units offered in the whole book; 0: not told"),
        # What the strategy itself holds.
        ("position", "side", "i8", 0, "1 long, -1 short, 0 nothing is held"),
        ("position", "qty", "i8", 8, "units held, never below 0"),
        ("position", "entry", "e4", 16, "average price of what has been entered, rupees; 0: flat"),
        ("position", "profit", "e4", 24, "open profit at the last price, rupees, before charges"),
        ("position", "stop", "e4", 32, "where its stop is wanted, rupees; 0: none"),
        ("position", "target", "e4", 40, "its target, rupees; 0: none"),
        (
            "position",
            "bars_held",
            "i8",
            48,
            "bars of the strategy's length closed while it is held",
        ),
        ("position", "is_flat", "flag", 56, "nothing is held"),
        ("position", "is_long", "flag", 64, "side is 1"),
        ("position", "is_short", "flag", 72, "side is -1"),
        ("position", "is_entering", "flag", 80, "an entry is under way or waits"),
        ("position", "is_leaving", "flag", 88, "what is held is being left"),
        ("position", "last_exit", "i8", 96, "ExitReason of what was closed last; 0: nothing yet"),
        ("position", "n_trades", "i8", 104, "positions of this strategy closed today"),
        # The time of the event.
        ("clock", "now_ns", "i8", 0, "since 1970 UTC"),
        ("clock", "second_of_day", "i8", 8, "whole seconds since midnight in India"),
        ("clock", "minute_of_day", "i8", 16, "whole minutes since midnight in India"),
        (
            "clock",
            "minute_of_session",
            "i8",
            24,
            "whole minutes since the session's open; below 0 before",
        ),
        ("clock", "minutes_left", "i8", 32, "whole minutes until our square-off; 0 from then on"),
        ("clock", "phase", "i8", 40, "Phase of the instrument's session"),
        (
            "clock",
            "days_to_expiry",
            "i8",
            48,
            "calendar days to the contract's expiry; -1: it has none",
        ),
        # What an event has filled of the strategy's orders, all of it together.
        ("fill", "entered_qty", "i8", 0, "units entered by this event"),
        ("fill", "entered_price", "e4", 8, "their average price, rupees; 0: none, or not told yet"),
        ("fill", "left_qty", "i8", 16, "units left by this event"),
        ("fill", "left_price", "e4", 24, "their average price, rupees; 0: none, or not told yet"),
        ("fill", "exit_reason", "i8", 32, "ExitReason of what was left; 0: nothing was"),
        # What the strategy says.
        ("decision", "action", "i8", 0, "0 nothing, 1 buy, 2 sell, 3 exit, 4 move the stop"),
        ("decision", "why", "i8", 8, "number of the strategy's reason, from 1; 0: none given"),
        ("decision", "stop_is", "i8", 16, "0 the plan's, 1 `stop` is a price, 2 a distance"),
        (
            "decision",
            "stop",
            "f8",
            24,
            "rupees: a price stays, a distance follows the average fill",
        ),
        ("decision", "target_is", "i8", 32, "0 the plan's, 1 `target` is a price, 2 a distance"),
        (
            "decision",
            "target",
            "f8",
            40,
            "rupees: a price stays, a distance follows the average fill",
        ),
        ("decision", "qty", "i8", 48, "units; 0: sized by the plan"),
        ("decision", "n_inputs", "i8", 56, "how many of the following it has given, 0 to 4"),
        ("decision", "input_1", "f8", 64, "a number that it decided by, to be shown"),
        ("decision", "input_2", "f8", 72, "a second one"),
        ("decision", "input_3", "f8", 80, "a third one"),
        ("decision", "input_4", "f8", 88, "a fourth one"),
    )
)


class CompiledStrategy(NamedTuple):
    """What the loader hands to the core (`market.strategy.register`), once a process, before an engine
    is set up or a journal is replayed. An engine and its journal then name the build alone; the
    parameters' bytes, the plan and the further lengths come with each use of it
    (`Engine.add_compiled`).
    """

    build: str
    """Hash of source, ABI and processor level: it names the library, and stands in the journal."""
    name: str
    """Of the class, for people."""
    entry_points: dict[str, int]
    """Addresses of those symbols of `ENTRY_POINTS` that the library has; it is never unloaded."""
    params_bytes: int
    state: bytes
    """As it is before the first call."""
    timer_s: int
    """Seconds between two calls of `on_timer`; 0 where the strategy has none."""
    reasons: tuple[str, ...]
    """Words of its reasons; `decision.why` counts them from 1."""
    inputs: tuple[str, ...] = ()
    """Names of `input_1` and so on, for whoever shows them."""


IN_STATE, IN_FILTERS, IN_PARAMETERS = range(3)
"""Memory of a strategy: its own fields; of a built-in kind, the filters beside it and its parameters."""


class WatchedValue(NamedTuple):
    """Where a number lies that people are to be shown (`Engine.watch`), and the counter beside it that
    says whether it is known: the core compares and copies, and asks nothing of the strategy.
    """

    at: int
    """Of a double, in `memory`."""
    counter_at: int
    counter_bytes: int = 1
    """1: a flag, 4: an int32."""
    known_from: int = 1
    """The number is known when its counter is at least that."""
    memory: int = IN_STATE
    """Where the number lies. Its counter is in the filters too, or else in the state."""


OF_PRICE = "price"


class IndicatorOutput(NamedTuple):
    """One number of an indicator that a chart draws, as it is called there."""

    indicator: str
    """The strategy's own name of it: what belongs together has one."""
    label: str
    """What it is: "EMA 9"."""
    part: str
    """Which of its numbers, where it has several: "upper"."""
    scale: str
    """OF_PRICE: it lies among prices. Else the scale that it shares with others of its name; empty:
    one of its own."""
    watched: WatchedValue


BYTES = {"bar": 96, "market": 432, "position": 112, "clock": 56, "fill": 40, "decision": 96}
"""Of one record. `market` is longer than its rows: the rest is nobody's business."""

ENTRY_POINTS: dict[str, tuple[str, ...]] = {
    "on_bar": ("params", "state", "bar", "bars", "market", "position", "clock", "decision"),
    "on_tick": ("params", "state", "market", "bars", "position", "clock", "decision"),
    "on_timer": ("params", "state", "market", "bars", "position", "clock", "decision"),
    "on_fill": ("params", "state", "fill", "market", "bars", "position", "clock", "decision"),
}
"""Symbols of the library, and what each is given: pointers, in this order. The library has those
that the strategy has.
"""
WRITTEN = frozenset(("state", "decision"))
"""What a strategy may write to."""

MADE = ("bar", "position", "clock", "fill")
"""Records whose C struct is made from the rows; the others are in `types.py`."""
_CODES = {"f8": "f8", "i8": "i8", "e4": "i8", "flag": "i8"}


def fields(record: str) -> list[AbiRow]:
    """A record's rows, in the order of their offsets."""
    return [row for row in ROWS if row.record == record]


def struct_name(record: str) -> str:
    """What C and Cython call it."""
    return {"market": "market_t", "decision": "decision_t"}.get(record, f"{record}_view_t")


def members(record: str) -> list[tuple[str, str]]:
    """(name, code) of its C struct, as `types.STRUCTS` spells them: a price ends in `_e4`."""
    return [
        (f"{row.field}_e4" if row.type == "e4" else row.field, _CODES[row.type])
        for row in fields(record)
    ]


def dtype(record: str) -> Any:
    """numpy's dtype, with the names that a strategy file writes and what lies in memory; `bars` is
    an array of `BARS_MAX` bars.
    """
    import numpy as np

    if record == "bars":
        return np.dtype((dtype("bar"), (BARS_MAX,)))
    rows = fields(record)
    return np.dtype(
        {
            "names": [row.field for row in rows],
            "formats": [_CODES[row.type] for row in rows],
            "offsets": [row.offset for row in rows],
            "itemsize": BYTES[record],
        }
    )


def structure(record: str) -> Any:
    """ctypes' structure of the same; what no row tells of is in fields that begin with `_`."""
    import ctypes  # a running engine needs none

    if record == "bars":
        return structure("bar") * BARS_MAX
    laid: list[tuple[str, Any]] = []
    at = 0
    for row in fields(record):
        if row.offset > at:
            laid.append((f"_{at}", ctypes.c_char * (row.offset - at)))
        laid.append((row.field, ctypes.c_double if row.type == "f8" else ctypes.c_int64))
        at = row.offset + 8
    if BYTES[record] > at:
        laid.append((f"_{at}", ctypes.c_char * (BYTES[record] - at)))
    return type(f"{record}_record", (ctypes.Structure,), {"_fields_": laid})


def abi_id() -> str:
    """Twelve hexadecimal digits that change with anything that a compiled strategy rests on."""
    said = (
        [row[:4] for row in ROWS],
        sorted(BYTES.items()),
        sorted(ENTRY_POINTS.items()),
        (BARS_MAX, INPUTS_MAX, STATE_BYTES_MAX, PARAMS_BYTES_MAX),
    )
    return hashlib.sha256(repr(said).encode()).hexdigest()[:12]
