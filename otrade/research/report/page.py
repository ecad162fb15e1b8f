"""The report as one HTML file that needs nothing: no network, no script, no other file. Whatever is a
text of somebody's (names, notes, words) is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from otrade.price_files.bars import FileBar
from otrade.research.report.report import Report
from otrade.research.report.source import TradeRow, clock_words
from otrade.research.report.svg import (
    calendar_chart,
    distribution_chart,
    drawdown_chart,
    equity_chart,
    money,
    trades_chart,
)
from otrade.research.report.words import (
    GROUP_HEAD,
    GROUP_WORDS,
    NOT_KNOWN,
    days_words,
    group_cells,
    headline,
    money_or_unknown,
)
from otrade.units import NS_PER_MS, rupees

BarsOf = Callable[[TradeRow], Sequence[FileBar]]
"""Minutes of a trade's instrument and day; none where there are none."""
CHARTS = 12
TRADES_SHOWN = 2_000
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:0 auto;max-width:1000px;padding:16px;color:#1c2733;background:#fff}
h1{font-size:22px;margin:0}h2{font-size:16px;margin:28px 0 8px}.sub{color:#5a6b7b}
.note{background:#fff4d6;border-left:4px solid #d9a400;padding:6px 10px;margin:6px 0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{padding:2px 8px;text-align:right;border-bottom:1px solid #e4e9ee;white-space:nowrap}
td:first-child,th:first-child{text-align:left;white-space:pre}.wide{overflow-x:auto}
table.head{width:auto}table.head td{white-space:pre-wrap}
svg{width:100%;height:auto;display:block}svg text{font-size:11px;fill:#5a6b7b}
.grid{stroke:#e4e9ee}.line{fill:none;stroke:#1f6feb;stroke-width:1.5}.fall{fill:#d1242f55;stroke:#d1242f}
.won{fill:#1a7f37}.lost{fill:#d1242f}.none{fill:#d8dee4}.unknown{fill:#fff;stroke:#d9a400;stroke-dasharray:2}
.up{stroke:#7fae8d;fill:none}.down{stroke:#c98b8f;fill:none}.body{stroke-width:3}
.trade path{stroke:currentColor;stroke-width:1.5;fill:none}.trade.won{color:#1a7f37}.trade.lost{color:#d1242f}
.trade .tip{fill:currentColor}
@media print{body{max-width:none}}
"""


def html_page(report: Report, bars_of: BarsOf, n_charts: int = CHARTS) -> str:
    """The whole file."""
    title = f"{report.name} ({report.kinds})"
    side = "net" if report.curve.is_net else "gross: charges are not known"
    nets = [trade.net_paise for trade in report.trades if trade.net_paise is not None]
    points = report.curve.points
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="sub">{escape(_origin(report))}</p>',
        *(f'<p class="note">{escape(note)}</p>' for note in report.notes),
        '<table class="head">',
        *(_row([name, value]) for name, value in headline(report)),
        "</table>",
        _section(f"Equity ({side}, rupees)", equity_chart(points, f"Equity, {side}")),
        _section(f"Drawdown ({side}, rupees)", drawdown_chart(points, f"Drawdown, {side}")),
        _section("Calendar (net a day)", calendar_chart(report.days, "Net profit of each day")),
        _section(
            f"Distribution (net of {len(nets)} of {len(report.trades)} trades)",
            distribution_chart(nets, "How many trades made how much"),
        ),
        *(
            _section(words, _table(["", *GROUP_HEAD], _group_rows(report, by)))
            for by, words in GROUP_WORDS.items()
        ),
        _charts(report, bars_of, n_charts),
        _trades(report),
        _section("Made of", _made_of(report)),
        '<p class="sub">Every profit called net is after charges. Formulas: docs/report.md of OTrade.</p>',
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _origin(report: Report) -> str:
    versions = dict.fromkeys(facts.engine_version for facts in report.facts)
    brokers = dict.fromkeys(facts.broker for facts in report.facts)
    return f"{report.first} to {report.last}, {days_words(len(report.days))}; rules of {', '.join(brokers)}; OTrade {', '.join(versions)}"


def _section(words: str, body: str) -> str:
    return f"<h2>{escape(words)}</h2>{body or '<p>nothing</p>'}"


def _row(cells: Iterable[str], tag: str = "td") -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    body = "".join(_row(cells) for cells in rows)
    return f'<div class="wide"><table>{_row(head, "th")}{body}</table></div>' if body else ""


def _group_rows(report: Report, by: str) -> Iterable[list[str]]:
    for name, figures in report.groups[by].items():
        yield [name, *group_cells(figures)]


def _charts(report: Report, bars_of: BarsOf, n_charts: int) -> str:
    """Instrument-days with the greatest results, won or lost."""
    found: dict[tuple[object, str], list[TradeRow]] = {}
    for trade in report.trades:
        found.setdefault((trade.day, trade.symbol), []).append(trade)
    largest = sorted(found.values(), key=lambda some: -abs(sum(one.gross_paise for one in some)))
    shown = sorted(largest[:n_charts], key=lambda some: (some[0].day, some[0].symbol))
    parts = []
    for some in shown:
        name = f"{some[0].day} {some[0].symbol}"
        bars = bars_of(some[0])
        without = "" if bars else "; no minutes of it in the archive"
        parts.append(
            f"<h3>{escape(name + without)}</h3>{trades_chart(some, bars, f'Trades of {name}')}"
        )
    left = len(found) - len(shown)
    if left:
        parts.append(
            f'<p class="sub">{left} instruments\' days with smaller results are not shown.</p>'
        )
    return _section("Trades on the chart", "".join(parts))


TRADE_HEAD = (
    "entry", "day", "strategy", "instrument", "side", "quantity", "entry at", "exit", "exit at", "reason",
    "gross", "charges", "net", "MAE", "MFE", "slippage", "naked ms",
)  # fmt: skip


def _trades(report: Report) -> str:
    rows = report.trades[:TRADES_SHOWN]
    left = len(report.trades) - len(rows)
    more = f'<p class="sub">{left} more trades are in the result, and in --csv.</p>' if left else ""
    return _section("Trades", _table(TRADE_HEAD, map(_trade_cells, rows)) + more)


def _trade_cells(trade: TradeRow) -> list[str]:
    slippage = trade.slippage_paise
    return [
        clock_words(trade.entry_ns)[11:],
        str(trade.day),
        trade.strategy,
        trade.symbol,
        trade.side,
        str(trade.quantity),
        rupees(trade.entry_e4),
        clock_words(trade.exit_ns)[11:],
        rupees(trade.exit_e4),
        trade.exit_reason,
        money(trade.gross_paise),
        money_or_unknown(trade.charges_paise),
        money_or_unknown(trade.net_paise),
        money_or_unknown(trade.mae_paise),
        money_or_unknown(trade.mfe_paise),
        money_or_unknown(slippage),
        NOT_KNOWN if trade.naked_ns is None else f"{trade.naked_ns / NS_PER_MS:,.0f}",
    ]


def _made_of(report: Report) -> str:
    """Strategies, prices and models, so that a report says what it is a report of."""
    rows = []
    for facts in report.facts:
        for strategy in facts.strategies:
            what = f"{strategy.kind} {strategy.file or ''}".strip()
            rows.append(["strategy", strategy.id, what, (strategy.sha256 or "")[:16]])
        rows += [
            ["prices", f"{data.symbol} {data.interval}", f"{data.first} to {data.last}, {data.origin}", data.sha256[:16]]
            for data in facts.data
        ]  # fmt: skip
        rows += [["model", name, str(value), ""] for name, value in facts.models.items()]
        rows += [
            ["entries refused", one.strategy, f"{one.words}: {'' if one.is_all else 'at least '}{one.entries}", ""]
            for one in facts.refused
        ]  # fmt: skip
        if facts.seed is not None:
            rows.append(["seed", str(facts.seed), "", ""])
    unique = list(dict.fromkeys(map(tuple, rows)))
    return _table(("", "which", "what", "SHA-256"), unique)
