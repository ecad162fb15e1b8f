"""The account, over executions made by hand."""

from types import SimpleNamespace
from typing import Any

import pytest

from otrade.drill.trader.account import AccountJudge, WrongAccount
from otrade.drill.trader.plan import TraderInstrument
from otrade.drill.trader.record import TakenOver

SECOND = 1_000_000_000
KEY = "NSE:INFY"
CONTRACT = SimpleNamespace(key=KEY)


def trade(s: float, who: str, side: int, qty: int, product: str = "MIS") -> Any:
    """`who`: the leg and the number of the bracket, or empty: somebody else."""
    tag = f"OT{int(who[1:]):010d}{who[0]}010000" if who else None
    order = SimpleNamespace(contract=CONTRACT, product=product, tag=tag, side=side)
    return SimpleNamespace(order=order, qty=qty, price_e4=1_000_000, ts_ns=round(s * SECOND))


def judge(
    trades: list[Any], held: int, *, why: str = "", live: tuple[Any, ...] = ()
) -> AccountJudge:
    one = TraderInstrument(KEY, "MIS", 500, 1, 0, 1, False, 0, 0, 0, 0)
    return AccountJudge([one], live, trades, {(KEY, "MIS"): held}, lambda since, until: why)


IN, OUT = trade(1, "E1", 1, 10), trade(100, "S1", -1, 10)
OUT_2 = trade(100, "S2", -1, 6)


@pytest.mark.parametrize(
    ("trades", "held"),
    [
        ([IN, OUT], 0),
        ([IN, trade(2, "E2", -1, 5), OUT, trade(101, "S2", 1, 5)], 0),
        ([IN, trade(50, "", -1, 10)], 0),  # closed by hand
        ([IN, trade(50, "", 1, 7), OUT], 7),  # somebody else's stays
        ([trade(0, "", 1, 7), IN, trade(50, "", -1, 17)], 0),
        # our stop traded before anybody knew that a person had closed the position
        ([IN, trade(99, "", -1, 10), OUT, trade(105, "F1", 1, 10)], 0),
        ([trade(0, "", 1, 5, "CNC"), IN, OUT], 0),
        # within a second of our exit: to buy it back is as right as to leave it to him
        ([IN, OUT, trade(100.004, "", -1, 6), trade(102, "F1", 1, 6)], 0),
        ([IN, OUT, trade(100.004, "", -1, 6)], -6),
        # he closes a part of two brackets: whichever's, they take out what is left
        ([IN, trade(2, "E2", 1, 6), trade(9, "", -1, 9), OUT_2, trade(200, "S1", -1, 1)], 0),
        ([IN, trade(2, "E2", 1, 6), trade(9, "", -1, 9), trade(100, "S1", -1, 7)], 0),
        # he closes ours and opens as many again: our exit takes them out, the rest is his
        ([IN, trade(40, "", -1, 14), trade(41, "", 1, 20), OUT], 6),
        ([IN, trade(40, "", -1, 14), trade(41, "", 1, 8), OUT, trade(102, "F1", 1, 6)], 0),
    ],
)
def test_what_was_intended(trades: list[Any], held: int) -> None:
    one = judge(trades, held)
    one._ledger = {(KEY, "MIS"): held, (KEY, "CNC"): 5}
    one.check()
    assert one.n_moments == len(trades)


@pytest.mark.parametrize(
    ("trades", "held", "words"),
    [
        ([IN], 10, "ended with"),
        ([IN, trade(100, "S1", -1, 12), trade(101, "F1", 1, 2)], 0, "were not in"),
        ([IN, trade(10, "", -1, 10), OUT, trade(105, "F1", 1, 10)], 0, "were not in"),
        ([IN, trade(99, "", -1, 10), OUT, trade(140, "F1", 1, 10)], 0, "still open"),
        ([trade(1, "S1", -1, 10)], -10, "nothing had been entered"),
        ([trade(1, "E1", 1, 10, "CNC")], 10, "not ours"),
        ([IN, OUT], 3, "the exchange says"),
        ([IN, OUT, trade(102, "", -1, 6), trade(103, "F1", 1, 6)], 0, "ended with"),
        ([IN, OUT, trade(100.004, "", -1, 6), trade(102, "F1", 1, 7)], 1, "ended with"),
        ([IN, trade(40, "", -1, 14), trade(41, "", 1, 8), OUT], -6, "ended with"),
        ([IN, trade(2, "E2", 1, 6), trade(9, "", -1, 9), OUT], -3, "were not in"),
        (
            [IN, trade(10, "", -1, 14), trade(11, "", 1, 20), trade(12, "", -1, 16), OUT],
            -10,
            "were not in",
        ),
    ],
)
def test_what_nobody_intended(trades: list[Any], held: int, words: str) -> None:
    with pytest.raises(WrongAccount, match=words):
        judge(trades, held).check()


def test_a_stop_and_a_target_that_both_worked() -> None:
    trades = [IN, OUT, trade(100.001, "T1", -1, 10), trade(101, "F1", 1, 10)]
    told = SimpleNamespace(status="OPEN")
    both: Any = tuple(
        SimpleNamespace(contract=CONTRACT, tag=f"OT{1:010d}{leg}", as_told=lambda ts_ns: told)
        for leg in "ST"
    )
    judge(trades, 0, live=both).check()
    with pytest.raises(WrongAccount, match="were not in"):
        judge(trades, 0, live=both[:1]).check()
    judge(trades, 0, why="a trouble").check()


def taken(s: float, order: Any) -> TakenOver:
    order.filled_qty, order.order_id = 7, "his"
    return TakenOver(round(s * SECOND), order)


@pytest.mark.parametrize(
    ("sold_s", "tag", "held", "words"),
    [
        (60, "S3", 0, ""),
        (0, "", 7, "the day ended with"),  # nobody has sold it
        (30, "S3", 0, "nothing had been entered"),  # before it was ours to sell
    ],
)
def test_what_is_taken_over_is_ours_from_then_on(
    sold_s: float, tag: str, held: int, words: str
) -> None:
    his = trade(10, "", 1, 7)
    trades = [his, trade(sold_s, tag, -1, 7)] if tag else [his]
    for one in trades:
        one.order.ts_placed_ns = one.ts_ns
    one = TraderInstrument(KEY, "MIS", 500, 1, 0, 1, False, 0, 0, 0, 0)
    orders = [row.order for row in trades]
    asked = AccountJudge(
        [one],
        orders,
        trades,
        {(KEY, "MIS"): held},
        lambda since, until: "",
        [taken(40, his.order)],
    )
    if words:
        with pytest.raises(WrongAccount, match=words):
            asked.check()
    else:
        asked.check()
        assert [(row.ts_ns // SECOND, row.units) for row in asked.others[KEY, "MIS"]] == [
            (10, 7),
            (40, 0),
            (60, 0),
        ]
