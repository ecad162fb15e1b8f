"""The kinds that are built into the core: their files are the language's, and what they decide and trade is
what their rules say, worked out by plain Python that shares no line with them. On invented days, and on
the five real sessions where they are at hand.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from otrade._core.market.strategy import KINDS
from otrade.calendar import at_ns
from otrade.config import schema
from otrade.errors import EngineError, StrategyError
from otrade.price_files.bars import FileBar
from otrade.strategy.build.builtin import row
from otrade.strategy.builtin import kinds
from otrade.strategy.check.file import read, read_source
from tests.harness.core_engine import MS, OPEN_NS, SECOND, frame, make_engine, packet, token_of
from tests.research.backtest import worlds

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared/data/nifty50_1min_2025-09.csv"
MINUTE, DAY = 60 * SECOND, 86_400 * SECOND
Minute = list[int]
"""Open, high, low, close in paise."""


class SaidCrossing(NamedTuple):
    ts_ns: int
    side: int
    px_e4: int
    fast: float
    slow: float


# ------------------------------------------------------------------------------- the rules, by pencil
def exponential(period: int) -> Callable[[int], float]:
    """Moves to each price by 2 / (period + 1) of the way; begins at the first. Prices in paise."""
    seen: list[float] = []

    def after(paise: int) -> float:
        price = paise / 100
        seen.append(price if not seen else seen[-1] + (price - seen[-1]) * (2.0 / (period + 1.0)))
        return seen[-1]

    return after


def simple(period: int) -> Callable[[int], float]:
    """The mean of the last so many prices, or of those that there are: one division, of whole numbers."""
    seen: list[int] = []

    def after(paise: int) -> float:
        seen.append(paise)
        last = seen[-period:]
        return sum(last) / (100 * len(last))

    return after


def the_price(paise: int) -> float:
    return paise / 100


def crossings(
    kind: str, q: dict[str, Any], told: Sequence[tuple[int, int]]
) -> Iterator[SaidCrossing]:
    """What a kind says of (time, paise), one after the other: the side changes, and the slow line has seen
    enough. Lines that touch keep the side.
    """
    average = simple if "sma" in kind else exponential
    fast_of = average(q["fast_period"]) if kind.endswith("cross") else the_price
    slow_of = average(q["slow_period"]) if kind != "price_level" else lambda _: float(q["level"])
    side = 0
    for n, (ts_ns, paise) in enumerate(told, 1):
        fast, slow = fast_of(paise), slow_of(paise)
        before, side = side, 1 if fast > slow else -1 if fast < slow else side
        if before and side != before and n >= q.get("slow_period", 0):
            yield SaidCrossing(ts_ns, side, paise * 100, fast, slow)


# ------------------------------------------------------------------------------------------- the days
def invented(seed: int, sessions: int = 2) -> list[list[Minute]]:
    rng = random.Random(seed)
    px, found = 2_480_000, []
    for _ in range(sessions):
        day = []
        for _ in range(375):
            opened = px
            px += rng.randint(-30, 30) * 25
            beyond = rng.choice([0, 5, 125])
            day.append([opened, max(opened, px) + beyond, min(opened, px) - beyond, px])
        found.append(day)
    return found


def real() -> list[list[Minute]]:
    if not REAL.exists():
        pytest.skip(
            f"NO REAL PRICES: {REAL.name} is not beside the project; the invented days are tested"
        )
    days: dict[str, list[Minute]] = {}
    with REAL.open() as file:
        for one in csv.DictReader(file):
            prices = [round(float(one[name]) * 100) for name in ("open", "high", "low", "close")]
            days.setdefault(one["time_ist"][:10], []).append(prices)
    assert len(days) == 5
    return list(days.values())


def params(kind: str, seed: int) -> list[dict[str, Any]]:
    """The defaults, the shortest, the longest, a fast one that is the slower, and random ones."""
    if kind == "price_level":
        return [{"level": level} for level in (24_800.0, 24_750.35, 24_900.0)]
    rng, longest = random.Random(seed), 256 if "sma" in kind else 400
    found = [(9, 21), (1, 2), (longest - 1, longest), (30, 8)]
    found += [(rng.randint(1, 60), rng.randint(2, 60)) for _ in range(3)]
    if kind.startswith("price"):
        return [{"slow_period": slow} for _, slow in found]
    return [{"fast_period": fast, "slow_period": slow} for fast, slow in found]


def decided(
    kind: str, q: dict[str, Any], days: list[list[Minute]], on_tick: bool
) -> list[SaidCrossing]:
    """By the engine, on every price as a trade."""
    engine = make_engine(kind=kind, params={"bar_mode": int(not on_tick), **q}, plan={"enabled": 0})
    found, volume = [], 1
    before = packet(token_of(0), days[0][0][0], volume=volume)  # what had traded before
    engine.on_frame_bytes(frame(before), OPEN_NS - SECOND)
    for number, day in enumerate(days):
        begins_ns = OPEN_NS + number * DAY
        for minute, prices in enumerate(day):
            for quarter, paise in enumerate(prices):
                volume += 1
                now_ns = begins_ns + minute * MINUTE + quarter * 15 * SECOND + MS
                engine.on_frame_bytes(frame(packet(token_of(0), paise, volume=volume)), now_ns)
            found += engine.take_signals()
        engine.on_timer(begins_ns + len(day) * MINUTE + 5 * SECOND)
        found += engine.take_signals()
    assert not any(one["blocked"] for one in found)
    return [
        SaidCrossing(one["ts_ns"], one["side"], one["px_e4"], one["fast"], one["slow"])
        for one in found
    ]


def told(days: list[list[Minute]], on_tick: bool) -> list[tuple[int, int]]:
    """(when, paise) as a kind sees them: a trade as it comes, a bar at its end."""
    found = []
    for number, day in enumerate(days):
        for minute, prices in enumerate(day):
            at_ns = OPEN_NS + number * DAY + minute * MINUTE
            if on_tick:
                found += [(at_ns + i * 15 * SECOND + MS, paise) for i, paise in enumerate(prices)]
            else:
                found.append((at_ns + MINUTE, prices[-1]))
    return found


@pytest.mark.parametrize("on_tick", [True, False], ids=["tick", "bar"])
@pytest.mark.parametrize("kind", sorted(kinds()))
@pytest.mark.parametrize("where", ["invented", "real"])
def test_decisions_by_pencil(where: str, kind: str, on_tick: bool) -> None:
    """Time, side, price and both lines of each, to the last bit."""
    seed = 19
    print(f"seed {seed}")
    days = real() if where == "real" else invented(seed)
    n = 0
    for q in params(kind, seed):
        want = list(crossings(kind, q, told(days, on_tick)))
        assert decided(kind, q, days, on_tick) == want, q
        n += len(want)
    assert n > 30


# ----------------------------------------------------------------------------------------- the trades
CONFIGURED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ema_cross": ({"fast_period": 4, "slow_period": 11},) * 2,
    "sma_cross": ({"fast_period": 5, "slow_period": 13},) * 2,
    "price_ema": ({"period": 13}, {"slow_period": 13}),
    "price_sma": ({"period": 20}, {"slow_period": 20}),
    "price_level": ({"level_rupees": 24_850.0}, {"level": 24_850.0}),
}
"""As a configuration names them, and as the core does."""
LAST_ENTRY = "15:00"
DATES = [dt.date(2025, 9, day) for day in (4, 5, 8, 9, 10)]


@pytest.mark.parametrize("kind", sorted(kinds()))
@pytest.mark.parametrize("where", ["invented", "real"])
def test_trades_by_pencil(where: str, kind: str, tmp_path: Path) -> None:
    """A backtest over days, always turned round: a trade for each crossing, at its price, within a second."""
    days = real() if where == "real" else invented(23, sessions=5)
    starts = [at_ns(date, "09:15") for date in DATES]
    bars = [
        FileBar(start + n * MINUTE, *(paise * 100 for paise in prices), 5_000)
        for start, day in zip(starts, days, strict=True)
        for n, prices in enumerate(day)
    ]
    worlds.put(tmp_path / "data", "NSE:INFY", bars)
    configured, q = CONFIGURED[kind]
    made = worlds.config(
        [
            worlds.strategy(
                "a",
                "NSE:INFY",
                kind=kind,
                bracket={"stop": {"kind": "pct", "value": 15.0}, "on_opposite": "reverse"},
                params={"time_of_day": {"start": "09:15", "until": LAST_ENTRY}, **configured},
            )
        ],
        tmp_path / "var",
    )
    _, result = worlds.run(tmp_path, made, first=DATES[0], last=DATES[-1])
    said = crossings(kind, q, [(bar.ts_ns + MINUTE, bar.close_e4 // 100) for bar in bars])
    last = {date: at_ns(date, LAST_ENTRY) for date in DATES}
    want = [
        (day, "BUY" if one.side > 0 else "SELL", one.px_e4, one.ts_ns)
        for one in said
        for day, until_ns in last.items()
        if until_ns - 6 * 3_600 * SECOND < one.ts_ns < until_ns
    ]
    trades = worlds.rows(result, "trades")
    assert [(one["day"], one["side"], one["signal_e4"]) for one in trades] == [
        one[:3] for one in want
    ]
    assert all(
        0 <= trade["entry_ns"] - ts_ns < 2 * SECOND
        for trade, (*_, ts_ns) in zip(trades, want, strict=True)
    )
    assert len(want) > 5


# ------------------------------------------------------------------------------ the files, and the core
def test_every_kind_of_a_configuration_is_a_file() -> None:
    tags = [one.__struct_config__.tag for one in schema.BuiltInStrategy.__args__]  # type: ignore[attr-defined]
    assert sorted(tags) == sorted(kinds()) == sorted(KINDS)


NAMES = {"period": "slow_period", "level_rupees": "level"}
PARAMS = {
    "ema_cross": schema.EmaCrossParams,
    "sma_cross": schema.SmaCrossParams,
    "price_ema": schema.PriceEmaParams,
    "price_sma": schema.PriceSmaParams,
    "price_level": schema.PriceLevelParams,
}


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_a_configuration_has_the_bounds_of_the_file(kind: str) -> None:
    common = {field.name for field in msgspec.structs.fields(schema.Params)}
    spec = read(kinds()[kind])
    shown = msgspec.json.schema(PARAMS[kind])["$defs"][PARAMS[kind].__name__]["properties"]
    configured = {NAMES.get(name, name): one for name, one in shown.items() if name not in common}
    assert set(configured) == set(spec.params)
    for name, one in spec.params.items():
        said = configured[name]
        assert said.get("minimum", said.get("exclusiveMinimum")) == one.low
        assert said["maximum"] == one.high
        assert said.get("default", one.default) == one.default


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_numbers_out_of_bounds_are_refused_by_name(kind: str) -> None:
    for name, one in read(kinds()[kind]).params.items():
        for value in (one.low - 1, one.high + 1):
            with pytest.raises(EngineError, match=f"'{kind}': {name} is "):
                make_engine(kind=kind, params={name: value})
        engine = make_engine(kind=kind, params={"level": one.high} if name == "level" else {})
        assert engine.strategy(0)["params"][name] == (  # type: ignore[literal-required]
            one.high if name == "level" else one.default
        )


def test_the_same_sources_give_the_same_object(tmp_path: Path) -> None:
    """And it is the one that the core is linked with."""
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-m", "otrade.strategy.build.builtin", str(tmp_path / seed)],
            cwd=ROOT,
            check=True,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
        )
    linked = (ROOT / "build/kernels/builtin.o").read_bytes()
    assert {(tmp_path / seed / "builtin.o").read_bytes() for seed in ("1", "2")} == {linked}


GOOD = read(kinds()["price_level"]).source.decode()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    def on_tick(self, market, out):", "    def on_fill(self, market, out):", "a kind has on_bar and on_tick"),
        ("on_bar(self, bar, out)", "on_bar(self, bar, pos, out)", "is shown bars and trades alone"),
        ("    price: float = 0.0\n", "    quarter = bars(15)\n    price: float = 0.0\n", "one length of bars"),
        ("price: float = 0.0", "px: float = 0.0", "a kind has two lines"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_kind_ends_the_build(old: str, new: str, words: str) -> None:
    source = GOOD.replace(old, new).replace(
        "self.price", "self.px" if "px:" in new else "self.price"
    )
    source = source.replace("param, reason", "bars, param, reason") if "bars(" in new else source
    spec = read_source("kind.py", source.encode())
    with pytest.raises(StrategyError, match=words):
        row("kind", spec)
