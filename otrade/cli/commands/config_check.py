"""`otrade config check`: what the start would refuse, without a start."""

from pathlib import Path

from otrade.config import RunOptions
from otrade.config.schema import Config
from otrade.errors import ConfigError


def price_files(config: Config, file: Path) -> list[str]:
    """What is to be said of the price files of a paper configuration. ConfigError for one that is
    missing or cannot be used.
    """
    if config.mode != "paper" or not config.sim.prices:
        return []
    for symbol, path in config.sim.prices.items():
        if not Path(path).is_file():
            raise ConfigError(
                f"{path}: there is no such file", file=str(file), path=f"sim.prices[{symbol!r}]"
            )
    from otrade.calendar import Calendar
    from otrade.live.paper_mode import sim_config_of
    from otrade.live.startup.price_days import checked
    from otrade.simulator.prices.price_source import PriceSource

    calendar = Calendar.load(Path(config.paths.calendar) if config.paths.calendar else None)
    try:
        prices = PriceSource(sim_config_of(config, RunOptions(config=file), calendar))
    except (ValueError, OSError) as error:
        raise ConfigError(str(error), file=str(file), path="sim.prices") from None
    return checked(calendar, prices, [instrument.symbol for instrument in config.instruments])[1]
