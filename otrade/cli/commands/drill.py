"""`otrade drill`: the fault drill, and its sheet."""

from __future__ import annotations

import os
from pathlib import Path

from otrade.config import manager
from otrade.config.schema import AnyStrategy, Config, FileStrategy
from otrade.drill.campaign import CampaignRequest, drill, tell_reports
from otrade.drill.draws.files import FILES
from otrade.drill.reports.report_file import half_of
from otrade.drill.reports.shard import shard_of
from otrade.drill.scenario import StrategyDraw
from otrade.drill.starts.strategy_files import SHIPPED
from otrade.drill.trouble import TROUBLES
from otrade.errors import ConfigError
from otrade.instruments.contracts import read_wish
from otrade.live.plan.config_to_spec import is_auto, params_of, plan_of
from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.universe import Universe
from otrade.simulator.prices.price_source import PriceSource
from otrade.strategy.check.file import read


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
    if report is not None:
        # Before the first session: hours of work must not end at a name that is taken.
        for taken in (report, half_of(report)):
            if os.path.lexists(taken):
                raise ConfigError(
                    "is there already, and nothing is overwritten", file=str(taken), path="--report"
                )
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
    listed = PriceSource(SimConfig()).universe(SimConfig().dates[0])
    for number, strategy in enumerate(config.strategies):
        _require_listed(strategy.instrument, listed, str(path), f"strategies[{number}].instrument")
    return tuple(
        _drawn(strategy, config, str(path), f"strategies[{number}].file")
        for number, strategy in enumerate(config.strategies)
    )


def _drawn(strategy: AnyStrategy, config: Config, file: str, path: str) -> StrategyDraw:
    """A strategy of a configuration as a scenario has it."""
    plan = plan_of(strategy, config) | {"enabled": 1}
    if not isinstance(strategy, FileStrategy):
        return StrategyDraw(
            strategy.instrument,
            type(strategy).__struct_config__.tag,  # type: ignore[arg-type]
            strategy.params.bar_s,
            params_of(strategy.params),
            plan,
            auto=is_auto(strategy),
        )
    written = Path(config.paths.strategies, strategy.file)
    spec = read(written)
    shipped = SHIPPED / written.name
    if written.name not in FILES or spec.source != shipped.read_bytes():
        raise ConfigError(
            f"{written}: the judge reads the shipped strategy files alone, unchanged",
            file=file,
            path=path,
            allowed=", ".join(FILES),
        )
    given = {name: one.default for name, one in spec.params.items()} | dict(strategy.params)
    return StrategyDraw(
        strategy.instrument,
        "file",
        strategy.bar_s,
        given,
        plan,
        auto=is_auto(strategy),
        file=written.name,
        further_s=tuple(minutes * 60 for minutes in spec.bars.values()),
    )


def _require_listed(symbol: str, listed: Universe, file: str, path: str) -> None:
    """The drill's market lists what it lists, and its strikes lie around each session's own price."""
    wish = read_wish(symbol)
    if wish is not None and wish.strike_e4 is not None and wish.kind != "FUT":
        raise ConfigError(
            f"{symbol}: in the drill each session has strikes of its own",
            file=file,
            path=path,
            allowed=f"{wish.exchange}:{wish.under}.ATM{wish.kind}, or ATM+1, ATM-2 ...",
        )
    try:
        found = listed.resolve(symbol)
    except ValueError:
        shares = [c.key for c in listed.contracts if c.exchange == "NSE" and c.tradable]
        raise ConfigError(
            f"{symbol}: the drill's market does not list it",
            file=file,
            path=path,
            allowed=f"{', '.join(shares)}, NFO:NIFTY.FUT, NFO:NIFTY.ATMCE",
        ) from None
    if not found.tradable:
        raise ConfigError(f"{symbol} is an index and cannot be traded", file=file, path=path)
