"""When a quarantine is to be lifted, over days made by hand."""

from types import SimpleNamespace
from typing import Any

import pytest

from otrade.drill.trader.account import OthersShare
from otrade.drill.trader.plan import TraderInstrument
from otrade.drill.trader.quarantines import (
    QuarantineJudge,
    ShownQuarantine,
    ShownQuarantines,
    WrongQuarantine,
)
from otrade.drill.trader.record import ProcessLife, SessionRecord, TroubleWindow

SECOND = 1_000_000_000
OPEN = 1_000_000 * SECOND
KEY = "NSE:INFY"
ONE = TraderInstrument(KEY, "MIS", 500, 1, 0, 1, False, OPEN, OPEN, OPEN, OPEN)


def at(s: float) -> int:
    return OPEN + round(s * SECOND)


def foreign(from_s: float, until_s: float, *, product: str = "MIS", tag: str | None = None) -> Any:
    told = [(at(from_s), SimpleNamespace(status="OPEN"))]
    if until_s:
        told.append((at(until_s), SimpleNamespace(status="COMPLETE")))
    contract = SimpleNamespace(key=KEY)
    return SimpleNamespace(
        tag=tag, contract=contract, product=product, ts_placed_ns=at(from_s), told=told
    )


def judge(
    *shares: tuple[float, int] | tuple[float, int, bool],
    orders: Any = (),
    troubles: Any = (),
    lives: tuple[float, ...] = (0,),
) -> QuarantineJudge:
    record = SessionRecord("kite", {}, troubles=list(troubles))
    record.lives += [ProcessLife(at(s), has_journal=s > 0, opened_ns=at(s)) for s in lives]
    held = [OthersShare(at(row[0]), row[1], row[2] if len(row) > 2 else True) for row in shares]
    return QuarantineJudge(record, [ONE], orders, {(KEY, "MIS"): held})


HELD = (10, 7)
BACK = (50, 0)


def trouble(kind: str, from_s: float, until_s: float) -> TroubleWindow:
    return TroubleWindow(kind, at(from_s), at(until_s), {})


@pytest.mark.parametrize(
    ("one", "until_s", "is_wrong"),
    [
        (judge(HELD, BACK), 109, False),
        (judge(HELD, BACK), 111, True),
        (judge(HELD), 500, False),  # he has it still
        (judge(HELD, (50, 3), (90, 0)), 149, False),
        (judge(HELD, (50, 3), (90, 0)), 151, True),
        (judge(HELD, (50, 0, False)), 500, False),  # whose it was nobody can say
        (judge(), 71, False),
        (judge(), 73, True),  # nobody was ever there
        # an order of his that still could trade, in our product
        (judge(HELD, BACK, orders=[foreign(40, 80)]), 139, False),
        (judge(HELD, BACK, orders=[foreign(40, 80)]), 141, True),
        (judge(HELD, BACK, orders=[foreign(40, 0)]), 500, False),
        (judge(HELD, BACK, orders=[foreign(40, 0, product="CNC")]), 111, True),
        (judge(HELD, BACK, orders=[foreign(40, 0, tag="OT")]), 111, True),
        # a book that lies for a while, and a minute more
        (judge(HELD, BACK, troubles=[trouble("stale_book", 40, 70)]), 185, False),
        (judge(HELD, BACK, troubles=[trouble("stale_book", 40, 70)]), 191, True),
        (judge(HELD, BACK, troubles=[trouble("manual", 50, 50)]), 111, True),
        # another process begins
        (judge(HELD, BACK, lives=(0, 60)), 205, False),
        (judge(HELD, BACK, lives=(0, 60)), 211, True),
    ],
)
def test_it_is_lifted_once_nobody_gives_cause(
    one: QuarantineJudge, until_s: float, is_wrong: bool
) -> None:
    shown = [ShownQuarantine(KEY, at(12), at(until_s))]
    if is_wrong:
        with pytest.raises(WrongQuarantine, match=r"NSE:INFY was kept out for 60 s"):
            one.check(shown)
    else:
        assert one.check(shown) == 1


def test_what_was_shown_is_written_down_once() -> None:
    shown = ShownQuarantines()
    for s, keys in ((1, ["A"]), (2, ["A", "B"]), (3, ["B"]), (4, []), (5, ["A"]), (6, [])):
        shown.see(at(s), keys)
    assert [(one.key, one.from_ns, one.until_ns) for one in shown.stretches] == [
        ("A", at(1), at(3)),
        ("B", at(2), at(4)),
        ("A", at(5), at(6)),
    ]
