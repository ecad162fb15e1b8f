"""`otrade drill`: the fault drill, and its sheet."""

from __future__ import annotations

from pathlib import Path

from otrade.config import manager
from otrade.drill.campaign import CampaignRequest, drill, tell_reports
from otrade.drill.reports.shard import shard_of
from otrade.drill.scenario import StrategyDraw
from otrade.drill.trouble import TROUBLES
from otrade.errors import ConfigError
from otrade.live.plan.config_to_spec import is_auto, params_of, plan_of


def run(
    seeds: int,
    first_seed: int,
    faults: str,
    strategy: Path | None,
    jobs: int,
    broker: str,
    shard: str,
    report: Path | None,
    *,
    keeps_going: bool,
) -> int:
    """Exit code 0 when nothing was violated, 1 when something was."""
    try:
        part = shard_of(shard)
    except ValueError as error:
        raise ConfigError(str(error), path="--shard") from None
    if part.of > seeds:
        raise ConfigError(
            f"{part.of} parts of {seeds} sessions", path="--shard", allowed=f"at most {seeds} parts"
        )
    if report is not None and not report.parent.is_dir():
        raise ConfigError("there is no such directory", file=str(report.parent), path="--report")
    kinds = tuple(TROUBLES)
    if faults:
        kinds = tuple(kind for kind in faults.split(",") if kind != "none")
        unknown = [kind for kind in kinds if kind not in TROUBLES]
        if unknown:
            raise ConfigError(
                f"there is no fault {unknown[0]!r}",
                path="--faults",
                allowed=f"none, {', '.join(TROUBLES)}",
            )
    return drill(
        CampaignRequest(
            first_seed,
            seeds,
            kinds,
            jobs,
            strategies_of(strategy) if strategy else (),
            broker,
            part,
            keeps_going,
            report,
        )
    )


def report(files: list[Path]) -> int:
    """One sheet of many reports. 0 when they are a whole drill in which nothing was violated."""
    return tell_reports(files)


def strategies_of(path: Path) -> tuple[StrategyDraw, ...]:
    """The strategies of a configuration file. ConfigError when it has none."""
    config = manager.load(path)
    if not config.strategies:
        raise ConfigError("there is no strategy to drill", file=str(path), path="strategies")
    return tuple(
        StrategyDraw(
            strategy.instrument,
            type(strategy).__struct_config__.tag,  # type: ignore[arg-type]
            strategy.params.bar_s,
            params_of(strategy.params),
            plan_of(strategy, config) | {"enabled": 1},
            auto=is_auto(strategy),
        )
        for strategy in config.strategies
    )
