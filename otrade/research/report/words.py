"""Figures as people read them: the same words on the screen and on the page."""

from __future__ import annotations

from otrade.research.report.curve import Drawdown
from otrade.research.report.figures import PartlyKnown, TradeFigures
from otrade.research.report.report import Report
from otrade.research.report.source import clock_words
from otrade.research.report.svg import money
from otrade.units import NS_PER_MS, NS_PER_S

NOT_KNOWN = "not known"
KIND_WORDS = {
    "brokerage_paise": "brokerage",
    "stt_paise": "STT/CTT",
    "exchange_paise": "exchange",
    "gst_paise": "GST",
    "sebi_paise": "SEBI",
    "stamp_paise": "stamp",
    "other_paise": "other (DP, square-off)",
}
GROUP_WORDS = {
    "day": "By day",
    "week": "By week",
    "strategy": "By strategy",
    "instrument": "By instrument",
    "hour": "By hour of entry (India)",
    "reason": "By reason of exit",
}


def money_or_unknown(paise: float | None) -> str:
    return NOT_KNOWN if paise is None else money(paise)


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def partly_money(sum_of: PartlyKnown, n: int) -> str:
    return money(sum_of.total) + _of(sum_of, n) if sum_of.n else NOT_KNOWN


def partly_time(sum_of: PartlyKnown, n: int) -> str:
    return f"{sum_of.total / NS_PER_MS:,.0f} ms" + _of(sum_of, n) if sum_of.n else NOT_KNOWN


def _of(sum_of: PartlyKnown, n: int) -> str:
    return "" if sum_of.n == n else f" ({sum_of.n} of {n} trades)"


def duration(ns: int) -> str:
    """`3 d 04:05` or `04:05:06`."""
    seconds = ns // NS_PER_S
    days, seconds = divmod(seconds, 86_400)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if days:
        return f"{days} d {hours:02d}:{minutes:02d}"
    return f"{hours:02d}:{minutes:02d}:{seconds % 60:02d}"


def days_words(n: int) -> str:
    return "1 trading day" if n == 1 else f"{n} trading days"


def fall_words(fall: Drawdown | None, end_ns: int) -> str:
    if fall is None:
        return "none"
    until = "not recovered" if fall.until_ns is None else f"to {clock_words(fall.until_ns)[:16]}"
    length = (end_ns if fall.until_ns is None else fall.until_ns) - fall.from_ns
    return f"{money(fall.depth_paise)}; {duration(length)}, from {clock_words(fall.from_ns)[:16]}, {until}"


def won_words(figures: TradeFigures) -> str:
    """Of net profit."""
    if figures.n_won is None or figures.n_lost is None:
        return NOT_KNOWN
    return f"{figures.n_won} won, {figures.n_lost} lost, {percent(figures.win_rate)}"


def factor_words(figures: TradeFigures) -> str:
    if figures.n_won is None:
        return NOT_KNOWN
    return ratio(figures.profit_factor) if figures.n_lost else "no trade lost"


def headline(report: Report) -> list[tuple[str, str]]:
    """Names and values of the whole."""
    total, ratios, curve, open_time = report.total, report.ratios, report.curve, report.exposure
    n = total.n_trades
    side = "net" if curve.is_net else "gross, as charges are not known"
    rows = [
        ("Days", f"{report.first} to {report.last}, {days_words(len(report.days))}"),
        ("Trades", f"{n}"),
        ("Profit net", money_or_unknown(total.net_paise)),
        ("Profit gross", money(total.gross_paise)),
        ("Charges", money_or_unknown(total.charges_paise)),
        *((f"  {KIND_WORDS[k]}", money_or_unknown(paise)) for k, paise in total.kinds.items()),
        ("Won (net)", won_words(total)),
        ("Expectancy (net, a trade)", money_or_unknown(total.expectancy_paise) if n else "-"),
        ("Profit factor (net)", factor_words(total)),
        (
            "Average win, loss (net)",
            f"{money_or_dash(total.average_win_paise)}, {money_or_dash(total.average_loss_paise)}",
        ),
        (f"Deepest drawdown ({side})", fall_words(curve.deepest, curve.end_ns)),
        (f"Longest drawdown ({side})", fall_words(curve.longest, curve.end_ns)),
    ]
    if report.capital_paise is not None:
        rows.append(("Capital", money(report.capital_paise)))
    if ratios.why:
        rows.append(("Sharpe, Sortino, Calmar", f"{NOT_KNOWN}: {ratios.why}"))
    else:
        rows += [
            ("Sharpe (daily net returns)", ratio(ratios.sharpe)),
            ("Sortino", ratio(ratios.sortino)),
            ("Calmar", ratio(ratios.calmar)),
            ("Growth a year, compound", percent(ratios.annual_return)),
            ("Drawdown of the evenings", percent(ratios.max_drawdown)),
        ]
    return [
        *rows,
        ("Time with a position", duration(open_time.in_market_ns)),
        (
            "Exposure, mean and most",
            f"{money(open_time.mean_paise)}, {money(open_time.most_paise)} ({open_time.most_trades} trades at once)",
        ),
        ("MAE, MFE (gross, sums)", f"{partly_money(total.mae, n)}, {partly_money(total.mfe, n)}"),
        ("Slippage (it cost)", partly_money(total.slippage, n)),
        ("Naked time", partly_time(total.naked_ns, n)),
    ]


def money_or_dash(paise: float | None) -> str:
    return "-" if paise is None else money(paise)


GROUP_HEAD = (
    "trades", "gross", "charges", "net", "won (net)", "expectancy (net)", "profit factor (net)",
    "MAE", "MFE", "slippage", "naked",
)  # fmt: skip


def group_cells(figures: TradeFigures) -> list[str]:
    """In the order of `GROUP_HEAD`."""
    n = figures.n_trades
    return [
        str(n),
        money(figures.gross_paise),
        money_or_unknown(figures.charges_paise),
        money_or_unknown(figures.net_paise),
        NOT_KNOWN if figures.n_won is None else percent(figures.win_rate),
        money_or_unknown(figures.expectancy_paise),
        factor_words(figures),
        partly_money(figures.mae, n),
        partly_money(figures.mfe, n),
        partly_money(figures.slippage, n),
        partly_time(figures.naked_ns, n),
    ]


def screen(report: Report) -> str:
    """For a terminal, without a newline at its end."""
    lines = [f"{report.name} ({report.kinds})", *(f"! {note}" for note in report.notes)]
    lines += [f"{name:<28} {value}" for name, value in headline(report)]
    for by in ("strategy", "instrument", "reason"):
        lines += ["", f"{GROUP_WORDS[by]:<28}{'trades':>7}{'gross':>16}{'charges':>14}{'net':>16}"]
        for name, figures in report.groups[by].items():
            n, gross, charges, net = group_cells(figures)[:4]
            lines.append(f"{name[:27]:<28}{n:>7}{gross:>16}{charges:>14}{net:>16}")
    return "\n".join(_plain(line) for line in lines)


def _plain(line: str) -> str:
    """Names are somebody's words: nothing in them moves a terminal's cursor."""
    return "".join(char if char.isprintable() else "?" for char in line)
