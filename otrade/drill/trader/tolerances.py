"""Where the trader cannot know exactly what a right engine did, and why. Nothing else is tolerated:
prices, parts, doubled and wrong packets, holes and gaps are computed from the bytes that were sent.
"""

from dataclasses import dataclass

from otrade.drill.trader.record import SessionRecord

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
MS = 1_000_000
REQUEST_NS = (2 * MS, 6 * MS)
"""From a request's arrival until the order system looks at it, which is when the order is placed."""
TOLD_NS = 8 * MS
"""From an event at the exchange until its push has been sent: the engine cannot know it earlier."""
LOOK_NS = 100 * MS
"""What waits for the rate is looked at every 50 ms, and a last time when its time is over."""
CROWDED_NS = 600 * MS
"""More than four requests at once wait for a free connection, each for an answer."""
LOSS_SHARE = 0.02
"""Of the day's loss limit: fills are told some milliseconds late, and averages are rounded."""
CLAMPING = frozenset({"gap", "flex_band", "lock_circuit", "narrow_range"})
CLAMPED_NS = 180 * SECOND
"""So long after these a limit may be drawn in to the price band, as far as the engine knows it."""
GIVEN_BACK_NS = 60 * SECOND
"""What somebody has given back is found by looking: within this, troubles apart."""
FORGOTTEN_NS = 75 * SECOND
"""After a start without a journal no entries for a minute: nobody knows what was sent in it."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """For `after_s` after a trouble of this kind has ended. `moves_signals`: signals too may come at
    other moments; otherwise only what is known of orders and positions is late.
    """

    after_s: float
    why: str
    moves_signals: bool = False


DOUBT = "what became of an order is not known until the book tells: entries wait, or come late"
_LATE = "fills and ends of orders are told late, by the book"
_BOOK = "the book is read again after a pause that grows"
_RANGE = "orders are refused, cancelled or do not fill as the band moves"
_OTHERS = "what somebody else did to the position is found by looking, and keeps entries out"
TOLERANCES: dict[str, Tolerance] = {
    **{
        f"answer_{how}": Tolerance(90.0, DOUBT)
        for how in ("504", "502_html", "reset", "silence", "cut", "slow", "late")
    },
    **{f"lose_{how}": Tolerance(90.0, DOUBT) for how in ("reset", "silence", "503", "500", "429")},
    "stop_in_doubt_and_stale_book": Tolerance(60.0, DOUBT),
    "stop_in_doubt_and_failing_book": Tolerance(90.0, DOUBT),
    "stop_in_doubt_and_empty_book": Tolerance(90.0, DOUBT),
    "push_dropped": Tolerance(30.0, _LATE),
    "push_shuffled": Tolerance(30.0, _LATE),
    "push_unknown_status": Tolerance(30.0, _LATE),
    "push_garbled": Tolerance(30.0, _LATE),
    "silence_feed": Tolerance(40.0, "pushes are lost, and the feed counts as down for a while"),
    "cut_feed": Tolerance(40.0, "pushes are lost until the feed is back"),
    "cut_mid_frame": Tolerance(40.0, "as a cut feed"),
    "first_feed_silent": Tolerance(40.0, "pushes are lost"),
    "first_feed_cut": Tolerance(40.0, "pushes are lost until the feed is back"),
    "first_feed_lags": Tolerance(30.0, _LATE),
    "half_open": Tolerance(60.0, DOUBT),
    "silent_run": Tolerance(60.0, "pushes are lost, and the feed counts as down for a while"),
    "halt_market": Tolerance(60.0, _RANGE),
    "lock_circuit": Tolerance(30.0, _RANGE),
    "flex_band": Tolerance(60.0, _RANGE),
    "narrow_range": Tolerance(60.0, _RANGE),
    "reject_exits": Tolerance(30.0, "a position is closed for risk, or later"),
    "busy_changes": Tolerance(30.0, DOUBT),
    "lose_stops": Tolerance(30.0, _LATE),
    "fill_after_cancel": Tolerance(60.0, "a late fill opens again what was closed"),
    "stale_book": Tolerance(60.0, _BOOK),
    "book_empty": Tolerance(60.0, _BOOK),
    "book_null": Tolerance(60.0, _BOOK),
    "book_partial": Tolerance(60.0, _BOOK),
    "book_lacks": Tolerance(60.0, _BOOK),
    "book_403": Tolerance(60.0, "the token counts as dead until somebody logs in"),
    "avg_missing": Tolerance(60.0, "profit is counted from the last price until a price is told"),
    "avg_revised": Tolerance(60.0, "profit follows the average"),
    "trades_late": Tolerance(60.0, "profit follows the trades"),
    "cap_modifications": Tolerance(30.0, DOUBT),
    "cap_day": Tolerance(100_000.0, "the broker takes no more orders of the day"),
    "manual": Tolerance(120.0, _OTHERS),
    "closed_by_hand": Tolerance(120.0, _OTHERS),
    "broker_square_off": Tolerance(120.0, _OTHERS),
    "foreign_bad_row": Tolerance(30.0, _BOOK),
    "positions_empty": Tolerance(60.0, _OTHERS),
    "positions_null": Tolerance(60.0, _OTHERS),
    "token": Tolerance(60.0, "nothing is accepted until somebody logs in"),
    "clock_step": Tolerance(
        100_000.0, "bars are closed and gates open by the machine's clock", moves_signals=True
    ),
    "clock_wrong": Tolerance(
        60.0, "bars are closed and gates open by the machine's clock", moves_signals=True
    ),
}
DIED = Tolerance(
    100_000.0,
    "which packets the dead process still took in, to a second, nobody knows",
    moves_signals=True,
)
FORGOT = Tolerance(
    300.0,
    "what was held is taken back from the book, perhaps by another strategy",
    moves_signals=True,
)
"""After a death, where the next process has a journal, and where it has none."""
AT_A_MINUTE = Tolerance(
    100_000.0,
    "a minute ended while bars of the past were asked for: which bar it was told of nobody knows",
    moves_signals=True,
)


@dataclass(frozen=True, slots=True)
class DoubtfulWindow:
    """While it lasts nobody can know exactly what was right. `kind`: the trouble's; empty: a process
    has begun.
    """

    from_ns: int
    until_ns: int
    kind: str
    tolerance: Tolerance


def doubtful_windows(record: SessionRecord) -> list[DoubtfulWindow]:
    """Those of a session: of the troubles as they were armed, of what really happened, of deaths."""
    happened = [
        *((one.from_ns, one.until_ns, one.kind) for one in record.troubles),
        *((ts_ns, ts_ns, kind) for ts_ns, kind in record.happened),
    ]
    found = [
        DoubtfulWindow(from_ns, until_ns + round(tolerance.after_s * SECOND), kind, tolerance)
        for from_ns, until_ns, kind in happened
        if (tolerance := TOLERANCES.get(kind)) is not None
    ]
    starts: list[tuple[int, int, Tolerance]] = [
        (life.alive_ns, after.started_ns, DIED if after.has_journal else FORGOT)
        for life, after in zip(record.lives, record.lives[1:], strict=False)
        if life.opened_ns  # else it died before anything was told to it
    ]
    starts += [
        (after.started_ns, after.started_ns, DIED)
        for life, after in zip(record.lives, record.lives[1:], strict=False)
        if not life.opened_ns and not life.told.keys() <= after.told.keys()
    ]  # what the dead one had fed of its history nobody knows, and the next one was not told it again
    starts += [
        (life.started_ns, life.started_ns, AT_A_MINUTE)
        for life in record.lives
        if life.is_warmed and life.started_ns // MINUTE != life.opened_ns // MINUTE
    ]
    found += [
        DoubtfulWindow(from_ns, until_ns + round(tolerance.after_s * SECOND), "", tolerance)
        for from_ns, until_ns, tolerance in starts
    ]
    return found
