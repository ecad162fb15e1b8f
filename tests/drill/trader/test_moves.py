"""The judge of stops that a strategy file moves, on orders written by hand."""

from types import SimpleNamespace
from typing import Any

import pytest

from otrade.drill.trader.leave.held import EnteredBracket
from otrade.drill.trader.leave.moves import MoveJudge, WrongMove
from otrade.drill.trader.plan import TradedStrategy
from otrade.drill.trader.replay import SeenTouch, TraderMove
from tests.drill.trader import test_trader

SECOND, OPEN = test_trader.SECOND, test_trader.OPEN
PLAN = {**test_trader.PLAN, "target_kind": 0, "stop_at_e4": 950_000}
OWN = TradedStrategy(0, "file", 10 * SECOND, {}, PLAN, file="supertrend_trailing.py")


def told(s: float, trigger_e4: int, status: str = "TRIGGER PENDING") -> tuple[int, Any]:
    terms = SimpleNamespace(order_type="SL", trigger_e4=trigger_e4, price_e4=trigger_e4 - 500)
    state = SimpleNamespace(terms=terms, status=status, status_message="", filled_qty=0)
    return OPEN + round(s * SECOND), state


def check(
    stops: list[tuple[int, Any]], moves: list[tuple[float, int]], unsure: str = "", **plan: Any
) -> int:
    """Bought at 100.00 at the open; the price stays there for a minute. How many moves were due."""
    fill = SimpleNamespace(ts_ns=OPEN, qty=10, price_e4=1_000_000)
    entry = SimpleNamespace(tag="OT0000010000E000000", side=1, ts_placed_ns=OPEN, trades=[fill])
    stop = SimpleNamespace(tag="OT0000010000S000001", side=-1, told=stops, trades=[])
    touches = [SeenTouch(OPEN + s * SECOND, 1_000_000, 999_500, 1_000_000, OPEN) for s in range(60)]
    asked = [
        TraderMove(OWN, OPEN + round(s * SECOND), OPEN + round(s * SECOND), 1, level_e4, False)
        for s, level_e4 in moves
    ]
    bracket = EnteredBracket(
        "0000010000", entry, [stop], [{**PLAN, **plan}], test_trader.instrument(), touches, lambda a, b: unsure, [OWN], asked
    )  # type: ignore[arg-type] # fmt: skip
    record: Any = SimpleNamespace(in_force=lambda *given: False)
    judge = MoveJudge(record, [bracket], lambda a, b: unsure, 24)
    judge.check()
    return judge.n_moves


def test_a_stop_that_is_moved_in_time() -> None:
    assert check([told(0.1, 950_000), told(10.1, 960_000)], [(10, 960_000)]) == 1
    assert check([told(0.1, 950_000), told(10.1, 970_000)], [(10, 960_000)]) == 1, "the trail's"


@pytest.mark.parametrize(
    ("stops", "moves", "words"),
    [
        ([told(0.1, 950_000)], [(10, 960_000)], "has asked for 96.00"),
        ([told(0.1, 950_000), told(15, 960_000)], [(10, 960_000)], "stands 95.00 3.5 s after"),
        ([told(0.1, 950_000), told(10, 940_000)], [(10, 940_000)], "from 95.00 back to 94.00"),
        (
            [told(0.1, 950_000), told(10, 960_000), told(10.4, 961_000)],
            [(10, 960_000), (10.4, 961_000)],
            "twice in 0.400 s",
        ),
    ],
)
def test_what_is_wrong(
    stops: list[tuple[int, Any]], moves: list[tuple[float, int]], words: str
) -> None:
    with pytest.raises(WrongMove, match=words):
        check(stops, moves)
    assert check(stops, moves, unsure="a trouble") == 0


def test_what_is_nobodys_fault() -> None:
    assert check([told(0.1, 950_000)], [(10, 1_000_000)]) == 0, "price is there already"
    assert check([told(0.1, 950_000), told(11, 950_000, "OPEN")], [(10, 960_000)]) == 0
    refused = told(5, 950_000)
    refused[1].status_message = "busy"
    assert check([told(0.1, 950_000), refused], [(10, 960_000)]) == 0


def test_a_trail_may_move_it_in_between() -> None:
    stops = [told(0.1, 950_000), told(10, 960_000), told(10.4, 961_000)]
    assert check(stops, [(10, 960_000)], trail_kind=1) == 1


def test_the_tightest_wish_so_far() -> None:
    for side, tightest in ((1, [0, 7, 9]), (-1, [0, 7, 7])):
        moves = [TraderMove(OWN, s, s, side, level, False) for s, level in ((5, 7), (6, 9), (7, 8))]
        entry: Any = SimpleNamespace(side=side)
        one = test_trader.instrument()
        held = EnteredBracket("", entry, [], [], one, [], lambda a, b: "", [OWN], moves)
        assert [held.moved_to(s) for s in (4, 5, 7)] == tightest
