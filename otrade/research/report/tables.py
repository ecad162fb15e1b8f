"""The report for other programs: JSON (money in paise, null where not known) and CSV (a row a figure
of a group, or a trade).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import msgspec

from otrade.research.report.figures import TradeFigures, figures_of
from otrade.research.report.report import Report
from otrade.research.report.source import TradeRow, clock_words
from otrade.research.results.schema import CHARGE_KINDS

NOT_IN_JSON = frozenset({"configuration"})
"""Of the facts: it is in the result."""
OWN = (
    "trade_id", "day", "strategy", "symbol", "product", "side", "quantity", "multiplier", "entry_time", "exit_time",
    "entry_rupees", "exit_rupees", "exit_reason",
)  # fmt: skip
FIGURES = (
    "trades", "gross_paise", "charges_paise", *CHARGE_KINDS, "net_paise", "won", "lost", "win_rate", "expectancy_net_paise",
    "profit_factor_net", "average_win_net_paise", "average_loss_net_paise", "best_net_paise", "worst_net_paise",
    "mae_paise", "mae_known", "mfe_paise", "mfe_known", "slippage_paise", "slippage_known", "naked_ns", "naked_known", "held_ns",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def json_of(report: Report) -> bytes:
    told: dict[str, Any] = msgspec.to_builtins(report)
    told["facts"] = [
        {name: value for name, value in facts.items() if name not in NOT_IN_JSON}
        for facts in told["facts"]
    ]
    return msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n"


def csv_of(report: Report) -> str:
    """`by` says what a row is: `all`, one of the groups, or `trade`. Empty is not known, or not defined."""
    text = io.StringIO(newline="")
    out = csv.writer(text)
    out.writerow(("by", "key", *OWN, *FIGURES))
    for by, key, own, figures in _rows(report):
        cells = [*(own.get(name, "") for name in OWN), *_cells(figures)]
        out.writerow([by, _text(key), *(_text(cell) for cell in cells)])
    return text.getvalue()


def _rows(report: Report) -> Iterator[tuple[str, str, dict[str, Any], TradeFigures]]:
    yield "all", "", {}, report.total
    for by, groups in report.groups.items():
        for key, figures in groups.items():
            yield by, key, {}, figures
    for trade in report.trades:
        yield "trade", f"{trade.day}/{trade.trade_id}", _own(trade), figures_of([trade])


def _own(trade: TradeRow) -> dict[str, Any]:
    return {
        **{name: getattr(trade, name) for name in OWN if hasattr(trade, name)},
        "entry_time": clock_words(trade.entry_ns),
        "exit_time": clock_words(trade.exit_ns),
        "entry_rupees": _decimal(trade.entry_e4),
        "exit_rupees": _decimal(trade.exit_e4),
    }


def _decimal(price_e4: int) -> str:
    return f"{price_e4 // 10_000}.{price_e4 % 10_000:04d}"


def _cells(figures: TradeFigures) -> list[Any]:
    f = figures
    parts = [f.mae, f.mfe, f.slippage, f.naked_ns]
    return [
        f.n_trades, f.gross_paise, f.charges_paise, *f.kinds.values(), f.net_paise, f.n_won, f.n_lost, f.win_rate,
        f.expectancy_paise, f.profit_factor, f.average_win_paise, f.average_loss_paise, f.best_paise, f.worst_paise,
        *(cell for part in parts for cell in (part.total if part.n else None, part.n)), f.held_ns,
    ]  # fmt: skip


def _text(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula is not one."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
