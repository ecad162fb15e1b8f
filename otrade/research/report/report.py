"""Everything that a report says, computed once; screens, pages and files only spell it."""

from __future__ import annotations

import datetime as dt

import msgspec

from otrade.research.report.curve import EquityCurveFigures, curve_of
from otrade.research.report.exposure import Exposure, exposure_of
from otrade.research.report.figures import GROUPS, TradeFigures, figures_of, grouped_trades
from otrade.research.report.ratios import (
    annual_return,
    calmar,
    max_drawdown,
    returns_of,
    sharpe,
    sortino,
)
from otrade.research.report.source import ReportSource, TradeRow
from otrade.research.results.facts import ResultDay, ResultFacts, refused_words

FEW = 3
"""Days that are named one by one."""


class Ratios(msgspec.Struct, frozen=True):
    """Of daily net returns. All None, with `why`, where these are not known."""

    why: str = ""
    sharpe: float | None = None
    sortino: float | None = None
    calmar: float | None = None
    annual_return: float | None = None
    max_drawdown: float | None = None


class Report(msgspec.Struct, frozen=True):
    """`notes` is what must be said beside the figures."""

    facts: list[ResultFacts]
    capital_paise: int | None
    notes: list[str]
    total: TradeFigures
    ratios: Ratios
    curve: EquityCurveFigures
    exposure: Exposure
    days: list[ResultDay]
    groups: dict[str, dict[str, TradeFigures]]
    trades: list[TradeRow]

    @property
    def name(self) -> str:
        return ", ".join(dict.fromkeys(facts.name for facts in self.facts))

    @property
    def kinds(self) -> str:
        return ", ".join(dict.fromkeys(facts.kind for facts in self.facts))

    @property
    def first(self) -> dt.date:
        return min(facts.first for facts in self.facts)

    @property
    def last(self) -> dt.date:
        return max(facts.last for facts in self.facts)


def report_of(source: ReportSource, capital_paise: int | None = None) -> Report:
    """`capital_paise` counts before what the first result says."""
    trades, days = source.trades, source.days
    capital = capital_paise if capital_paise is not None else source.facts[0].capital_paise
    total = figures_of(trades)
    is_net = not total.n_uncharged and all(row.net_paise is not None for row in source.equity())
    return Report(
        facts=source.facts,
        capital_paise=capital,
        notes=_notes(source, total),
        total=total,
        ratios=_ratios(days, capital),
        curve=curve_of(source.equity(), source.n_points, is_net=is_net),
        exposure=exposure_of(trades),
        days=days,
        groups={
            by: {name: figures_of(rows) for name, rows in grouped_trades(trades, by).items()}
            for by in GROUPS
        },
        trades=trades,
    )


def _ratios(days: list[ResultDay], capital: int | None) -> Ratios:
    if not capital:
        return Ratios("the capital is not known: say --capital RUPEES")
    if any(day.net_paise is None for day in days):
        n = sum(day.net_paise is None for day in days)
        return Ratios(f"charges of {n} of {len(days)} days are not known")
    returns = returns_of([day.net_paise for day in days], capital)
    if returns is None:
        return Ratios("nothing was left of the capital")
    return Ratios(
        "" if len(returns) > 1 else "one day has no spread",
        sharpe(returns),
        sortino(returns),
        calmar(returns),
        annual_return(returns),
        max_drawdown(returns),
    )


def _notes(source: ReportSource, total: TradeFigures) -> list[str]:
    notes = []
    kinds = dict.fromkeys(facts.kind for facts in source.facts)
    if len(kinds) > 1:
        notes.append(f"these are results of different kinds: {', '.join(kinds)}")
    if "backtest" in kinds:
        notes.append(
            "a backtest: orders were filled by models, not by a market, and what was chosen because it did well here need not go on so"
        )
    if "paper" in kinds:
        notes.append("paper: a simulated exchange filled these orders")
    if total.n_uncharged:
        notes.append(
            f"charges of {total.n_uncharged} of {total.n_trades} trades are not known: no net profit is told of any sum that holds them"
        )
    notes += filter(None, (refused_words(facts.refused) for facts in source.facts))
    return notes + _day_notes(source.days)


def _day_notes(days: list[ResultDay]) -> list[str]:
    """What is so on many days is said once."""
    by_words: dict[str, list[dt.date]] = {}
    for day in days:
        for words in (day.note or "").split("; "):
            if words:
                by_words.setdefault(words, []).append(day.date)
    return [
        f"{', '.join(map(str, dates))}: {words}"
        if len(dates) <= FEW
        else f"{len(dates)} days from {dates[0]} to {dates[-1]}: {words}"
        for words, dates in by_words.items()
    ]
