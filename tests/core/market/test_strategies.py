"""The five strategies through the engine, against an account that works everything out anew from
the whole history.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from otrade._core.types import Reason
from tests.harness.core_engine import (
    MS,
    OPEN_NS,
    SECOND,
    frame,
    ltp_packet,
    make_engine,
    packet,
    token_of,
)

T = token_of(0)
IST_NS = 19_800 * SECOND
DAY_NS = 86_400 * SECOND
Signal = tuple[int, int, int]


def ema(values: list[float], period: int) -> float:
    e = values[0]
    for v in values[1:]:
        e = e + (v - e) * (2.0 / (period + 1.0))
    return e


def sma(values: list[float], period: int) -> float:
    last = values[-period:]
    return sum(round(v * 10_000) for v in last) / (len(last) * 10_000.0)


def wilder(values: list[float], period: int) -> float:
    """Mean of the first `period` values, then a = (a (n-1) + v) / n."""
    a = 0.0
    for i, v in enumerate(values, 1):
        a = a + (v - a) / i if i <= period else (a * (period - 1) + v) / period
    return a


def rsi(closes: list[float], period: int) -> float:
    changes = [b - a for a, b in zip(closes, closes[1:], strict=False)]
    if not changes:
        return 50.0
    gain = wilder([max(c, 0.0) for c in changes], period)
    loss = wilder([max(-c, 0.0) for c in changes], period)
    if loss == 0:
        return 100.0 if gain > 0 else 50.0
    return 100 - 100 / (1 + gain / loss)


def atr(bars: list[tuple[float, float, float]], period: int) -> float:
    ranges = [
        max(h - lo, abs(h - before[2]), abs(lo - before[2]))
        for before, (h, lo, _) in zip(bars, bars[1:], strict=False)
    ]
    return wilder(ranges, period) if ranges else 0.0


class Account:
    """What a strategy must say, from all that it has seen."""

    def __init__(self, kind: str, q: dict[str, Any]) -> None:
        self.kind, self.q = kind, q
        self.values: list[float] = []
        self.bars: list[tuple[float, float, float]] = []
        self.side = 0
        self.said: list[Signal] = []
        self.n = 0

    def lines(self) -> tuple[float, float]:
        v, q = self.values, self.q
        if self.kind == "ema_cross":
            return ema(v, q["fast_period"]), ema(v, q["slow_period"])
        if self.kind == "sma_cross":
            return sma(v, q["fast_period"]), sma(v, q["slow_period"])
        if self.kind == "price_level":
            return v[-1], q["level"]
        return v[-1], (ema if self.kind == "price_ema" else sma)(v, q["slow_period"])

    def blocked(self, side: int, px: float, ts: int) -> int:
        q = self.q
        if not q["side_mask"] & (1 if side > 0 else 2):
            return Reason.SIDE_OFF
        if period := q.get("rsi_period"):
            if len(self.bars) <= period:
                return Reason.WARM_UP
            names = (
                ("rsi_long_min", "rsi_long_max") if side > 0 else ("rsi_short_min", "rsi_short_max")
            )
            if not q[names[0]] <= rsi([b[2] for b in self.bars], period) <= q[names[1]]:
                return Reason.RSI_FILTER
        if period := q.get("atr_period"):
            if len(self.bars) <= period:
                return Reason.WARM_UP
            bps = atr(self.bars, period) / px * 10_000
            if (q["atr_min_bps"] and bps < q["atr_min_bps"]) or (
                q["atr_max_bps"] and bps > q["atr_max_bps"]
            ):
                return Reason.ATR_FILTER
        if (
            q.get("tod_until_ns")
            and not q["tod_from_ns"] <= (ts + IST_NS) % DAY_NS < q["tod_until_ns"]
        ):
            return Reason.TIME_FILTER
        return 0

    def value(self, px: float, ts: int) -> None:
        self.n += 1
        self.values.append(px)
        fast, slow = self.lines()
        before, self.side = self.side, (1 if fast > slow else -1 if fast < slow else self.side)
        warm = self.kind == "price_level" or len(self.values) >= self.q["slow_period"]
        if warm and before and self.side != before:
            self.said.append((self.n, self.side, self.blocked(self.side, px, ts)))


FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "long only": {"side_mask": 1},
    "rsi": {
        "rsi_period": 5,
        "rsi_long_min": 50.0,
        "rsi_long_max": 70.0,
        "rsi_short_min": 30.0,
        "rsi_short_max": 50.0,
    },
    "atr": {"atr_period": 5, "atr_min_bps": 9.5, "atr_max_bps": 11.0},
    "time": {
        "tod_from_ns": (OPEN_NS + IST_NS) % DAY_NS + 1_800 * SECOND,
        "tod_until_ns": (OPEN_NS + IST_NS) % DAY_NS + 7_200 * SECOND,
    },
}
REFUSES = {
    "long only": Reason.SIDE_OFF,
    "rsi": Reason.RSI_FILTER,
    "atr": Reason.ATR_FILTER,
    "time": Reason.TIME_FILTER,
}


def prices(seed: str, n: int) -> list[int]:
    """Paise, a walk about 100 rupees."""
    rng = random.Random(seed)
    px, out = 10_000, []
    for _ in range(n):
        px = max(8_000, min(12_000, px + rng.randint(-6, 6) + (10_000 - px) // 12))
        out.append(px)
    return out


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize(
    "kind", ["ema_cross", "sma_cross", "price_ema", "price_sma", "price_level"]
)
@pytest.mark.parametrize("mode", ["tick", "bar"])
def test_a_strategy_says_what_its_history_says(kind: str, mode: str, filters: str) -> None:
    q = {"side_mask": 3, "fast_period": 4, "slow_period": 11, "level": 100.0, **FILTERS[filters]}
    e = make_engine(
        kind=kind, params={"bar_mode": 0 if mode == "tick" else 1, **q}, plan={"enabled": 0}
    )
    account = Account(kind, q)
    got: list[Signal] = []
    step_ns = 15 * SECOND
    bar: list[int] = []
    walk = list(prices(f"{kind} {mode}", 1_200 if mode == "tick" else 3_000))
    e.on_frame_bytes(
        frame(packet(T, walk[0], volume=1)), OPEN_NS - SECOND
    )  # what had traded before anybody listened
    for i, paise in enumerate(walk):
        now = OPEN_NS + i * step_ns + MS
        if (
            i % 4 == 0 and bar
        ):  # four prices a minute: the first one of a minute closes the bar before
            account.bars.append((max(bar) / 100, min(bar) / 100, bar[-1] / 100))
            if mode == "bar":
                account.value(bar[-1] / 100, OPEN_NS + i * step_ns)  # decided at its end
            bar = []
        bar.append(paise)
        if mode == "tick":
            account.value(paise / 100, now)
        e.on_frame_bytes(frame(packet(T, paise, volume=i + 2)), now)
        for s in e.take_signals():
            got.append((account.n, s["side"], s["blocked"]))
            assert s["reason"] == Reason.DISABLED and not s["taken"]
    assert got == account.said
    assert len(got) > 20, "a walk without crossings shows nothing"
    if filters in REFUSES:
        reasons = {blocked for _, _, blocked in got}
        assert REFUSES[filters] in reasons and 0 in reasons, reasons


@pytest.mark.parametrize("kind", ["ema_cross", "price_ema"])
def test_filters_need_their_own_warm_up(kind: str) -> None:
    q = {"side_mask": 3, "fast_period": 2, "slow_period": 3, "atr_period": 50, "atr_min_bps": 1.0}
    e = make_engine(kind=kind, params={"bar_mode": 0, **q}, plan={"enabled": 0})
    for i, paise in enumerate([10_000, 10_010, 10_020, 9_900, 9_800, 10_100]):
        e.on_frame_bytes(frame(ltp_packet(T, paise)), OPEN_NS + i * SECOND)
    signals = e.take_signals()
    assert signals and {s["blocked"] for s in signals} == {Reason.WARM_UP}


def test_unknown_names_are_refused_by_name() -> None:
    for kw, word in (
        ({"kind": "magic"}, "magic"),
        ({"params": {"fastt": 1}}, "fastt"),
        ({"plan": {"stopp": 1}}, "stopp"),
    ):
        with pytest.raises(Exception, match=word):
            make_engine(**kw)


def test_many_strategies_on_one_instrument_are_apart() -> None:
    e = make_engine(strategies=40, plan={"enabled": 0})
    for paise in (9_990, 10_005, 9_990):
        e.on_frame_bytes(frame(ltp_packet(T, paise)), OPEN_NS + paise)
    signals = e.take_signals()
    assert sorted((s["strategy_id"], s["side"]) for s in signals) == sorted(
        [(i, side) for i in range(40) for side in (1, -1)]
    )
