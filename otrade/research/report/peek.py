"""Results for the page: one question, one JSON answer, in a process of its own, so that whoever reads a
year takes no moment from those who watch today.

    python -m otrade.research.report.peek list|result|trades|orders|candles RESULTS QUESTION
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from otrade.contract import results as contract
from otrade.contract.views import Candle
from otrade.errors import OTradeError, ResultError
from otrade.plain_file import is_own
from otrade.research.arrow import pa
from otrade.research.report.charted_bars import ChartedBars, other_series
from otrade.research.report.report import Report, report_of
from otrade.research.report.source import ReportSource
from otrade.research.report.words import GROUP_WORDS, headline
from otrade.research.results.facts import RESULT_FILE, ResultFacts
from otrade.research.results.reader import Result, read_facts_of
from otrade.units import E4_A_PAISA, NS_PER_MS

POLITE = 10
RESULTS_MAX = 1_000
"""Listed, the newest."""


def e4(paise: int | None) -> Any:
    return None if paise is None else paise * E4_A_PAISA


def listed(results: Path) -> list[contract.ResultSummary]:
    """Newest first; what cannot be used is listed with the reason."""
    found = []
    if results.is_dir():
        for folder in results.iterdir():
            if not folder.name.startswith(".") and is_own(folder / RESULT_FILE):
                try:
                    found.append(summary_of(folder.name, read_facts_of(folder)))
                except ResultError as error:
                    found.append(_unusable(folder.name, str(error)))
    return sorted(found, key=lambda one: (one.created_ms, one.name), reverse=True)[:RESULTS_MAX]


def summary_of(name: str, facts: ResultFacts) -> contract.ResultSummary:
    nets = [day.net_paise for day in facts.days]
    known = [net for net in nets if net is not None]
    return contract.ResultSummary(
        name=name,
        title=facts.name,
        kind=facts.kind,
        first=str(facts.first),
        last=str(facts.last),
        created_ms=round(facts.created.timestamp() * 1000),
        days=facts.n_days,
        trades=sum(day.trades for day in facts.days),
        gross_e4=e4(sum(day.gross_paise for day in facts.days)),
        net_e4=e4(sum(known)) if len(known) == len(nets) else None,
        trouble="",
    )


def _unusable(name: str, words: str) -> contract.ResultSummary:
    return contract.ResultSummary(
        name=name, title=name, kind="", first="", last="", created_ms=0, days=0, trades=0, gross_e4=0,
        net_e4=None, trouble=words,
    )  # fmt: skip


def whole(results: Path, query: contract.ResultQuery) -> contract.ResultView:
    result = _open(results, query.name)
    report = report_of(ReportSource([result]))
    return contract.ResultView(
        summary=summary_of(query.name, result.facts),
        notes=report.notes,
        figures=[contract.ResultFigure(name=name, value=value) for name, value in headline(report)],
        groups=_groups(report),
        days=[
            contract.ResultDayView(
                date=str(day.date),
                trades=day.trades,
                gross_e4=e4(day.gross_paise),
                net_e4=e4(day.net_paise),
                note=day.note or "",
            )
            for day in report.days
        ],
        is_net=report.curve.is_net,
        curve=[
            contract.ResultPoint(
                ts_ms=point.ts_ns // NS_PER_MS,
                value_e4=e4(point.value_paise),
                below_e4=e4(point.below_paise),
            )
            for point in report.curve.points
        ],
        made_of=_made_of(result.facts),
    )


def _groups(report: Report) -> list[contract.ResultGroup]:
    """Days are told apart."""
    return [
        contract.ResultGroup(
            by=by,
            title=GROUP_WORDS[by],
            rows=[
                contract.ResultGroupRow(
                    key=key,
                    trades=figures.n_trades,
                    gross_e4=e4(figures.gross_paise),
                    charges_e4=e4(figures.charges_paise),
                    net_e4=e4(figures.net_paise),
                    win_rate=figures.win_rate,
                    profit_factor=figures.profit_factor,
                )
                for key, figures in groups.items()
            ],
        )
        for by, groups in report.groups.items()
        if by != "day"
    ]


def _made_of(facts: ResultFacts) -> list[contract.ResultFigure]:
    rows = [("engine", facts.engine_version), ("rules of", facts.broker)]
    rows += [
        (f"strategy {one.id}", f"{one.kind} {one.file or ''}".strip()) for one in facts.strategies
    ]
    rows += [(f"prices {one.symbol} {one.interval}", one.origin) for one in facts.data]
    rows += [(f"model {name}", str(value)) for name, value in facts.models.items()]
    rows += [
        (f"entries refused {one.strategy}", f"{one.words}: {'' if one.is_all else 'at least '}{one.entries}")
        for one in facts.refused
    ]  # fmt: skip
    if facts.seed is not None:
        rows.append(("seed", str(facts.seed)))
    return [contract.ResultFigure(name=name, value=value) for name, value in rows]


# ------------------------------------------------------------------------------------------ rows
def trades(results: Path, query: contract.ResultRowsQuery) -> contract.ResultTradesPage:
    rows, total = _page(results, query, "trades")
    return contract.ResultTradesPage(
        rows=[
            contract.ResultTradeView(
                id=row["trade_id"],
                day=str(row["day"]),
                strategy=row["strategy"],
                symbol=row["symbol"],
                side=row["side"],
                qty=row["quantity"],
                ts_entry_ms=row["entry_ns"] // NS_PER_MS,
                ts_exit_ms=row["exit_ns"] // NS_PER_MS,
                entry_px_e4=row["entry_e4"],
                exit_px_e4=row["exit_e4"],
                exit_reason=row["exit_reason"],
                gross_e4=e4(row["gross_paise"]),
                charges_e4=e4(row["charges_paise"]),
                net_e4=e4(row["net_paise"]),
                mae_e4=e4(row["mae_paise"]),
                mfe_e4=e4(row["mfe_paise"]),
                slippage_e4=_both(row["entry_slippage_paise"], row["exit_slippage_paise"]),
                naked_ms=None if row["naked_ns"] is None else row["naked_ns"] / NS_PER_MS,
            )
            for row in rows
        ],
        total=total,
    )


def _both(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else (one + other) * E4_A_PAISA


def orders(results: Path, query: contract.ResultRowsQuery) -> contract.ResultOrdersPage:
    rows, total = _page(results, query, "orders")
    return contract.ResultOrdersPage(
        rows=[
            contract.ResultOrderView(
                order_id=row["order_id"],
                day=str(row["day"]),
                strategy=row["strategy"],
                symbol=row["symbol"],
                leg=row["leg"],
                side=row["side"],
                ord_type=row["order_type"],
                qty=row["quantity"],
                limit_e4=row["limit_e4"],
                trigger_e4=row["trigger_e4"],
                ord_status=row["status"],
                cum_qty=row["filled_quantity"],
                avg_px_e4=row["average_e4"],
                ts_placed_ms=row["placed_ns"] // NS_PER_MS,
                ts_ended_ms=None if row["ended_ns"] is None else row["ended_ns"] // NS_PER_MS,
                changes=row["n_changes"],
                words=row["words"],
            )
            for row in rows
        ],
        total=total,
    )


def _page(
    results: Path, query: contract.ResultRowsQuery, table: contract.ResultTableName
) -> tuple[list[dict[str, Any]], int]:
    """Rows of a day, or of all, from `offset` on; how many there are."""
    result = _open(results, query.name)
    day = dt.date.fromisoformat(query.day) if query.day else None
    rows: list[dict[str, Any]] = []
    total = 0
    for batch in result.batches(table):
        days = batch.column("day").to_pylist()
        wanted = [n for n, one in enumerate(days) if day is None or one == day]
        first = max(query.offset - total, 0)
        total += len(wanted)
        room = query.limit - len(rows)
        if room > 0:
            rows += batch.take(pa.array(wanted[first : first + room], pa.int64())).to_pylist()
    return rows, total


def candles(results: Path, query: contract.ResultCandlesQuery) -> list[Candle]:
    """Minutes of the archive, where it has them."""
    result = _open(results, query.name)
    archive = "paper-data" if result.facts.kind == "paper" else "data"
    bars_of = ChartedBars(results.parent / archive, other_series([result.facts]))
    found = bars_of.of_day(query.symbol, query.day)
    if bars_of.troubles:
        raise ResultError(bars_of.troubles[0])
    return [
        Candle(
            ts_ms=bar.ts_ns // NS_PER_MS,
            open_e4=bar.open_e4,
            high_e4=bar.high_e4,
            low_e4=bar.low_e4,
            close_e4=bar.close_e4,
            volume=max(bar.volume, 0),
        )
        for bar in found
    ]


def _open(results: Path, name: str) -> Result:
    """A name is looked for among those that are there, so that no path can be asked for."""
    there = results.iterdir() if results.is_dir() else ()
    if name not in {path.name for path in there if not path.name.startswith(".")}:
        raise ResultError(f"there is no result {name!r}")
    return Result.open(results / name)


QUESTIONS: dict[str, tuple[Any, Callable[[Path, Any], Any]]] = {
    "list": (dict, lambda results, _: listed(results)),
    "result": (contract.ResultQuery, whole),
    "trades": (contract.ResultRowsQuery, trades),
    "orders": (contract.ResultRowsQuery, orders),
    "candles": (contract.ResultCandlesQuery, candles),
}


def main(what: str, results: str, question: str) -> int:
    os.nice(POLITE)
    try:
        if what not in QUESTIONS:
            raise ResultError(f"{what}: there is no such question")
        kind, answer_of = QUESTIONS[what]
        answer = answer_of(Path(results), msgspec.json.decode(question, type=kind))
    except (OTradeError, OSError, ValueError) as error:
        answer = {"error": str(error)}
    sys.stdout.buffer.write(msgspec.json.encode({"answer": answer}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
