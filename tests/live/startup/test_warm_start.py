"""A whole start with history, at both simulated brokers: what the engine knows before its first
tick, what it says, and that a restart asks for nothing.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from otrade._core.types import Rec
from otrade.config import manager
from otrade.drill.process import BrokerKind
from otrade.errors import BrokerError
from otrade.instruments import Instrument
from otrade.journal.replay import replay
from otrade.journal.scan import records, windows
from otrade.journal.words import words_of
from otrade.live.plan.warm_start import waiting_words
from otrade.live.startup.day_builder import DayBuilder, PreparedDay
from otrade.simulator.exchange.candles import bars
from tests.harness.simulated_day import MINUTE, SECOND, SimulatedDay, run, simulated_day
from tests.live.startup.test_exit_modes import maker_of

BROKERS: tuple[BrokerKind, ...] = ("kite", "upstox")
both = pytest.mark.parametrize("broker", BROKERS)
DATE = dt.date(2026, 11, 20)
ROOT = Path(__file__).parents[3]


def ema(values: list[float], period: int) -> float:
    """With a pencil: e += (v - e) * 2 / (n + 1), from the first value on."""
    e = values[0]
    for v in values[1:]:
        e += (v - e) * 2 / (period + 1)
    return e


def builder_of(here: SimulatedDay, path: Path, *others: str, **strategy: Any) -> DayBuilder:
    """Of a day with one strategy on INFY, and the same one on each of the others."""
    maker = maker_of(here, path, exit_mode="stop_resting")
    file = path / "config.json"
    config = json.loads(file.read_text())
    config["strategies"][0] |= strategy
    config.setdefault("paths", {})["strategies"] = str(ROOT / "strategies")
    for symbol in others:
        config["instruments"].append({"symbol": symbol})
        other = {"name": f"cross {symbol[4:]}", "instrument": symbol}
        config["strategies"].append(config["strategies"][0] | other)
    file.write_text(json.dumps(config))
    return msgspec.structs.replace(maker, config=manager.load(file))


async def started(
    here: SimulatedDay, path: Path, refused: str = "", **strategy: Any
) -> tuple[PreparedDay, list[str]]:
    """A start at the simulator's present time. `refused`: what the broker says to questions of
    history.
    """
    maker = builder_of(here, path, **strategy)
    if refused:

        async def refuse(*args: Any, **given: Any) -> Any:
            raise BrokerError(refused)

        maker.access.adapter.minute_bars = refuse  # type: ignore[method-assign]
    prepared = await here.sim.during(maker.build(here.date))
    said = [n.text for n in maker.board.since(0) if n.code in ("WARM_START", "COLD_START")]
    return prepared, said


def ended(prepared: PreparedDay, now_ns: int) -> None:
    assert prepared.day.journal is not None
    prepared.day.journal.close(now_ns)


def closes_of(
    here: SimulatedDay, date: dt.date, n: int | None = None, key: str = "NSE:INFY"
) -> list[float]:
    """Minutes of a day, from the exchange's own trades of it."""
    exchange = here.sim.exchange
    contract = exchange.market.universe.resolve(key)
    path = exchange.prices.path(contract, date)
    open_ns = contract.session_ns(date)[0]
    last: dict[int, float] = {}
    for ts_ns, px_e4 in zip(path.ts_ns, path.px_e4, strict=True):
        last[(ts_ns - open_ns) // MINUTE] = px_e4 / 10_000
    return [last[minute] for minute in sorted(last)][:n]


def fives(closes: list[float]) -> list[float]:
    """Of five minutes each, from the first on."""
    return [closes[min(i + 4, len(closes) - 1)] for i in range(0, len(closes), 5)]


def n_histories(path: Path) -> int:
    (journal,) = (path / "var" / "journal").glob("*.otj")
    return sum(record.kind == Rec.HISTORY for record in records(journal))


def in_world(work: Any, keys: tuple[str, ...] = ("NSE:INFY",), **given: Any) -> None:
    async def body() -> None:
        async with simulated_day(keys=keys, config={"dates": (DATE,)}, **given) as here:
            await work(here)

    run(body())


@both
def test_indicators_begin_where_the_day_before_left_them(
    broker: BrokerKind, tmp_path: Path
) -> None:
    async def work(here: SimulatedDay) -> None:
        prepared, said = await started(here, tmp_path)
        day = prepared.day
        signal = day.engine.strategy(0)["signal"]
        closes = closes_of(here, dt.date(2026, 11, 19))
        assert signal["ready"] and not signal["side"]
        assert signal["fast"] == pytest.approx(ema(closes, 3), rel=1e-12)
        assert signal["slow"] == pytest.approx(ema(closes, 8), rel=1e-12)
        assert said == ["indicators start from history: cross: bars since 2026-11-19"]
        assert not day.engine.take_bars() and not day.engine.take_signals()
        shown = day.candles.last(day.plan.instruments[0].minute_series_id, 2_000)
        assert [bar.close_e4 / 10_000 for bar in shown] == closes
        assert waiting_words(day.engine, day.engine.strategy(0), here.now_ns) == ""
        ended(prepared, here.now_ns)

    in_world(work, broker=broker)


@both
def test_a_start_in_mid_day_joins_the_bar_that_runs(broker: BrokerKind, tmp_path: Path) -> None:
    async def work(here: SimulatedDay) -> None:
        await here.sim.run_until(here.at("11:07") + 20 * SECOND)
        prepared, said = await started(
            here, tmp_path, params={"fast_period": 3, "slow_period": 8, "bar_s": 300}
        )
        engine = prepared.day.engine
        strategy = engine.strategy(0)
        series = engine.series(strategy["series_id"])
        assert series["bar"]["ts_open_ns"] == here.at("11:05") == series["from_ns"]
        bars = fives(closes_of(here, dt.date(2026, 11, 19))) + fives(closes_of(here, DATE, 110))
        assert strategy["signal"]["fast"] == pytest.approx(ema(bars, 3), rel=1e-12)
        assert "the bar that runs since 11:05 is joined" in said[0]
        ended(prepared, here.now_ns)

    in_world(work, broker=broker)


def test_a_strategy_file_is_shown_slower_bars_in_their_turn(tmp_path: Path) -> None:
    """Each slower bar comes just before the own bar that ends with it, and a restart shows none again."""
    params = {"period": 3, "trend_period": 2}
    given = {"kind": "file", "file": "rsi_reversion.py", "bar_s": 300, "params": params}

    async def work(here: SimulatedDay) -> None:
        prepared, _ = await started(here, tmp_path, **given)
        (slower,) = prepared.day.plan.strategies[0].further
        row = prepared.day.engine.strategy(0)
        (shown_ns,) = row["further_fed_ns"]
        assert 0 <= row["fed_ns"] - shown_ns < 15 * MINUTE, "all that had closed by then"
        ended(prepared, here.sim.clock.now_ns())
        (journal,) = (tmp_path / "var" / "journal").glob("*.otj")
        told = [words_of(one) for one in records(journal) if one.kind == Rec.HISTORY]
        shown = [
            (one["series_id"] == slower[0], bar)
            for one in told
            if one["strategy_id"] == 0
            for bar in one["bars"]
        ]
        slow, own = (
            [bar for is_slow, bar in shown if is_slow is wanted] for wanted in (True, False)
        )
        assert len(own) >= 512 and len(own) // 3 == len(slow)
        by_end = {bar["ts_end_ns"]: bar["close_e4"] for bar in own}
        assert all(by_end[bar["ts_end_ns"]] == bar["close_e4"] for bar in slow)
        assert shown == sorted(shown, key=lambda one: (one[1]["ts_end_ns"], not one[0]))
        assert replay(windows(journal)).divergence is None
        again, _ = await started(here, tmp_path, **given)
        assert again.day.engine.strategy(0)["further_fed_ns"] == row["further_fed_ns"]
        ended(again, here.sim.clock.now_ns())

    in_world(work)


@both
def test_a_restart_with_its_journal_asks_for_nothing(broker: BrokerKind, tmp_path: Path) -> None:
    async def work(here: SimulatedDay) -> None:
        first, _ = await started(here, tmp_path)
        before = first.day.engine.strategy(0)
        ended(first, here.now_ns)
        await here.sim.run_until(here.now_ns + 2 * SECOND)  # Kite takes one quote a second
        n_asked = sum("histor" in path for _, _, path in here.sim.faults.asked)
        second, said = await started(here, tmp_path)
        assert second.day.journal is not None and second.day.journal.is_resumed
        assert second.day.engine.strategy(0) == before
        assert sum("histor" in path for _, _, path in here.sim.faults.asked) == n_asked == 1
        assert said == []
        ended(second, here.now_ns)
        (path,) = (tmp_path / "var" / "journal").glob("*.otj")
        assert sum(record.kind == Rec.HISTORY for record in records(path)) == 1
        done = replay(windows(path))
        assert done.divergence is None and done.engine is not None
        assert done.engine.strategy(0) == before, "bit for bit"

    in_world(work, broker=broker)


@both
def test_a_start_that_was_stopped_in_the_middle_is_gone_on_with(
    broker: BrokerKind, tmp_path: Path
) -> None:
    """The first instrument was fed, the second was being asked for: each bar comes once."""

    async def work(here: SimulatedDay) -> None:
        asked: list[str] = []

        async def build(stops_at: int) -> PreparedDay:
            maker = builder_of(here, tmp_path, "NSE:SBIN")
            told = maker.access.adapter.minute_bars

            async def minute_bars(instrument: Instrument, *args: Any, **given: Any) -> Any:
                asked.append(instrument.tradingsymbol)
                if len(asked) == stops_at:
                    raise asyncio.CancelledError
                return await told(instrument, *args, **given)

            maker.access.adapter.minute_bars = minute_bars  # type: ignore[method-assign]
            return await here.sim.during(maker.build(here.date))

        with pytest.raises(asyncio.CancelledError):
            await build(2)
        await here.sim.run_until(here.now_ns + 2 * SECOND)
        prepared = await build(-1)
        assert prepared.day.journal is not None and prepared.day.journal.is_resumed
        assert asked == ["INFY", "SBIN", "SBIN"]
        for strategy_id, key in enumerate(("NSE:INFY", "NSE:SBIN")):
            closes = closes_of(here, dt.date(2026, 11, 19), key=key)
            row = prepared.day.engine.strategy(strategy_id)
            assert row["signal"]["fast"] == pytest.approx(ema(closes, 3), rel=1e-12)
            assert row["signal"]["slow"] == pytest.approx(ema(closes, 8), rel=1e-12)
        ended(prepared, here.now_ns)
        assert n_histories(tmp_path) == 2

    in_world(work, keys=("NSE:INFY", "NSE:SBIN"), broker=broker)


@both
def test_an_engine_that_died_before_the_open_is_fed_the_morning_that_it_missed(
    broker: BrokerKind, tmp_path: Path
) -> None:
    """And the day before not once more."""

    async def work(here: SimulatedDay) -> None:
        params = {"fast_period": 3, "slow_period": 8, "bar_s": 300}
        first, _ = await started(here, tmp_path, params=params)
        ended(first, here.now_ns)
        await here.sim.run_until(here.at("11:07") + 20 * SECOND)
        second, said = await started(here, tmp_path, params=params)
        assert second.day.journal is not None and second.day.journal.is_resumed
        engine = second.day.engine
        row = engine.strategy(0)
        bars = fives(closes_of(here, dt.date(2026, 11, 19))) + fives(closes_of(here, DATE, 110))
        assert row["signal"]["fast"] == pytest.approx(ema(bars, 3), rel=1e-12)
        assert row["signal"]["slow"] == pytest.approx(ema(bars, 8), rel=1e-12)
        assert engine.series(row["series_id"])["bar"]["ts_open_ns"] == here.at("11:05")
        assert "the bar that runs since 11:05 is joined" in said[0]
        ended(second, here.now_ns)
        n = n_histories(tmp_path)
        await here.sim.run_until(here.now_ns + 2 * SECOND)
        third, said = await started(here, tmp_path, params=params)
        assert third.day.engine.strategy(0) == row and said == []
        ended(third, here.now_ns)
        assert n_histories(tmp_path) == n

    in_world(work, broker=broker)


@both
@pytest.mark.parametrize("is_wanted", [True, False])
def test_half_a_bar_is_none_where_history_does_not_tell_it(
    broker: BrokerKind, is_wanted: bool, tmp_path: Path
) -> None:
    async def work(here: SimulatedDay) -> None:
        await here.sim.run_until(here.at("11:07") + 20 * SECOND)
        params = {"fast_period": 3, "slow_period": 8, "bar_s": 300}
        words = "PermissionException 403: no subscription"
        prepared, said = await started(here, tmp_path, words, params=params, warm_start=is_wanted)
        engine = prepared.day.engine
        series = engine.series(engine.strategy(0)["series_id"])
        assert (series["has_bar"], series["from_ns"]) == (0, here.at("11:10"))
        assert "the first one begins at 11:10" in said[0]
        assert "not ready before 11:50" in said[-1]
        ended(prepared, here.now_ns)

    in_world(work, broker=broker)


@both
def test_a_broker_that_refuses_history_keeps_no_day_from_starting(
    broker: BrokerKind, tmp_path: Path
) -> None:
    async def work(here: SimulatedDay) -> None:
        words = "PermissionException 403: no subscription"
        prepared, said = await started(here, tmp_path, words)
        assert said == [f"indicators start afresh: cross: not ready before 09:23 ({words})"]
        assert prepared.day.journal is not None
        ended(prepared, here.now_ns)

    in_world(work, broker=broker)


@both
def test_who_does_not_want_it_starts_afresh(broker: BrokerKind, tmp_path: Path) -> None:
    async def work(here: SimulatedDay) -> None:
        prepared, said = await started(here, tmp_path, warm_start=False)
        assert said == [
            "indicators start from history: cross: not ready before 09:23 (warm_start is off)"
        ]
        day = prepared.day
        row = day.engine.strategy(0)
        assert not row["signal"]["ready"]
        assert waiting_words(day.engine, row, here.now_ns) == "not ready before 09:23"
        assert not any("histor" in path for _, _, path in here.sim.faults.asked)
        ended(prepared, here.now_ns)

    in_world(work, broker=broker)


def test_candles_of_an_earlier_day_are_those_that_it_had() -> None:
    """The minute candles asked for a day later are made of the very ticks of that day."""

    async def work(here: SimulatedDay) -> None:
        exchange = here.sim.exchange
        contract = exchange.market.universe.resolve("NSE:INFY")
        earlier = dt.date(2026, 11, 19)
        from_ns, to_ns = contract.session_ns(earlier)
        told = bars(exchange, here.sim.clock, contract, 1, from_ns, to_ns)
        path = exchange.prices.path(contract, earlier)
        for bar in told:
            inside = [
                px
                for ts_ns, px in zip(path.ts_ns, path.px_e4, strict=True)
                if bar.ts_ns <= ts_ns < bar.ts_ns + MINUTE
            ]
            assert bar.ohlc_e4 == [inside[0], max(inside), min(inside), inside[-1]]
        assert len(told) == (to_ns - from_ns) // MINUTE

    in_world(work)
