"""Engines as the benchmarks want them: the real one, with the real encoder, strategies and limits
on.
"""

from typing import Any

from bench.frames import NSE, token
from otrade._core.codecs.kite import KiteEncoder
from otrade._core.engine.engine import Engine

OPEN_S = 1_790_000_000
SECOND = 1_000_000_000
OPEN_NS = OPEN_S * SECOND

PLAN: dict[str, Any] = {
    "stop_kind": 1,
    "stop_value": 50.0,
    "target_kind": 1,
    "target_value": 100.0,
    "size_mode": 0,
    "size_value": 10.0,
    "max_qty": 100,
    "enabled": 1,
    "entry_offset_bps": 5.0,
    "entry_timeout_ns": 30 * SECOND,
    "stop_limit_bps": 20.0,
    "hysteresis_bps": 10.0,
    "ladder_start_bps": 10.0,
    "ladder_step_bps": 10.0,
    "ladder_interval_ns": 2 * SECOND,
    "ladder_max_steps": 5,
    "protection_e2": -1,
}


def engine(
    *,
    instruments: int = 1,
    kind: str = "ema_cross",
    enabled: int = 1,
    brackets: int = 256,
    orders: int = 4096,
    strategies: int = 1,
    plan: dict[str, Any] | None = None,
    **params: Any,
) -> Engine:
    """So many strategies an instrument, on ticks, a minute series each, all gates on."""
    e = Engine(
        instruments=instruments,
        series=instruments,
        strategies=instruments * strategies,
        brackets=brackets,
        orders=orders,
        bars=max(8_192, 2 * instruments),
    )
    asked = {"bar_mode": 0, "side_mask": 3, "fast_period": 9, "slow_period": 21, **params}
    for i in range(instruments):
        inst = e.add_instrument(
            token=token(i),
            segment=NSE,
            symbol=f"STOCK{i}",
            exchange="NSE",
            product=0,
            tick_size_e4=500,
            lot_size=1,
        )
        series = e.add_series(inst, 60 * SECOND)
        for k in range(strategies):
            e.add_strategy(
                series,
                kind,
                {**asked, "slow_period": asked["slow_period"] + k},
                {**PLAN, "enabled": enabled, **(plan or {})},
            )
        far = OPEN_NS + 10**15
        e.set_session(
            inst,
            open_ns=OPEN_NS,
            entry_from_ns=OPEN_NS,
            entry_until_ns=far,
            square_off_ns=far,
            close_ns=far,
        )
    e.set_limits(
        max_order_qty=1_000,
        max_order_notional_e4=10**13,
        max_open_positions=10**6,
        max_trades=10**6,
        max_daily_loss_e4=10**13,
        max_drawdown_e4=10**13,
        stale_feed_ns=5 * SECOND,
        px_jump_bps_max=2_000,
    )
    e.set_budget(
        per_second=9,
        per_minute=390,
        per_day=10**6,
        reserve_second=3,
        reserve_minute=30,
        reserve_day=100,
    )
    e.set_encoder(KiteEncoder(b"127.0.0.1", b"", b"token key:token"))
    e.start(OPEN_NS)
    e.on_feed(True, OPEN_NS)
    return e
