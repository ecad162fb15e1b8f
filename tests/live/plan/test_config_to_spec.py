"""Configuration in people's units against hand-worked numbers of the core."""

import datetime as dt

import pytest

from otrade._core.types import STRUCTS
from otrade.calendar import TradingSession, at_ns
from otrade.config.manager import default_bytes, from_bytes
from otrade.config.schema import Config, SessionsConfig
from otrade.live.plan.config_to_spec import (
    budget_of,
    limits_of,
    params_of,
    plan_of,
    session_spec,
    strategy_spec,
)

SECOND = 1_000_000_000
DAY = dt.date(2026, 11, 20)


@pytest.fixture(scope="module")
def config() -> Config:
    return from_bytes(default_bytes("paper.json"), "paper.json")


def test_distances_times_and_words(config: Config) -> None:
    plan = plan_of(config.strategies[0], config)
    assert (plan["stop_kind"], plan["stop_value"]) == (1, 40.0), "0.4 per cent are 40 bps"
    assert (plan["target_kind"], plan["target_value"]) == (1, 80.0)
    assert plan["trail_kind"] == 0
    assert (plan["size_mode"], plan["size_value"]) == (1, 100_000.0)
    assert plan["on_opposite"] == 2
    assert plan["entry_timeout_ns"] == 30 * SECOND
    assert plan["cooldown_ns"] == 60 * SECOND
    assert plan["protection_e2"] == -1
    trailing = plan_of(config.strategies[1], config)
    assert [
        trailing[f"trail_{name}"] for name in ("kind", "value", "step_value", "from_value")
    ] == [
        1,
        40.0,
        10.0,
        40.0,
    ]
    atr = plan_of(config.strategies[3], config)
    assert (atr["stop_kind"], atr["stop_value"], atr["target_value"]) == (3, 3.0, 6.0)


def test_parameters_and_filters(config: Config) -> None:
    spec = strategy_spec(config.strategies[2], config, {})
    assert (spec.kind, spec.interval_s, spec.name) == ("price_ema", 120, "hdfcbank-trend")
    assert spec.params == {
        "bar_mode": 1, "side_mask": 1, "slow_period": 20,
        "rsi_period": 14, "rsi_long_min": 45.0, "rsi_long_max": 75.0, "rsi_short_min": 0.0, "rsi_short_max": 100.0,
    }  # fmt: skip
    assert params_of(config.strategies[0].params)["fast_period"] == 9


def test_names_are_the_cores(config: Config) -> None:
    plan_fields = {name for name, *_ in STRUCTS["plan_t"]}
    assert set(plan_of(config.strategies[0], config)) == plan_fields, (
        "every field is decided by configuration"
    )
    assert set(limits_of(config.risk)) == {name for name, *_ in STRUCTS["risk_limits_t"]}
    assert set(budget_of(config.broker)) <= {name for name, *_ in STRUCTS["budget_t"]}


def test_limits_are_exact(config: Config) -> None:
    limits = limits_of(config.risk)
    assert limits["max_daily_loss_e4"] == 200_000_000
    assert limits["stale_feed_ns"] == 10 * SECOND


@pytest.mark.parametrize(
    ("close", "wanted"),
    [
        ("15:15", ("09:16", "14:45", "15:05")),
        ("09:40", ("09:16", "09:16", "09:30")),  # shorter than our margins: no entries
        ("09:20", ("09:15", "09:15", "09:15")),
    ],
)
def test_our_times_lie_inside_the_session_and_rise(
    close: str, wanted: tuple[str, str, str]
) -> None:
    session = TradingSession("cash", DAY, at_ns(DAY, "09:15"), at_ns(DAY, close))
    spec = session_spec(session, SessionsConfig())
    times = tuple(at_ns(DAY, clock) for clock in wanted)
    assert (spec.entry_from_ns, spec.entry_until_ns, spec.square_off_ns) == times


@pytest.mark.parametrize(
    "name", ["paper.json", "live.kite.example.json", "live.upstox.example.json"]
)
def test_shipped_quantities_are_whole_lots_of_today(name: str) -> None:
    """NIFTY has lots of 65; a share has lots of one."""
    shipped = from_bytes(default_bytes(name), name)
    for strategy in shipped.strategies:
        if strategy.sizing.mode == "fixed":
            lot = {"NFO:NIFTY.FUT": 65}.get(strategy.instrument, 1)
            assert strategy.sizing.value % lot == 0, strategy.name
