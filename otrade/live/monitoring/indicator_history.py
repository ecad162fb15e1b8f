"""The values of the strategies' indicators by bar, for the chart. The core keeps them as each bar
closes (`Engine.watch`); here they are only asked for.
"""

from collections.abc import Sequence

from otrade._core.kernels.strategy_abi import OF_PRICE, IndicatorOutput
from otrade.contract import queries
from otrade.live.plan.day_plan import DayPlan
from otrade.units import NS_PER_MS


def indicators_of(
    plan: DayPlan, instrument_id: int, since_ms: int
) -> Sequence[queries.IndicatorSeries]:
    """Of the bars that ended after that, of every strategy of the instrument that has indicators."""
    found = []
    for strategy_id, planned in enumerate(plan.strategies):
        if planned.instrument_id != instrument_id or not planned.lines:
            continue
        bars = plan.engine.watched(strategy_id, since_ms * NS_PER_MS)
        columns = list(zip(*(values for _, _, values in bars), strict=True))
        found.append(
            queries.IndicatorSeries(
                strategy_id=strategy_id,
                name=planned.name,
                ts_ms=[begin_ns // NS_PER_MS for begin_ns, _, _ in bars],
                end_ms=[end_ns // NS_PER_MS for _, end_ns, _ in bars],
                lines=[
                    _line(strategy_id, line, list(columns[at]) if bars else [])
                    for at, line in enumerate(planned.lines)
                ],
            )
        )
    return found


def _line(
    strategy_id: int, line: IndicatorOutput, values: list[float | None]
) -> queries.IndicatorLine:
    pane = "" if line.scale == OF_PRICE else line.scale or f"{strategy_id}.{line.indicator}"
    return queries.IndicatorLine(
        indicator=line.indicator, label=line.label, part=line.part, pane=pane, values=values
    )
