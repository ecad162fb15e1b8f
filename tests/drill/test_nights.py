"""What is carried over the night: drawn, lived through, and judged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from otrade.drill.draws.nights import CarriedPosition, draw_carried
from otrade.drill.scenario import DAYS, draw
from otrade.drill.starts.day_before import live_through
from otrade.drill.trader.account import AccountJudge, WrongAccount
from otrade.drill.trader.gates import Gates, Verdict
from otrade.drill.trader.plan import TraderInstrument
from otrade.drill.trader.record import ProcessLife, SessionRecord
from otrade.drill.trouble import TROUBLES
from otrade.simulator.base.config import SimConfig
from otrade.simulator.simulator import Simulator

FUTURE = "NFO:NIFTY.FUT"
KEY = "NFO:X26NOVFUT"
ONE = TraderInstrument(KEY, "NRML", 500, 1, 0, 1, True, 0, 0, 1 << 60, 1 << 60, 1 << 60)
NOBODY: Any = SimpleNamespace()


def test_only_what_brokers_show_as_a_position_the_day_after_is_drawn() -> None:
    products = {FUTURE: "NRML", "NFO:NIFTY.ATMCE": "NRML", "NSE:INFY": "CNC", "NFO:Y.FUT": "MIS"}
    drawn = [one for seed in range(200) for one in draw_carried(seed, products, 400.0)]
    assert {one.key for one in drawn} == {FUTURE}
    assert {one.side for one in drawn} == {-1, 1} and {bool(one.closed_s) for one in drawn} == {
        False,
        True,
    }


def test_nobody_else_trades_where_something_is_carried() -> None:
    found = 0
    for seed in range(300):
        scenario = draw(seed, list(TROUBLES))
        keys = {one.key for one in scenario.carried}
        found += bool(keys)
        for event in scenario.events:
            if event.kind in ("manual", "closed_by_hand"):
                assert not keys.intersection(event.args.get("keys", [event.args.get("key")]))
        assert scenario.sim.get("dates") == (DAYS if keys else None)
    assert found > 5


def test_the_account_holds_it_in_the_morning() -> None:
    sim = Simulator(SimConfig(seed=5, broker="kite", dates=DAYS, first_minutes=10))
    held = live_through(sim, [CarriedPosition(FUTURE, "NRML", -1, 3)])
    contract = sim.exchange.market.universe.resolve(FUTURE)
    assert held == {(contract.key, "NRML"): -3 * contract.lot}
    assert sim.exchange.date == DAYS[1] and not sim.exchange.orders()
    assert sim.clock.now_ns() == sim.opens_ns(DAYS[1])


def gates(orders: list[Any]) -> Gates:
    record = SessionRecord("kite", {}, limits=[(0, {})], carried={(KEY, "NRML"): 150})
    record.lives.append(ProcessLife(0, has_journal=False, opened_ns=1))
    return Gates(record, NOBODY, orders, {})


def closing(at_ns: int, qty: int) -> Any:
    return SimpleNamespace(
        tag=None, contract=SimpleNamespace(key=KEY), product="NRML", side=-1, filled_qty=qty,
        ts_placed_ns=at_ns, ts_update_ns=at_ns, is_final=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("closed", "asked_s", "verdict"),
    [
        ([], 50, Verdict.NO),
        ([(100, 150)], 50, Verdict.NO),
        ([(100, 150)], 130, Verdict.OPEN),  # found by looking
        ([(100, 150)], 161, Verdict.YES),
        ([(100, 75)], 400, Verdict.OPEN),  # half of it is still there
    ],
)
def test_no_entry_is_right_while_it_is_held(
    closed: list[tuple[int, int]], asked_s: int, verdict: Verdict
) -> None:
    orders = [closing(at * 10**9, qty) for at, qty in closed]
    assert gates(orders)._strangers(ONE, asked_s * 10**9).verdict == verdict


def trade(s: int, side: int, qty: int, tag: str | None) -> Any:
    order = SimpleNamespace(contract=SimpleNamespace(key=KEY), product="NRML", tag=tag, side=side)
    return SimpleNamespace(order=order, qty=qty, price_e4=1, ts_ns=s * 10**9)


def account(trades: list[Any], held: int) -> AccountJudge:
    return AccountJudge(
        [ONE], (), trades, {(KEY, "NRML"): held}, lambda since, until: "", (), {(KEY, "NRML"): 150}
    )


def test_it_is_nobodys_of_ours_in_the_account() -> None:
    account([], 150).check()
    account([trade(100, -1, 150, None)], 0).check()
    with pytest.raises(WrongAccount, match="nothing had been entered"):
        account([trade(100, -1, 150, "OT0000000001S010001")], 0).check()
    with pytest.raises(WrongAccount):
        account([], 0).check()  # somebody has taken it away
