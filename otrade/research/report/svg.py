"""Charts as SVG inside the page: shapes and texts only, no script, nothing from elsewhere. Every text
is escaped; every number is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from otrade.price_files.bars import FileBar
from otrade.research.report.curve import CurvePoint
from otrade.research.report.source import TradeRow, clock_words
from otrade.research.results.facts import ResultDay
from otrade.units import grouped, rupees

WIDTH, HEIGHT = 920, 260
LEFT, RIGHT, TOP, BOTTOM = 90, 10, 12, 24
BINS = 40
CELL = 15


class _Frame:
    """From times and values to places in the picture."""

    def __init__(
        self, low_x: float, high_x: float, low_y: float, high_y: float, height: int = HEIGHT
    ) -> None:
        self.height = height
        self._low_x, self._low_y = low_x, low_y
        self._x = (WIDTH - LEFT - RIGHT) / ((high_x - low_x) or 1)
        self._y = (height - TOP - BOTTOM) / ((high_y - low_y) or 1)

    def x(self, value: float) -> float:
        return round(LEFT + (value - self._low_x) * self._x, 1)

    def y(self, value: float) -> float:
        return round(self.height - BOTTOM - (value - self._low_y) * self._y, 1)

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(
            f"{'L' if n else 'M'}{self.x(x)} {self.y(y)}" for n, (x, y) in enumerate(points)
        )

    def labels(self, values: Sequence[tuple[float, str]], times: Sequence[int]) -> str:
        lines = [
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self.y(at)}" y2="{self.y(at)}"/>'
            f'<text x="{LEFT - 6}" y="{self.y(at) + 4}" text-anchor="end">{escape(words)}</text>'
            for at, words in values
        ]
        ends = ("start", "end")
        lines += [
            f'<text x="{self.x(ts_ns)}" y="{self.height - 6}" text-anchor="{end}">{clock_words(ts_ns)[:16]}</text>'
            for ts_ns, end in zip(times, ends, strict=False)
        ]
        return "".join(lines)


def _svg(body: str, name: str, height: int = HEIGHT, width: int = WIDTH) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(name)}">{body}</svg>'
    )


def money(paise: float) -> str:
    """Rupees with their paise, grouped as in India."""
    return rupees(round(paise) * 100)


def short_money(paise: float) -> str:
    """Whole rupees."""
    whole = round(paise / 100)
    return f"{'-' if whole < 0 else ''}{grouped(abs(whole))}"


def equity_chart(points: Sequence[CurvePoint], name: str) -> str:
    if not points:
        return ""
    values = [0, *(point.value_paise for point in points)]
    low, high = min(values), max(values)
    frame = _Frame(points[0].ts_ns, points[-1].ts_ns, low, high)
    line = frame.path([(point.ts_ns, point.value_paise) for point in points])
    marks = sorted({low, 0, high})
    labels = frame.labels(
        [(at, short_money(at)) for at in marks], (points[0].ts_ns, points[-1].ts_ns)
    )
    return _svg(f'{labels}<path class="line" d="{line}"/>', name)


def drawdown_chart(points: Sequence[CurvePoint], name: str) -> str:
    if not points:
        return ""
    low = min(point.below_paise for point in points)
    first, last = points[0].ts_ns, points[-1].ts_ns
    frame = _Frame(first, last, low, 0, 160)
    line = frame.path(
        [(first, 0), *((point.ts_ns, point.below_paise) for point in points), (last, 0)]
    )
    labels = frame.labels([(at, short_money(at)) for at in sorted({low, 0})], (first, last))
    return _svg(f'{labels}<path class="fall" d="{line} Z"/>', name, 160)


def calendar_chart(days: Sequence[ResultDay], name: str) -> str:
    """A row a month, a square a trading day: green won, red lost, by how much; grey nothing; hatched:
    not known.
    """
    most = max((abs(day.net_paise) for day in days if day.net_paise), default=0)
    months = sorted({(day.date.year, day.date.month) for day in days})
    row_of = {month: n for n, month in enumerate(months)}
    parts = [
        f'<text x="{LEFT - 6}" y="{n * (CELL + 3) + CELL - 3}" text-anchor="end">{year}-{month:02d}</text>'
        for (year, month), n in row_of.items()
    ]
    for day in days:
        x = LEFT + (day.date.day - 1) * (CELL + 3)
        y = row_of[day.date.year, day.date.month] * (CELL + 3)
        net = day.net_paise
        kind = "unknown" if net is None else "none" if net == 0 else "won" if net > 0 else "lost"
        strength = "" if not net else f' fill-opacity="{0.25 + 0.75 * abs(net) / most:.2f}"'
        told = (
            "net not known (charges)" if net is None else f"net {money(net)}"
        ) + f", gross {money(day.gross_paise)}, {day.trades} trades"
        parts.append(
            f'<rect class="{kind}" x="{x}" y="{y}" width="{CELL}" height="{CELL}"{strength}>'
            f"<title>{day.date}: {told}</title></rect>"
        )
    width = LEFT + 31 * (CELL + 3)
    return _svg("".join(parts), name, len(months) * (CELL + 3), width)


def distribution_chart(values: Sequence[int], name: str) -> str:
    """How many trades made how much."""
    if not values:
        return ""
    low, high = min(*values, 0), max(*values, 0)
    size = max(1, -(-(high - low + 1) // BINS))
    # A bin begins at 0, so that none holds both gains and losses.
    first = low // size
    counts = [0] * (high // size - first + 1)
    for value in values:
        counts[value // size - first] += 1
    frame = _Frame(first * size, (first + len(counts)) * size, 0, max(counts), 200)
    parts = []
    for n, count in enumerate(counts):
        if not count:
            continue
        start = (first + n) * size
        kind = "lost" if start < 0 else "won"
        left, right, top = frame.x(start), frame.x(start + size), frame.y(count)
        parts.append(
            f'<rect class="{kind}" x="{left}" y="{top}" width="{max(right - left - 1, 1):.1f}" '
            f'height="{frame.y(0) - top:.1f}"><title>{money(start)} to {money(start + size - 1)}: {count}</title></rect>'
        )
    parts.append(frame.labels([(max(counts), str(max(counts)))], ()))
    for at, anchor in ((first * size, "start"), ((first + len(counts)) * size, "end")):
        parts.append(
            f'<text x="{frame.x(at)}" y="194" text-anchor="{anchor}">{short_money(at)}</text>'
        )
    return _svg("".join(parts), name, 200)


def trades_chart(trades: Sequence[TradeRow], bars: Sequence[FileBar], name: str) -> str:
    """One instrument's day: its bars where there are any, each trade from entry to exit."""
    prices = [price for trade in trades for price in (trade.entry_e4, trade.exit_e4)]
    times = [ts for trade in trades for ts in (trade.entry_ns, trade.exit_ns)]
    if bars:
        prices += [price for bar in bars for price in (bar.low_e4, bar.high_e4)]
        times += [bars[0].ts_ns, bars[-1].ts_ns]
    frame = _Frame(min(times), max(times), min(prices), max(prices))
    ends = (min(prices), max(prices))
    parts = [frame.labels([(at, rupees(at)) for at in ends], (min(times), max(times)))]
    for bar in bars:
        x = frame.x(bar.ts_ns)
        kind = "up" if bar.close_e4 >= bar.open_e4 else "down"
        body = sorted((bar.open_e4, bar.close_e4))
        parts.append(
            f'<path class="{kind}" d="M{x} {frame.y(bar.low_e4)}V{frame.y(bar.high_e4)}"/>'
            f'<path class="{kind} body" d="M{x} {frame.y(body[0])}V{frame.y(body[1]) - 0.5}"/>'
        )
    for trade in trades:
        parts.append(_trade_mark(frame, trade))
    return _svg("".join(parts), name)


def _trade_mark(frame: _Frame, trade: TradeRow) -> str:
    x1, y1 = frame.x(trade.entry_ns), frame.y(trade.entry_e4)
    x2, y2 = frame.x(trade.exit_ns), frame.y(trade.exit_e4)
    result = trade.gross_paise if trade.net_paise is None else trade.net_paise
    kind = "won" if result > 0 else "lost"
    tip = -7 if trade.side == "BUY" else 7
    words = (
        f"{trade.side} {trade.quantity} at {rupees(trade.entry_e4)}, {clock_words(trade.entry_ns)[11:]}; "
        f"{trade.exit_reason} at {rupees(trade.exit_e4)}, {clock_words(trade.exit_ns)[11:]}; "
        + (
            f"gross {money(trade.gross_paise)}, charges not known"
            if trade.net_paise is None
            else f"net {money(trade.net_paise)}"
        )
    )
    return (
        f'<g class="trade {kind}"><title>{escape(words)}</title><path d="M{x1} {y1}L{x2} {y2}"/>'
        f'<path class="tip" d="M{x1} {y1}l-5 {-tip}h10Z"/><circle cx="{x2}" cy="{y2}" r="3"/></g>'
    )
