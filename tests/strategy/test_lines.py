"""What a chart shows of a strategy file: which numbers, what they are called, among prices or not, and
that each lies where it is said to lie.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from otrade._core.kernels import strategy_abi as abi
from otrade.strategy.check.file import read, read_source
from otrade.strategy.indicators import HELPERS
from otrade.strategy.indicators.shown import SHOWN
from otrade.strategy.lines import lines_of
from otrade.strategy.words.cell import Cell
from tests.strategy.conftest import ROOT
from tests.strategy.lockstep import Broker, Memory, events, plain_class

EXAMPLES = sorted((ROOT / "strategies").glob("*.py"))


def lines(source: str, **params: float) -> list[tuple[str, str, str, str]]:
    spec = read_source("a.py", source.encode())
    return [(x.indicator, x.label, x.part, x.scale) for x in lines_of(spec, params)]


def file(cells: str, body: str, hook: str = "on_bar(self, bar, market, pos, out)") -> str:
    """A file with these fields and this body of a hook."""
    words = [*HELPERS, *{h.cell.__name__ for h in HELPERS.values() if h.cell}]
    said = set(re.findall(r"\w+", f"{cells} {body}"))
    used = [word for word in words if word in said]
    return "\n".join(
        [
            f"from otrade.strategy import {', '.join(['Strategy', 'param', 'bars', *used])}",
            "LOOK = 12",
            "",
            "class A(Strategy):",
            '    """Of a test."""',
            '    length: int = param(9, 2, 50, "bars")',
            '    wide: float = param(2.5, 1, 5, "ranges")',
            "    slower = bars(15)",
            *(f"    {one}" for one in cells.split("; ")),
            f"    def {hook}:",
            *(f"        {one}" for one in body.split("; ")),
            "",
        ]
    )


ONE = [
    ("x: Ema", "ema(self.x, bar.close, self.length)", ("EMA 9", "price")),
    ("x: Ema", "ema(self.x, market.last, 20)", ("EMA 20", "price")),
    ("x: Sma[64]", "sma(self.x, (bar.high + bar.low + bar.close) / 3, LOOK)", ("SMA 12", "price")),
    ("x: Sma[64]", "sma(self.x, bar.high + bar.low, 5)", ("SMA 5", "")),
    ("x: Sma[64]", "sma(self.x, 0.5 * (bar.high + bar.low), 5)", ("SMA 5", "price")),
    ("x: Sma[64]", "sma(self.x, bar.high - bar.low, 5)", ("SMA 5", "")),
    ("x: Sma[64]", "sma(self.x, float(bar.volume), 5)", ("SMA 5", "")),
    ("x: Ema", "ema(self.x, pos.profit, 5)", ("EMA 5", "")),
    ("x: Ema", "ema(self.x, self.slower.close, 5)", ("EMA 5", "price")),
    ("x: Ema", "ema(self.x, bar.close * self.wide, 5)", ("EMA 5", "")),
    ("x: Ema", "ema(self.x, max(bar.close, 0.05), 5)", ("EMA 5", "price")),
    ("x: Ema", "ema(self.x, bar.high if bar.gap > 0 else bar.low, 5)", ("EMA 5", "price")),
    ("x: Ema", "ema(self.x, bar.high if bar.gap > 0 else 1.0 * bar.gap, 5)", ("EMA 5", "")),
    ("x: Ema", "y = bar.close; y = y + 0.5; ema(self.x, y, 5)", ("EMA 5", "price")),
    ("x: Ema", "y = bar.close; y += bar.close; ema(self.x, y, 5)", ("EMA 5", "")),
    ("x: Rsi", "rsi(self.x, bar.close, self.length)", ("RSI 9", "RSI")),
    ("x: Atr", "atr(self.x, bar.high, bar.low, bar.close, 14)", ("ATR 14", "ATR")),
    ("x: Roc[16]", "roc(self.x, bar.close, 10)", ("ROC 10", "ROC")),
    ("x: Obv", "obv(self.x, bar.close, float(bar.volume))", ("OBV", "OBV")),
    ("x: Vwap", "vwap(self.x, bar.close, float(bar.volume), bar.day)", ("VWAP", "price")),
    ("x: Highest[32]", "highest(self.x, bar.high, 30)", ("Highest 30", "price")),
    ("x: Supertrend", "supertrend(self.x, bar.high, bar.low, bar.close, 10, self.wide)",
     ("Supertrend 10, 2.5", "price")),
    ("x: Deviation[32]", "deviation(self.x, bar.close, 20)", ("Deviation 20", "")),
    ("x: SessionHigh", "session_high(self.x, bar.high, bar.day)", ("Session high", "price")),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "body", "wanted"), ONE, ids=[body for _, body, _ in ONE])
def test_a_line_and_its_scale(cells: str, body: str, wanted: tuple[str, str]) -> None:
    [(indicator, label, part, scale)] = lines(file(cells, body))
    assert (indicator, label, part, scale) == ("x", wanted[0], "", wanted[1])


def test_what_is_made_of_ranges_counts_no_price() -> None:
    body = (
        "r = atr(self.r, bar.high, bar.low, bar.close, 14); "
        "ema(self.edge, bar.close + self.wide * r, 5); sma(self.calm, self.r.value, 20)"
    )
    assert lines(file("r: Atr; edge: Ema; calm: Sma[32]", body)) == [
        ("r", "ATR 14", "", "ATR"),
        ("edge", "EMA 5", "", "price"),
        ("calm", "SMA 20", "", ""),
    ]


def test_a_field_that_is_made_of_itself() -> None:
    body = "self.top = max(self.top, bar.high); ema(self.x, self.top, 5)"
    assert lines(file("top: float = 0.0; x: Ema", body)) == [("x", "EMA 5", "", "price")]


def test_bands_have_parts_and_a_smoothed_one_is_of_no_known_scale() -> None:
    body = (
        "bollinger(self.b, bar.close, self.length, 2); rsi(self.s, bar.close, 14); "
        "ema(self.smooth, self.s.value, 5); adx(self.a, bar.high, bar.low, bar.close, 14)"
    )
    assert lines(file("b: Bollinger[64]; s: Rsi; smooth: Ema; a: Adx", body), length=20) == [
        *(("b", "Bollinger 20, 2", part, "price") for part in ("mid", "upper", "lower")),
        ("s", "RSI 14", "", "RSI"),
        ("smooth", "EMA 5", "", ""),
        *(("a", "ADX 14", part, "ADX") for part in ("value", "plus", "minus")),
    ]


def test_calls_that_differ_are_not_called_by_a_length() -> None:
    body = "if bar.gap > 0:; ;    ema(self.x, bar.close, 5); else:; ;    ema(self.x, bar.close, 9)"
    assert lines(file("x: Ema", body.replace("; ;", ";"))) == [("x", "EMA", "", "price")]


def test_a_ring_a_cross_and_what_is_never_fed_are_no_lines() -> None:
    body = "push(self.r, bar.close); cross(self.c, bar.close, bar.open)"
    assert lines(file("r: Ring[8]; c: Cross; idle: Ema", body)) == []
    body = "push(self.r, bar.close); ema(self.x, ago(self.r, 3), 5)"
    assert lines(file("r: Ring[8]; x: Ema", body)) == [("x", "EMA 5", "", "price")]


def test_every_indicator_is_in_the_table() -> None:
    drawn = {word: h.cell for word, h in HELPERS.items() if h.cell and h.gives is float}
    assert set(SHOWN) == set(drawn) - {"ago"} | {"supertrend"}
    for word, shown in SHOWN.items():
        cell = HELPERS[word].cell
        assert cell is not None
        fields = {row.name: row.kind for row in cell.sized(8).rows()}
        assert all(fields[name] == "f8" for name in shown.fields), word


def _at(state: bytes, line: abi.IndicatorOutput) -> float | None:
    """As the core reads it."""
    if not state[line.watched.counter_at]:
        return None
    (value,) = struct.unpack_from("d", state, line.watched.at)
    return float(value)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_lies_where_it_is_said_to_lie(path: Path) -> None:
    """The example as plain Python on made bars; its memory read as the core reads it."""
    spec = read(path)
    shown = lines_of(spec, {})
    cells = {n for n, one in spec.fields.items() if not isinstance(one.kind, str)}
    names = [spec.fields[n].kind.__name__ for n in cells]  # type: ignore[union-attr]
    assert {x.indicator for x in shown} == {
        n for n, name in zip(cells, names, strict=True) if name not in ("Cross",)
    }
    it = plain_class(path)()
    memory, broker = Memory(spec, "plain"), Broker()
    known, unknown = dict.fromkeys(shown, 0), dict.fromkeys(shown, 0)
    for hook, told in events(7, 500, list(spec.hooks)):
        px = told["market"]["last"]
        memory.fill({**told, "position": broker.position(px)})
        broker.decided(it.call(hook, memory.records), px)
        for line in shown:
            cell: Cell = getattr(it, line.indicator)
            wanted = getattr(cell, line.part or "value") if cell.ready else None
            assert _at(it.state_bytes, line) == wanted
            (unknown if wanted is None else known)[line] += 1
    assert all(n > 80 for n in known.values())
    # VWAP is known from the first bar on.
    assert all(n or line.label == "VWAP" for line, n in unknown.items())
