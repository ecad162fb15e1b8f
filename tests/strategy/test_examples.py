"""The worked examples against accounts of their own: what each says in words, worked out anew from all
bars so far at every bar, with numpy and TA-Lib. Compiled they are the same by `test_compiled.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import talib

from otrade._core.kernels import strategy_abi as abi
from otrade._core.types import ExitReason
from otrade.strategy.check.file import read
from tests.strategy.conftest import ROOT
from tests.strategy.lockstep import Broker, Memory, events, plain_class
from tests.strategy.test_indicators import naive_ema

BARS = 450
FIELDS = ("open", "high", "low", "close")


@dataclass
class Told:
    """What a strategy has been shown until now, in rupees."""

    bars: list[dict[str, float]] = field(default_factory=list)
    slower: list[dict[str, float]] = field(default_factory=list)
    position: dict[str, float] = field(default_factory=dict)
    minutes_left: int = 0
    exits: list[tuple[int, int]] = field(default_factory=list)
    """Bar and reason of each exit."""
    memory: dict[str, Any] = field(default_factory=dict)

    def all(self, name: str) -> Any:
        return np.array([bar[name] for bar in self.bars])

    @property
    def last(self) -> dict[str, float]:
        return self.bars[-1]

    @property
    def side(self) -> int:
        return int(self.position["side"])


Account = Callable[[Told], tuple[Any, ...] | None]
"""Gives the action, then stop and target as (how, rupees), then size; or None."""
PLAN = (abi.PLAN, 0.0)


def price(level: float) -> tuple[int, float]:
    return abi.PRICE, level


def distance(rupees: float) -> tuple[int, float]:
    return abi.DISTANCE, rupees


def sides(told: Told, a: Any, b: Any) -> int:
    """1 or -1 where `a` has changed to the other side of `b` with the last value."""
    signs = [s for s in np.sign(a - b) if s]
    now = np.sign(a[-1] - b[-1])
    return int(now) if now and len(signs) > 1 and signs[-2] != now else 0


def ema_crossover(told: Told) -> tuple[Any, ...] | None:
    close = told.all("close")
    crossed = sides(told, naive_ema(close, 9), naive_ema(close, 21))
    if len(close) < 21 or not crossed:
        return None
    return (abi.BUY if crossed > 0 else abi.SELL, PLAN, PLAN, 0)


def opening_range(told: Told) -> tuple[Any, ...] | None:
    today = [bar for bar in told.bars if bar["day"] == told.last["day"]]
    first = [bar for bar in today if bar["minute"] < 15]
    bar = told.last
    if bar["minute"] < 15 or told.side:
        return None
    high, low = max(b["high"] for b in first), min(b["low"] for b in first)
    if bar["close"] <= high * 1.0005:
        return None
    return (abi.BUY, price(low), price(bar["close"] + 2 * (bar["close"] - low)), 0)


def vwap_reversion(told: Told) -> tuple[Any, ...] | None:
    bar = told.last
    today = [b for b in told.bars if b["day"] == bar["day"]]
    volume = sum(b["volume"] for b in today)
    typical = [(b["high"] + b["low"] + b["close"]) / 3 for b in today]
    turnover = sum(t * b["volume"] for t, b in zip(typical, today, strict=True))
    fair = turnover / volume if volume else typical[-1]
    away = told.memory.setdefault("away", [])
    away.append(bar["close"] - fair)
    spread = float(np.std(away[-20:]))
    far = away[-1] / spread if spread else 0.0
    if told.side:
        return (abi.EXIT, PLAN, PLAN, 0) if (bar["close"] - fair) * told.side >= 0 else None
    if len(away) < 20 or told.minutes_left <= 30 or abs(far) <= 2.0:
        return None
    return (abi.BUY if far < 0 else abi.SELL, distance(1.5 * spread), price(fair), 0)


def supertrend_trailing(told: Told) -> tuple[Any, ...] | None:
    trend, band = _supertrend(told, 10, 3.0)
    before = told.memory.get("trend", 0)
    told.memory["trend"] = trend
    if len(told.bars) < 11:
        return None
    if before and trend != before:
        return (abi.BUY if trend > 0 else abi.SELL, price(band), PLAN, 0)
    stop = told.position["stop"] / 10_000
    if (told.side > 0 and band > stop) or (told.side < 0 and (stop == 0 or band < stop)):
        return (abi.MOVE_STOP, price(band), PLAN, 0)
    return None


def _supertrend(told: Told, period: int, factor: float) -> tuple[int, float]:
    """From the first bar on, as Seban's rule says it."""
    high, low, close = told.all("high"), told.all("low"), told.all("close")
    trend, upper, lower, spread = 0, 0.0, 0.0, 0.0
    for i in range(1, len(close)):
        width = max(high[i], close[i - 1]) - min(low[i], close[i - 1])
        spread += (width - spread) / min(i, period)
        mid = (high[i] + low[i]) / 2
        up, down = mid + factor * spread, mid - factor * spread
        if i > 1 and not (up < upper or close[i - 1] > upper):
            up = upper
        if i > 1 and not (down > lower or close[i - 1] < lower):
            down = lower
        upper, lower = up, down
        if trend == 0:
            trend = 1 if close[i] >= mid else -1
        elif (trend > 0 and close[i] < lower) or (trend < 0 and close[i] > upper):
            trend = -trend
    return trend, lower if trend > 0 else upper


def range_trailing(told: Told) -> tuple[Any, ...] | None:
    """A bar's trade is its close. The position's stop is what the test's broker says."""
    high, low, close = told.all("high"), told.all("low"), told.all("close")
    if len(close) < 20 or told.side:
        return None
    crossed = sides(told, close, naive_ema(close, 20))
    if not crossed:
        return None
    stop = distance(3 * talib.ATR(high, low, close, 14)[-1])
    return (abi.BUY if crossed > 0 else abi.SELL, stop, PLAN, 0)


def rsi_reversion(told: Told) -> tuple[Any, ...] | None:
    close = told.all("close")
    if len(close) < 15 or len(told.slower) < 8:
        return None
    strength = talib.RSI(close, 14)[-1]
    slower = [bar["close"] for bar in told.slower]
    trend = float(np.mean(slower[-8:]))
    if told.side:
        return (abi.EXIT, PLAN, PLAN, 0) if (strength - 50) * told.side > 0 else None
    stops = [at for at, why in told.exits if why == ExitReason.STOP]
    if stops and len(told.bars) - stops[-1] < 3:
        return None
    stop = distance(close[-1] * 0.8 / 100)
    if strength < 45 and slower[-1] > trend:
        return (abi.BUY, stop, PLAN, 0)
    if strength > 55 and slower[-1] < trend:
        return (abi.SELL, stop, PLAN, 0)
    return None


def volatility_breakout(told: Told) -> tuple[Any, ...] | None:
    high, low, close = told.all("high"), told.all("low"), told.all("close")
    if len(close) < 21 or told.side:
        return None
    spread = talib.ATR(high, low, close, 14)[-1]
    qty = min(math.floor(5_000 / (2 * spread)), 100_000)
    if qty < 1:
        return None
    levels = (distance(2 * spread), distance(4 * spread), qty)
    if close[-1] > max(high[-21:-1]):
        return (abi.BUY, *levels)
    return (abi.SELL, *levels) if close[-1] < min(low[-21:-1]) else None


def timed_momentum(told: Told) -> tuple[Any, ...] | None:
    """Each of the test's timed looks is at a bar's close."""
    looks = told.all("close")[-20:]
    mean, px = float(np.mean(looks)), looks[-1]
    if told.minutes_left <= 15:
        return (abi.EXIT, PLAN, PLAN, 0) if told.side else None
    if told.side:
        return (abi.EXIT, PLAN, PLAN, 0) if (px - mean) * told.side <= 0 else None
    away = (px / mean - 1) * 10_000
    if len(looks) < 20 or abs(away) <= 8.0:
        return None
    return (abi.BUY if away > 0 else abi.SELL, PLAN, PLAN, 0)


ACCOUNTS: dict[str, Account] = {
    "ema_crossover": ema_crossover,
    "opening_range": opening_range,
    "vwap_reversion": vwap_reversion,
    "supertrend_trailing": supertrend_trailing,
    "range_trailing": range_trailing,
    "rsi_reversion": rsi_reversion,
    "volatility_breakout": volatility_breakout,
    "timed_momentum": timed_momentum,
}
GIVEN: dict[str, dict[str, float]] = {"rsi_reversion": {"low": 45, "high": 55}}
LEAVES_AFTER = {
    "opening_range": 30,
    "range_trailing": 15,
    "volatility_breakout": 25,
    "rsi_reversion": 20,
}
"""Bars after which the test's broker stops a position out, where the strategy itself seldom leaves."""


def in_rupees(bar: dict[str, int], day: int) -> dict[str, float]:
    prices = {name: bar[name] / 10_000 for name in FIELDS}
    return {**prices, "volume": bar["volume"], "minute": bar["minute_of_session"], "day": day}


@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("name", ACCOUNTS)
def test_it_says_what_its_words_say(name: str, seed: int) -> None:
    print(f"seed {seed}")
    path = ROOT / "strategies" / f"{name}.py"
    spec = read(path)
    memory, mine = Memory(spec, "plain"), plain_class(path)(**GIVEN.get(name, {}))
    broker, told, stop, decided = Broker(), Told(), 0, 0
    for n, (hook, given) in enumerate(events(seed, BARS, ["on_bar"])):
        assert hook == "on_bar"
        px, bar = given["market"]["last"], given["bar"]
        if "bar_0" in given and given["bar_0"]["count"] > len(told.slower):
            told.slower.append(in_rupees(given["bar_0"], 0))
        if broker.side and broker.held >= LEAVES_AFTER.get(name, BARS):
            fill = broker.decided(abi.EXIT, px)
            assert fill
            fill["exit_reason"] = int(ExitReason.STOP)
            told.exits.append((len(told.bars), int(ExitReason.STOP)))
            if "on_fill" in spec.hooks:
                memory.fill({"fill": fill, **given, "position": broker.position(px)})
                mine.call("on_fill", memory.records)
        told.bars.append(in_rupees(bar, n // 75))
        told.position = {**broker.position(px), "stop": stop}
        told.minutes_left = given["clock"]["minutes_left"]
        memory.fill({**given, "position": {**broker.position(px), "stop": stop}})
        broker.held -= broker.side != 0  # asked twice for one bar
        action = mine.call("on_bar" if "on_bar" in spec.hooks else "on_timer", memory.records)
        want = ACCOUNTS[name](told) or (abi.NONE,)
        assert action == want[0], f"bar {n}"
        if not action:
            continue
        decided += 1
        said = memory.records["decision"]
        for level, (how, rupees) in zip(("stop", "target"), want[1:3], strict=True):
            assert getattr(said, f"{level}_is") == how, f"bar {n}"
            assert getattr(said, level) == pytest.approx(rupees, rel=1e-9, abs=1e-9), f"bar {n}"
        assert said.qty == want[3]
        assert action == abi.EXIT or said.why
        if action in (abi.BUY, abi.SELL, abi.MOVE_STOP) and said.stop_is == abi.PRICE:
            stop = round(said.stop * 10_000)
        broker.decided(action, px)
    assert decided >= 2


def test_every_example_has_an_account() -> None:
    assert {path.stem for path in (ROOT / "strategies").glob("*.py")} == set(ACCOUNTS)
