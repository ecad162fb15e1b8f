"""The judges of exits, over positions that are made by hand."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from otrade.drill.trader.leave.exits import ExitJudge, WrongExit
from otrade.drill.trader.leave.held import EnteredBracket
from otrade.drill.trader.leave.leaving import LeaveJudge, WrongLeave
from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.drill.trader.profit import RunningProfit
from otrade.drill.trader.record import (
    PersonCommand,
    ProcessLife,
    SessionRecord,
    ToldQuote,
)
from otrade.drill.trader.replay import SeenTouch, TraderExit, TraderMove
from otrade.simulator.exchange.orders import RequestedTerms

SECOND = 1_000_000_000
OPEN = 1_000_000 * SECOND
PLAN: dict[str, Any] = {
    "stop_kind": 1, "stop_value": 10.0, "target_kind": 1, "target_value": 20.0, "stop_limit_bps": 10.0,
    "ladder_start_bps": 10.0, "ladder_step_bps": 10.0, "ladder_max_steps": 2, "ladder_interval_ns": 2 * SECOND, "on_opposite": 1,
}  # fmt: skip
LIMITS = {"max_daily_loss_e4": 0, "flatten_on_limit": 0}


def told(s: float, status: str, kind: str, price: int, trigger: int = 0) -> tuple[int, Any]:
    terms = RequestedTerms(kind, 10, price, trigger)
    state = SimpleNamespace(status=status, terms=terms, status_message=None, filled_qty=0)
    return OPEN + round(s * SECOND), state


def order(leg: str, side: int, states: list[Any], fills: tuple[tuple[float, int], ...] = ()) -> Any:
    trades = [
        SimpleNamespace(ts_ns=OPEN + round(s * SECOND), qty=10, price_e4=price)
        for s, price in fills
    ]
    return SimpleNamespace(
        tag=f"OT00000100000{leg}010000"[:2] + "0000010000" + leg + "010000",
        side=side,
        told=states,
        trades=trades,
        ts_placed_ns=states[0][0],
        as_told=lambda ts_ns: next((one for at, one in reversed(states) if at <= ts_ns), None),
    )


def judges(
    plan: dict[str, Any],
    exits: list[Any],
    *prices: int,
    commands: tuple[Any, ...] = (),
    said: tuple[TraderExit, ...] = (),
    moves: tuple[TraderMove, ...] = (),
    may_be: set[int] | None = None,
    doubt: str = "",
) -> tuple[ExitJudge, LeaveJudge, Any]:
    """Ten units bought at 1,000 rupees after a second; then a price each second. `may_be`: where a file
    may have asked for a stop, when there is `doubt`.
    """
    entry = order("E", 1, [told(1, "COMPLETE", "LIMIT", 10_005_000)], ((1.0, 10_000_000),))
    instrument = TraderInstrument(
        "NSE:INFY", "MIS", 500, 1, 0, 1, False, OPEN, OPEN, OPEN, OPEN + 200 * SECOND, OPEN + 100 * SECOND
    )  # fmt: skip
    touches = [
        SeenTouch(OPEN + s * SECOND, price, price, price, OPEN + s * SECOND)
        for s, price in enumerate((10_000_000, 10_000_000, *prices))
    ]
    record = SessionRecord("kite", {}, commands=list(commands), limits=[(0, LIMITS)])
    record.lives.append(ProcessLife(OPEN, has_journal=False, opened_ns=OPEN))
    sure = lambda from_ns, until_ns: doubt  # noqa: E731
    bracket = EnteredBracket(
        "0000010000",
        entry,
        exits,
        [plan],
        instrument,
        touches,
        sure,
        [one.strategy for one in said],
        list(moves),
    )
    profit = RunningProfit({}, [], {})
    heard = {"NSE:INFY": list(said)}
    leave = LeaveJudge(record, [bracket], {"NSE:INFY": []}, heard, profit, sure, frozenset())
    return ExitJudge(record, [bracket], sure, lambda *_: may_be), leave, entry


def stop(s: float, trigger: int, limit: int) -> tuple[int, Any]:
    return told(s, "TRIGGER PENDING", "SL", limit, trigger)


def test_a_stop_at_its_distance_is_right_and_any_other_is_not() -> None:
    judges(PLAN, [order("S", -1, [stop(1.1, 9_990_000, 9_980_000)])])[0].check()
    for trigger, limit in ((9_980_000, 9_970_000), (9_990_000, 9_990_000), (9_985_000, 9_975_000)):
        with pytest.raises(WrongExit, match="asks for trigger"):
            judges(PLAN, [order("S", -1, [stop(1.1, trigger, limit)])])[0].check()


def test_a_stop_stands_after_a_death_where_its_file_may_have_asked_for_it() -> None:
    own = TradedStrategy(0, "file", SECOND, {}, PLAN, file="supertrend_trailing.py")
    move = TraderMove(own, OPEN + 2 * SECOND, OPEN + 2 * SECOND, 1, 9_992_000, False)
    moved = [stop(1.1, 9_990_000, 9_980_000), stop(3.5, 9_995_000, 9_985_000)]

    def judge(**more: Any) -> ExitJudge:
        return judges(PLAN, [order("S", -1, moved)], 10_010_000, moves=(move,), **more)[0]

    with pytest.raises(WrongExit, match="9995|999.50"):
        judge().check()
    judge(doubt="a death", may_be={9_992_000, 9_995_000}).check()
    with pytest.raises(WrongExit):
        judge(doubt="a death", may_be={9_992_000}).check()
    judge(doubt="a clock that is wrong").check()


def test_a_stop_may_trail_behind_the_best_price_only() -> None:
    plan = {**PLAN, "trail_kind": 1, "trail_value": 5.0}
    moved = [stop(1.1, 9_990_000, 9_980_000), stop(3.5, 10_015_000, 10_004_500)]
    judges(plan, [order("S", -1, moved)], 10_010_000, 10_020_000)[0].check()
    with pytest.raises(WrongExit):
        judges(plan, [order("S", -1, moved)], 10_010_000, 10_030_000)[0].check()
    with pytest.raises(WrongExit):
        judges(PLAN, [order("S", -1, moved)], 10_010_000, 10_020_000)[0].check()
    # the fill was told when a better price had gone already
    late = [stop(6.1, 9_990_000, 9_980_000), stop(7.5, 10_015_000, 10_004_500)]
    prices = 10_040_000, 10_040_000, 10_040_000, 10_040_000, 10_010_000, 10_020_000
    judge = judges(plan, [order("S", -1, late)], *prices)[0]
    with pytest.raises(WrongExit):
        judge.check()
    judge._unsure = lambda from_ns, until_ns: "pushes are lost"
    judge.check()


def test_a_target_is_at_its_distance() -> None:
    judges(PLAN, [order("T", -1, [told(1.2, "OPEN", "LIMIT", 10_020_000)])])[0].check()
    with pytest.raises(WrongExit, match="the trader expects"):
        judges(PLAN, [order("T", -1, [told(1.2, "OPEN", "LIMIT", 10_060_000)])])[0].check()


def test_a_way_out_is_a_step_of_the_ladder() -> None:
    start = stop(1.1, 9_990_000, 9_980_000)
    judges(
        PLAN, [order("S", -1, [start, told(3, "OPEN", "LIMIT", 9_975_000)])], 9_985_000, 9_985_000
    )[0].check()
    # where no packet has come since, by the last quote
    quoted = judges(PLAN, [order("S", -1, [start, told(30, "OPEN", "LIMIT", 9_975_000)])])[0]
    with pytest.raises(WrongExit, match="ladder"):
        quoted.check()
    quoted._record.quotes.append(
        ToldQuote(OPEN + 20 * SECOND, "NSE:INFY", 9_985_000, 9_985_000, 9_986_000)
    )
    quoted.check()
    with pytest.raises(WrongExit, match="ladder"):
        judges(PLAN, [order("S", -1, [start, told(3, "OPEN", "LIMIT", 9_999_000)])], 9_985_000)[
            0
        ].check()


def test_what_leaves_has_a_reason() -> None:
    out = [stop(1.1, 9_990_000, 9_980_000), told(3, "OPEN", "LIMIT", 9_987_000)]
    gone = order("S", -1, out, ((3.5, 9_987_000),))
    judges(PLAN, [gone], 10_000_000, 9_985_000)[1].check([])
    with pytest.raises(WrongLeave, match="leaves the market's way"):
        judges(PLAN, [gone], 9_999_000, 9_998_000)[1].check([])
    flatten = PersonCommand(OPEN + 2 * SECOND, "flatten", {}, done=True)
    judges(PLAN, [gone], 9_999_000, 9_998_000, commands=(flatten,))[1].check([])


def test_what_is_due_leaves() -> None:
    waits = order("S", -1, [stop(1.1, 9_990_000, 9_980_000)])
    with pytest.raises(WrongLeave, match="square-off"):
        judges(PLAN, [waits])[1].check([])
    timely = [stop(1.1, 9_990_000, 9_980_000), told(101, "OPEN", "LIMIT", 9_990_000)]
    judges(PLAN, [order("S", -1, timely, ((101.5, 9_990_000),))])[1].check([])
    with pytest.raises(WrongLeave, match="time exit"):
        plan = {**PLAN, "time_exit_ns": 20 * SECOND}
        judges(plan, [order("S", -1, timely, ((101.5, 9_990_000),))])[1].check([])


def test_what_a_strategy_file_says_is_a_reason_and_is_done() -> None:
    own = TradedStrategy(0, "file", SECOND, {}, PLAN, file="rsi_reversion.py")
    says = TraderExit(own, OPEN + 2 * SECOND, OPEN + 2 * SECOND, 1, is_close=False)
    out = [stop(1.1, 9_990_000, 9_980_000), told(2.1, "OPEN", "LIMIT", 9_987_000)]
    gone = order("S", -1, out, ((2.5, 9_987_000),))
    judges(PLAN, [gone], 9_999_000, 9_998_000, said=(says,))[1].check([])
    other = replace(says, side=-1)
    with pytest.raises(WrongLeave, match="leaves the market's way"):
        judges(PLAN, [gone], 9_999_000, 9_998_000, said=(other,))[1].check([])
    late = [out[0], told(101, "OPEN", "LIMIT", 9_990_000)]
    stays = order("S", -1, late, ((101.5, 9_990_000),))
    with pytest.raises(WrongLeave, match="its strategy file says to leave"):
        judges(PLAN, [stays], 9_999_000, 9_998_000, said=(says,))[1].check([])


def test_a_halt_cancels_what_has_not_filled() -> None:
    halt = PersonCommand(OPEN + 10 * SECOND, "kill", {}, done=True)
    gone = order("S", -1, [stop(1.1, 9_990_000, 9_980_000)], ((5.0, 9_990_000),))
    stands = order("E", 1, [told(2, "OPEN", "LIMIT", 9_000_000)])
    _, leave, _ = judges(PLAN, [gone], commands=(halt,))
    with pytest.raises(WrongLeave, match="halted"):
        leave.check([stands])
    leave.check([order("E", 1, [*stands.told, told(10.2, "CANCELLED", "LIMIT", 9_000_000)])])
