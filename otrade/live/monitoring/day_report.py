"""The day on one screen: what was traded, what it earned, how well it was protected, how fast it
was.
"""

from collections.abc import Mapping, Sequence

import msgspec

from otrade._core.types import Reason
from otrade.charges import LINES, Charges, sum_of
from otrade.live.day.trading_day import TradingDay
from otrade.live.history.latency import LatencySummary
from otrade.live.history.trade_ledger import ClosedTrade, net_after
from otrade.live.notices.messages import reason_words
from otrade.live.plan.open_exposure import what_is_open
from otrade.units import NS_PER_MS, or_unknown, rupees

RULE = "-" * 72
PARTS_A_ROW = 3
WORDS = {
    "brokerage": "brokerage",
    "stt": "STT",
    "exchange": "exchange",
    "ipft": "IPFT",
    "sebi": "SEBI",
    "gst": "GST",
    "stamp": "stamp",
    "dp": "DP",
    "square_off": "square-off fee",
}
"""Of `charges.LINES`."""


class DaySummary(msgspec.Struct, frozen=True):
    """One trading day, all numbers exact. Gross is the core's marked profit, so it includes what is
    still open.
    """

    day: str
    why_ended: str
    n_trades: int
    n_won: int
    n_lost: int
    gross_e4: int
    charges: Charges
    n_open: int
    """Trades that are open and have not been charged."""
    naked_total_ns: int
    naked_worst_ns: int
    target_total_ns: int
    target_worst_ns: int
    signals_taken: int
    signals_refused: Mapping[int, int]
    n_orders: int
    n_requests: int
    latency: LatencySummary
    frames: int
    ticks: int
    refused: Mapping[int, int]
    unknown_tokens: int
    n_reconnects: int
    n_alarms: int
    is_clean: bool
    """Flat at the end, and the broker's positions agree."""
    has_fault: bool
    """Code of ours failed on the order path."""
    open_words: str
    trades: Sequence[ClosedTrade] = ()
    n_unvalued: int = 0
    """Orders that filled at prices which nobody has told: profit is provisional."""
    prices_words: str = ""
    """What must be said of the prices on which it traded."""

    @property
    def pnl_note(self) -> str:
        """What must be said beside the profit."""
        return (
            f"  (provisional: the price of {self.n_unvalued} orders is not known)"
            if self.n_unvalued
            else ""
        )

    @property
    def won_by(self) -> str:
        """By what a trade counts as won."""
        is_known = all(trade.net_e4 is not None for trade in self.trades)
        return "net" if is_known else "gross where charges are not known"

    @property
    def charges_e4(self) -> int | None:
        """None when a part of them is not known."""
        return self.charges.total_e4

    @property
    def net_e4(self) -> int | None:
        """None when the charges are not known."""
        return net_after(self.gross_e4, self.charges)


def summarize(day: TradingDay, prices_words: str = "") -> DaySummary:
    """The day as it stands now."""
    engine, trades = day.engine, day.trades.trades
    counters, risk = engine.counters(), engine.risk()
    return DaySummary(
        day=day.plan.day,
        why_ended=day.shutdown.why,
        n_trades=len(trades),
        n_won=sum(_result_e4(trade) > 0 for trade in trades),
        n_lost=sum(_result_e4(trade) < 0 for trade in trades),
        gross_e4=risk["pnl_e4"],
        charges=day.trades.charges,
        n_open=sum(
            engine.bracket(bracket_id)["entry_qty"] > 0 for bracket_id in engine.live_brackets()
        ),
        naked_total_ns=counters["naked_ns_total"],
        naked_worst_ns=counters["naked_ns_worst"],
        target_total_ns=counters["target_ns_total"],
        target_worst_ns=counters["target_ns_worst"],
        signals_taken=day.signals.n_taken,
        signals_refused=dict(day.signals.refused),
        n_orders=engine.n_orders,
        n_requests=day.router.n_sent,
        latency=day.tick_to_order(),
        frames=counters["frames"],
        ticks=counters["ticks"],
        refused=refused_packets(counters),
        unknown_tokens=counters["unknown_tokens"],
        n_reconnects=day.n_reconnects,
        n_alarms=day.n_alarms,
        is_clean=day.is_verified and not any(day.plan.net_of().values()),
        has_fault=day.has_fault,
        open_words=" ".join(filter(None, (what_is_open(day.plan), day.foreign_words))),
        trades=tuple(trades),
        n_unvalued=engine.n_unvalued,
        prices_words=prices_words,
    )


def _result_e4(trade: ClosedTrade) -> int:
    """What a trade won or lost: net of its charges, where these are known."""
    return trade.gross_e4 if trade.net_e4 is None else trade.net_e4


def refused_packets(counters: Mapping[str, object]) -> dict[int, int]:
    """The core's `refused` array by Reason, without zeros."""
    counts = counters["refused"]
    assert isinstance(counts, list | tuple)
    return {100 + index: count for index, count in enumerate(counts) if count}


def render(summary: DaySummary) -> str:
    """The screen, without a newline at its end."""
    s = summary
    return "\n".join(
        [
            RULE,
            f"{s.day}  {s.why_ended}",
            RULE,
            _line("trades", f"{s.n_trades}  ({s.n_won} won, {s.n_lost} lost, {s.won_by})"),
            _line("P&L gross", rupees(s.gross_e4) + s.pnl_note),
            _line("charges", or_unknown(s.charges_e4)),
            *[_line("", f"  {part}") for part in breakdown(s.charges)],
            _line("P&L net", or_unknown(s.net_e4)),
            _line("", f"  {complete(s.charges, s.n_open)}"),
            *([_line("prices", s.prices_words)] if s.prices_words else []),
            _line("naked time", f"{_ms(s.naked_total_ns)} total, {_ms(s.naked_worst_ns)} worst"),
            _line(
                "at the target",
                f"{_ms(s.target_total_ns)} total, {_ms(s.target_worst_ns)} worst, without a stop by design",
            ),
            _line("signals", f"{s.signals_taken} taken, {sum(s.signals_refused.values())} refused"),
            *_reasons(s.signals_refused),
            _line("orders", f"{s.n_orders}  ({s.n_requests} requests)"),
            _line("tick to order", _latency(s.latency)),
            _line("feed", f"{s.frames} frames, {s.ticks} ticks, {s.n_reconnects} reconnects"),
            *_reasons(s.refused),
            *(
                [_line("", f"{s.unknown_tokens} packets of other instruments")]
                if s.unknown_tokens
                else []
            ),
            *([_line("alarms", f"{s.n_alarms}  (see the log)")] if s.n_alarms else []),
            _line("at the end", s.open_words),
            RULE,
        ]
    )


def short(summary: DaySummary) -> str:
    """The same in a few lines, for a small screen."""
    s = summary
    return "\n".join(
        [
            f"{s.day}: {s.why_ended}",
            f"net {or_unknown(s.net_e4)} (gross {rupees(s.gross_e4)}, charges {or_unknown(s.charges_e4)}; {complete(s.charges, s.n_open)})"
            + s.pnl_note,
            *([s.prices_words] if s.prices_words else []),
            f"{s.n_trades} trades ({s.n_won} won, {s.n_lost} lost, {s.won_by}), {s.n_orders} orders, {s.n_alarms} alarms",
            f"without a working stop: {_ms(s.naked_total_ns)} total, {_ms(s.naked_worst_ns)} worst; "
            f"at the target by design: {_ms(s.target_total_ns)} total, {_ms(s.target_worst_ns)} worst",
            s.open_words + ("" if s.is_clean else " THE END IS NOT CLEAN: look at the broker."),
        ]
    )


def render_total(summaries: Sequence[DaySummary]) -> str:
    """Several days as one table with a last line of totals."""
    head = f"{'day':<12}{'trades':>8}{'gross':>16}{'charges':>14}{'net':>16}"
    rows = [_total_row(s.day, s.n_trades, s.gross_e4, s.charges) for s in summaries]
    charges = sum_of(s.charges for s in summaries)
    total = _total_row(
        "total", sum(s.n_trades for s in summaries), sum(s.gross_e4 for s in summaries), charges
    )
    words = [*breakdown(charges), complete(charges, sum(s.n_open for s in summaries))]
    words += dict.fromkeys(s.prices_words for s in summaries if s.prices_words)
    return "\n".join([head, *rows, total, *(f"  {part}" for part in words)])


def _total_row(name: str, n_trades: int, gross_e4: int, charges: Charges) -> str:
    net = or_unknown(net_after(gross_e4, charges))
    return (
        f"{name:<12}{n_trades:>8}{rupees(gross_e4):>16}{or_unknown(charges.total_e4):>14}{net:>16}"
    )


def breakdown(charges: Charges) -> list[str]:
    """The lines of the charges, those that are not 0, in rows that fit the screen."""
    parts = [
        f"{WORDS[line]} {or_unknown(charges.line(line))}"
        for line in LINES
        if charges.line(line) != 0
    ]
    return [", ".join(parts[at : at + PARTS_A_ROW]) for at in range(0, len(parts), PARTS_A_ROW)]


def complete(charges: Charges, n_open: int) -> str:
    """Whether the charges of a net profit are complete."""
    if charges.unknown:
        return f"missing: {charges.words}"
    return (
        f"of {n_open} open, charges so far: the exit is charged when it trades"
        if n_open
        else "charges are complete"
    )


def _line(name: str, text: str) -> str:
    return f"{name:<15}{text}"


def _reasons(counts: Mapping[int, int]) -> list[str]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        _line("", f"{count:>6}  {reason_words(reason)}")
        for reason, count in ordered
        if reason != Reason.OK
    ]


def _ms(duration_ns: int) -> str:
    return f"{duration_ns / NS_PER_MS:,.1f} ms"


def _latency(latency: LatencySummary) -> str:
    if latency.n == 0:
        return "no order was made by a tick"
    p50, p99, worst = (ns / 1000 for ns in (latency.p50_ns, latency.p99_ns, latency.max_ns))
    return f"p50 {p50:,.0f} us, p99 {p99:,.0f} us, max {worst:,.0f} us"
