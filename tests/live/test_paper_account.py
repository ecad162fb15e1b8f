"""What is kept of a paper account, and whose it is."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from otrade.live.paper_account import OTHER_WORLD, identity_of, restore_last
from otrade.simulator.base.config import SimConfig
from otrade.simulator.exchange.account_record import AccountRecord
from otrade.simulator.simulator import Simulator
from tests.simulator.scripted_market import DATE, ScriptedMarket


def kept(var_dir: Path, cfg: SimConfig, *, is_ended: bool = False) -> None:
    """The account of a run with these options, which was cut off (or ended)."""
    market = ScriptedMarket([26000.0] * 3)
    record = AccountRecord(var_dir / "paper", identity_of(cfg), pytest.fail)
    record.begin("world", market.exchange, market.clock)
    market.place(1, "LIMIT", 65, 25900)
    if is_ended:
        record.end()
    record.close()


def looked_at(var_dir: Path, cfg: SimConfig) -> tuple[str, int]:
    sim = Simulator(cfg)
    words = restore_last(sim, var_dir)
    return words, len(sim.exchange.orders())


def test_a_look_says_when_another_run_s_account_is_there(tmp_path: Path) -> None:
    """It showed the morning's funds, as if nothing had been traded."""
    cfg = SimConfig(seed=1, dates=(DATE,))
    assert looked_at(tmp_path, cfg) == ("", 0), "nothing was kept"
    kept(tmp_path, cfg)
    assert looked_at(tmp_path, cfg) == ("", 1)
    assert looked_at(tmp_path, replace(cfg, seed=2)) == (OTHER_WORLD, 0)
    kept(tmp_path, cfg, is_ended=True)
    assert looked_at(tmp_path, replace(cfg, seed=2)) == ("", 0), "its day is over"
