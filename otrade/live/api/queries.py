"""What is asked for when somebody looks (`otrade.contract.queries`), of the running day."""

from collections.abc import Sequence

from otrade._core.types import Leg
from otrade.contract import queries, views
from otrade.live.api.decision_card import why_order, why_signal
from otrade.live.day.trading_day import TradingDay
from otrade.live.history.order_timeline import OrderEvent, marks_of
from otrade.live.monitoring.equity_curve import EquityCurve
from otrade.live.monitoring.indicator_history import indicators_of
from otrade.live.monitoring.latency_views import stages_of
from otrade.live.monitoring.limit_usage import limit_usage_of
from otrade.units import NS_PER_MS


class LiveQueries:
    """`set_day` at the start of each day."""

    def __init__(self) -> None:
        self._day: TradingDay | None = None
        self._equity: EquityCurve | None = None

    def set_day(self, day: TradingDay) -> None:
        self._day = day
        self._equity = EquityCurve(day)
        day.listen_to_beats(self._equity.on_beat)

    # ------------------------------------------------------------------------------------- the day
    def equity(self, since_ms: int) -> Sequence[queries.EquityPoint]:
        points = self._equity.since(since_ms * NS_PER_MS) if self._equity is not None else []
        return [
            queries.EquityPoint(ts_ms=p.ts_ns // NS_PER_MS, gross_e4=p.gross_e4, net_e4=p.net_e4)
            for p in points
        ]

    def indicators(self, instrument_id: int, since_ms: int) -> Sequence[queries.IndicatorSeries]:
        return indicators_of(self._day.plan, instrument_id, since_ms) if self._day else []

    def order_timeline(self, cl_ord_id: str) -> queries.OrderTimelineView | None:
        """None: there is no such order."""
        day = self._day
        slot = day.engine.find_order(cl_ord_id, "") if day is not None else -1
        if day is None or slot < 0:
            return None
        order = day.engine.order(slot)
        steps = day.router.timelines.of(cl_ord_id)
        return queries.OrderTimelineView(
            cl_ord_id=cl_ord_id,
            leg=LEGS[Leg(order["leg"])],
            side="BUY" if order["side"] > 0 else "SELL",
            is_whole=bool(steps),
            steps=_steps(steps or marks_of(order)),
            why=why_order(day, order),
        )

    def decision(self, signal_seq: int) -> queries.DecisionView | None:
        """None: there is no such signal, or it is too long ago."""
        day = self._day
        if day is None:
            return None
        seen = next(
            (seen for seen in day.signals.since(signal_seq - 1) if seen.seq == signal_seq), None
        )
        return why_signal(day, seen) if seen is not None else None

    def latency(self) -> Sequence[queries.LatencyStageView]:
        return stages_of(self._day) if self._day is not None else []

    def limits(self) -> queries.LimitsView | None:
        """None before the first day."""
        return limit_usage_of(self._day) if self._day is not None else None


def _steps(happened: Sequence[OrderEvent]) -> list[queries.TimelineStep]:
    """Counted from the first: the core's own mark of an intent is that of the newest request."""
    ordered = sorted(happened, key=lambda h: h.ts_ns)
    return [
        queries.TimelineStep(
            ts_ms=h.ts_ns // NS_PER_MS,
            after_us=(h.ts_ns - ordered[0].ts_ns) // 1_000,
            by=h.by,
            what=h.what,
            words=h.words,
        )
        for h in ordered
    ]


LEGS: dict[Leg, views.Leg] = {
    Leg.ENTRY: "ENTRY",
    Leg.STOP: "STOP",
    Leg.TARGET: "TARGET",
    Leg.FIX: "FIX",
}
