"""Indicators by bar, as the core keeps them to be shown, against plain arithmetic over all closes."""

from __future__ import annotations

from typing import Any

import pytest

from otrade._core.engine.engine import Engine
from otrade._core.kernels.strategy_abi import (
    OF_FILTERS,
    OF_PARAMS,
    WATCHED_BARS,
    WATCHED_MAX,
    WatchedValue,
)
from otrade.errors import EngineError
from otrade.journal.memory import MemoryJournal
from otrade.journal.replay import replay
from otrade.live.plan.kind_lines import lines_of_kind
from otrade.strategy.builtin import kinds
from otrade.strategy.check.file import read
from tests.core.market.test_history import (
    MINUTE,
    NIGHT_NS,
    Minute,
    an_engine,
    fed,
    made_day,
    play,
)
from tests.core.market.test_strategies import ema, rsi, sma, wilder
from tests.harness.core_engine import OPEN_NS, make_engine

Q = {"side_mask": 3, "fast_period": 4, "slow_period": 9, "rsi_period": 5, "atr_period": 7}
FIRST = made_day("watched one", OPEN_NS, 10_000, 40)
SECOND_DAY = made_day("watched two", OPEN_NS + NIGHT_NS, 10_050, 60)
KINDS = ("ema_cross", "sma_cross", "price_ema", "price_sma")


def watch(engine: Engine, kind: str, q: dict[str, Any]) -> list[str]:
    lines = lines_of_kind(kind, q)
    engine.watch(0, [line.watched for line in lines])
    return [line.label for line in lines]


def by_pencil(label: str, minutes: list[Minute]) -> float | None:
    """What the last of these bars leaves; None in the warm-up."""
    name, period = label.split()
    n = int(period)
    closes = [prices[-1] / 100 for _, prices in minutes]
    if name in ("EMA", "SMA"):
        if len(closes) < n:
            return None
        return ema(closes, n) if name == "EMA" else sma(closes, n)
    if len(closes) <= n:
        return None
    if name == "RSI":
        return rsi(closes, n)
    ranges = [
        max(max(p) / 100, before) - min(min(p) / 100, before)
        for before, (_, p) in zip(closes, minutes[1:], strict=False)
    ]
    return wilder(ranges, n)


@pytest.mark.parametrize("kind", KINDS)
def test_each_bars_values_are_those_of_all_bars_until_then(kind: str) -> None:
    engine = an_engine(kind, Q)
    labels = watch(engine, kind, Q)
    averages = kind[:3] if kind.endswith("cross") else kind[-3:]
    assert labels[-3:] == [f"{averages.upper()} 9", "RSI 5", "ATR 7"]
    fed(engine, FIRST, SECOND_DAY[0][0] - MINUTE)
    play(engine, SECOND_DAY)
    minutes = [*FIRST, *SECOND_DAY]
    kept = engine.watched(0)
    assert [(begin, end) for begin, end, _ in kept] == [(t, t + MINUTE) for t, _ in minutes]
    for n, (_, _, values) in enumerate(kept, 1):
        for label, value in zip(labels, values, strict=True):
            wanted = by_pencil(label, minutes[:n])
            if wanted is None:
                assert value is None, "not known, and not 0"
            else:
                assert value == pytest.approx(wanted, rel=1e-9), label
    assert kept[0][2] == (None,) * len(labels)


def test_a_level_is_a_line_from_the_first_bar() -> None:
    engine = an_engine("price_level", {**Q, "level": 100.35})
    labels = watch(engine, "price_level", {**Q, "level": 100.35})
    play(engine, SECOND_DAY)
    assert labels == ["level", "RSI 5", "ATR 7"]
    assert {values[0] for _, _, values in engine.watched(0)} == {100.35}


def test_averages_of_ticks_are_kept_as_each_bar_leaves_them() -> None:
    q = {**Q, "bar_mode": 0}
    engine = make_engine(kind="ema_cross", params=q, plan={"enabled": 0})
    watch(engine, "ema_cross", q)
    play(engine, SECOND_DAY)
    prices = [SECOND_DAY[0][1][0] / 100]  # the packet before the first
    kept = engine.watched(0)
    assert len(kept) == len(SECOND_DAY)
    ready = 0
    for (_, ticks), (_, _, values) in zip(SECOND_DAY, kept, strict=True):
        prices += [px / 100 for px in ticks]
        if values[0] is not None:
            ready += 1
            near = [pytest.approx(ema(prices[first:], 4), rel=1e-6) for first in (0, 1)]
            assert values[0] in near
    assert ready >= len(kept) - 2


def test_asked_from_a_moment_on_and_the_oldest_go_first() -> None:
    engine = an_engine("ema_cross", Q)
    watch(engine, "ema_cross", Q)
    minutes: list[Minute] = []
    for day in range(4):
        more = made_day(f"ring {day}", OPEN_NS + day * NIGHT_NS, 10_000)
        minutes += more
    assert len(minutes) > WATCHED_BARS + 100
    for first in range(0, len(minutes), 300):
        fed(engine, minutes[first : first + 300], OPEN_NS + 5 * NIGHT_NS)
    kept = engine.watched(0)
    assert [begin for begin, _, _ in kept] == [t for t, _ in minutes[-WATCHED_BARS:]]
    for n in (0, 1, 7):
        after_ns = minutes[-1 - n][0] + MINUTE
        assert engine.watched(0, after_ns) == kept[len(kept) - n :]


def test_nobody_who_looks_changes_what_is_decided_or_journalled() -> None:
    def day(*, looks: bool) -> tuple[list[Any], MemoryJournal]:
        journal = MemoryJournal()
        engine = an_engine("ema_cross", Q, journal=journal)
        if looks:
            watch(engine, "ema_cross", Q)
        fed(engine, FIRST, SECOND_DAY[0][0] - MINUTE)
        return play(engine, SECOND_DAY), journal

    (said, journal), (same, other) = day(looks=True), day(looks=False)
    assert said == same and len(said) > 3
    assert list(journal.windows()) == list(other.windows())
    done = replay(journal.windows())
    assert done.divergence is None and done.engine is not None
    assert done.engine.watched(0) == []


STATE_BYTES = read(kinds()["ema_cross"]).state_bytes


@pytest.mark.parametrize(
    "values",
    [
        [],
        [WatchedValue(0, 0)] * (WATCHED_MAX + 1),
        [WatchedValue(4, 0)],
        [WatchedValue(-8, 0)],
        [WatchedValue(STATE_BYTES, 0)],
        [WatchedValue(0, STATE_BYTES)],
        [WatchedValue(0, STATE_BYTES - 2, 4)],
        [WatchedValue(0, -1)],
        [WatchedValue(0, 0, 2)],
        [WatchedValue(0, 0, memory="signal")],
        [WatchedValue(16, 0, memory=OF_PARAMS)],
        [WatchedValue(56, 48, 4, memory=OF_FILTERS)],
    ],
)
def test_what_lies_outside_is_refused(values: list[WatchedValue]) -> None:
    engine = an_engine("ema_cross", Q)
    with pytest.raises(EngineError):
        engine.watch(0, values)
    watch(engine, "ema_cross", Q)
    with pytest.raises(EngineError, match="once"):
        watch(engine, "ema_cross", Q)
