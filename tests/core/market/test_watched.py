"""Indicators by bar, as the core keeps them to be shown, against plain arithmetic over all closes."""

from __future__ import annotations

from typing import Any

import pytest

from otrade._core.engine.engine import Engine
from otrade._core.kernel_states import KERNEL_STRUCTS
from otrade._core.kernels.strategy_abi import (
    IN_FILTERS,
    IN_PARAMETERS,
    STATE_BYTES_MAX,
    WATCHED_BARS,
    WATCHED_MAX,
    WatchedValue,
)
from otrade.errors import EngineError
from otrade.journal.memory import MemoryJournal
from otrade.journal.replay import replay
from otrade.live.plan.kind_lines import lines_of_kind
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
        # A kind says nothing before its slow average is ready.
        if len(closes) < Q["slow_period"]:
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


def test_as_many_bars_as_were_asked_for() -> None:
    few, many = an_engine("ema_cross", Q), an_engine("ema_cross", Q)
    values = [line.watched for line in lines_of_kind("ema_cross", Q)]
    few.watch(0, values, 33)
    many.watch(0, values)
    for engine in (few, many):
        fed(engine, FIRST, SECOND_DAY[0][0])
        fed(engine, SECOND_DAY, SECOND_DAY[-1][0] + MINUTE)
    assert len(many.watched(0)) == len(FIRST) + len(SECOND_DAY)
    assert few.watched(0) == many.watched(0)[-33:]
    for wrong in (0, -1, WATCHED_BARS + 1):
        with pytest.raises(EngineError, match=f"of {wrong} bars"):
            an_engine("ema_cross", Q).watch(0, values, wrong)


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


FILTER_BYTES = 56


@pytest.mark.parametrize(
    "values",
    [
        [],
        [WatchedValue(0, 0)] * (WATCHED_MAX + 1),
        [WatchedValue(4, 0)],
        [WatchedValue(-8, 0)],
        [WatchedValue(STATE_BYTES_MAX, 0)],
        [WatchedValue(FILTER_BYTES, 0, memory=IN_FILTERS)],
        [WatchedValue(0, FILTER_BYTES, memory=IN_FILTERS)],
        [WatchedValue(0, FILTER_BYTES - 2, 4, memory=IN_FILTERS)],
        [WatchedValue(64, 0, memory=IN_PARAMETERS)],
        [WatchedValue(0, -1)],
        [WatchedValue(0, 0, 2)],
    ],
)
def test_what_lies_outside_is_refused(values: list[WatchedValue]) -> None:
    assert len(KERNEL_STRUCTS["filter_state_t"]) == 8
    engine = an_engine("ema_cross", Q)
    with pytest.raises(EngineError):
        engine.watch(0, values)
    watch(engine, "ema_cross", Q)
    with pytest.raises(EngineError, match="once"):
        watch(engine, "ema_cross", Q)
