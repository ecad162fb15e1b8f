"""`otrade config check`: what the start would refuse, without a start.

Of a paper configuration the first day is made ready as a run would do it, in a directory that is
thrown away. Of a live one everything is looked at that needs no login: its tables, and its symbols
where today's instruments have been fetched.
"""

import asyncio
import datetime as dt
import tempfile
from pathlib import Path

import msgspec

from otrade._core.types import Severity
from otrade.calendar import Calendar, date_of
from otrade.charges import ChargeTable
from otrade.clock import WallClock
from otrade.config import RunOptions
from otrade.config.schema import Config, FileStrategy
from otrade.errors import ConfigError, InstrumentError
from otrade.instruments import Instrument
from otrade.instruments.cache import open_table, table_path
from otrade.instruments.catalog import Catalog
from otrade.instruments.contracts import read_wish
from otrade.live.notices.board import NoticeBoard
from otrade.live.startup.instrument_cache import directory_of
from otrade.square_off import SquareOffs
from otrade.strategy.check.file import read

SAID_BY_OTHERS = frozenset({"EXIT_MODES", "SQUARE_OFF_MOVED"})
"""Warnings of a start that say nothing of the configuration."""


def check(config: Config, file: Path) -> list[str]:
    """Notes about it. OTradeError, as the start's, for what would be refused."""
    calendar = Calendar.load(Path(config.paths.calendar) if config.paths.calendar else None)
    SquareOffs.load(config.paths.square_off)
    ChargeTable.load(Path(config.paths.charges) if config.paths.charges else None)
    for name in ("tls_cert", "tls_key"):
        path = getattr(config.web, name)
        if path and not Path(path).is_file():
            raise ConfigError(f"{path}: there is no such file", file=str(file), path=f"web.{name}")
    notes = _paper(config, file, calendar) if config.mode == "paper" else _live(config)
    traded = {strategy.instrument for strategy in config.strategies}
    idle = [i.symbol for i in config.instruments if i.symbol not in traded]
    if idle:
        notes.append(f"no strategy trades {', '.join(idle)}: only shown")
    return notes


def _paper(config: Config, file: Path, calendar: Calendar) -> list[str]:
    # Imported when it is wanted: checking a live configuration needs no simulator.
    from otrade.live.control.fault_rehearsal import refuse_outside
    from otrade.live.paper_mode import paper_builder, sim_config_of
    from otrade.live.startup.price_days import checked
    from otrade.simulator.simulator import Simulator

    for symbol, path in config.sim.prices.items():
        if not Path(path).is_file():
            raise ConfigError(
                f"{path}: there is no such file", file=str(file), path=f"sim.prices[{symbol!r}]"
            )
    sim_config = sim_config_of(config, RunOptions(config=file), calendar)
    try:
        sim = Simulator(sim_config)
    except (ValueError, OSError) as error:
        raise ConfigError(str(error), file=str(file), path="sim.prices") from None
    known, notes = checked(
        calendar, sim.exchange.prices, [instrument.symbol for instrument in config.instruments]
    )
    board = NoticeBoard(sim.clock.now_ns)

    async def first_day(config: Config) -> None:
        ports = await sim.start()
        try:
            date = sim.dates()[0]
            builder = paper_builder(config, known, sim, ports, board, "paper-check")
            prepared = await sim.during(builder.build(date))
            if prepared.day.journal is not None:
                prepared.day.journal.close(sim.clock.now_ns())
            refuse_outside(sim.opens_ns(date), prepared.day.plan.close_ns, config.sim.rehearse)
        finally:
            await sim.stop()

    with tempfile.TemporaryDirectory(prefix="otrade-check-") as directory:
        paths = msgspec.structs.replace(config.paths, var=directory)
        asyncio.run(first_day(msgspec.structs.replace(config, paths=paths)))
    said = [
        n.text
        for n in board.since(0)
        if n.severity >= Severity.WARN and n.code not in SAID_BY_OTHERS
    ]
    return notes + said


def _live(config: Config) -> list[str]:
    for strategy in config.strategies:
        if isinstance(strategy, FileStrategy):
            read(Path(config.paths.strategies) / strategy.file)
    today = date_of(WallClock().now_ns())
    kind = config.broker.kind
    try:
        catalog = open_table(table_path(directory_of(config), kind, today), kind, today)
    except InstrumentError:
        return [
            "the symbols are not checked: there are no instruments of today (fetch them with otrade instruments refresh)"
        ]
    named: dict[str, str] = {}
    traded = {strategy.instrument: strategy.name for strategy in config.strategies}
    for wanted in config.instruments:
        record = _find(catalog, wanted.symbol, today)
        if record.is_index and wanted.symbol in traded:
            raise InstrumentError(
                f"{wanted.symbol} is an index and cannot be traded, but strategy {traded[wanted.symbol]!r} names it"
            )
        # At the money may be another strike by then: two such names are not compared.
        wish = read_wish(wanted.symbol)
        if wish is None or not wish.needs_spot:
            if record.symbol in named:
                raise InstrumentError(
                    f"{wanted.symbol} and {named[record.symbol]} are both {record.symbol} today; name it once"
                )
            named[record.symbol] = wanted.symbol
    return []


def _find(catalog: Catalog, symbol: str, today: dt.date) -> Instrument:
    """By today's table. What is at the money is not known without a price: a listed strike in the
    middle stands for it.
    """
    wish = read_wish(symbol)
    spot_e4 = 0
    if wish is not None and wish.needs_spot:
        catalog.find(wish.spot_symbol, today)
        strikes = sorted(
            one.strike_e4 for one in catalog.contracts(wish.exchange, wish.under) if one.strike_e4
        )
        spot_e4 = strikes[len(strikes) // 2] if strikes else 0
    return catalog.find(symbol, today, spot_e4)
