"""Paper trading: the simulated exchange in this very process, reached over loopback by the broker's
real protocol.

Time is the simulator's. It moves from event to event as fast as `speed` allows, and the engine's
timers are among those events; so the same command gives the same trades at any speed.
"""

import datetime as dt
import math
import time
from pathlib import Path

import msgspec

from otrade._core.types import Severity
from otrade.brokers.adapter import BrokerAdapter, adapter_of
from otrade.calendar import Calendar, date_of
from otrade.clock import NS_PER_S
from otrade.config import ConfigManager, RunOptions
from otrade.config.schema import BrokerConfig, Config
from otrade.errors import CalendarError, ConfigError, StartError, StoppedError
from otrade.live.control.fault_rehearsal import refuse_outside, rehearse
from otrade.live.monitoring.day_report import DaySummary
from otrade.live.notices.board import NoticeBoard
from otrade.live.paper_account import PaperAccount
from otrade.live.runner import Runner
from otrade.live.startup.credentials import PaperAccess, secondary_broker
from otrade.live.startup.day_builder import DayBuilder
from otrade.live.startup.price_days import checked, mixed_words
from otrade.price_files.bars import PriceFileError
from otrade.simulator.base.config import BOOK_PERCENT, SimConfig
from otrade.simulator.simulator import Ports, Simulator

EARLY_EXCHANGES = ("MCX", "NCO", "CDS", "BCD")
STEP_NS = 60 * NS_PER_S
STEP_WALL_S = 0.1


async def run_paper(
    manager: ConfigManager, options: RunOptions, calendar: Calendar
) -> list[DaySummary]:
    """Run the day, or all days of the price files. Returns what became of each."""
    sim_config = sim_config_of(manager.config, options, calendar)
    try:
        sim = Simulator(sim_config)
    except PriceFileError as error:
        raise ConfigError(f"{error}; correct the file or --prices") from None
    except (ValueError, OSError) as error:
        raise ConfigError(f"the simulated exchange refuses: {error}") from None
    calendar, notes = checked(
        calendar,
        sim.exchange.prices,
        [instrument.symbol for instrument in manager.config.instruments],
    )
    speed = 0.0 if math.isinf(sim_config.speed) else sim_config.speed
    with Runner(
        manager, options, sim.clock, mode="paper", broker_kind="sim", speed=speed
    ) as runner:
        try:
            ports = await sim.start()
        except OSError as error:
            raise StartError(f"the simulated exchange cannot listen: {error}") from None
        for note in notes:
            runner.board.say(Severity.WARN, "PRICE_FILE", note)
            runner.progress.say(note)
        paper_account = PaperAccount(
            sim, Path(manager.config.paths.var), runner.board, fresh=options.fresh
        )
        if paper_account.is_going_on:
            runner.progress.say(paper_account.words)
        builder = paper_builder(
            manager.config, calendar, sim, ports, runner.board, paper_account.world
        )
        try:
            await _run_days(runner, sim, builder, paper_account)
            await runner.after_last(keep_page=options.page and speed > 0)
        finally:
            await runner.close()
            await sim.stop()
            paper_account.close()
        return runner.summaries


def paper_builder(
    config: Config, calendar: Calendar, sim: Simulator, ports: Ports, board: NoticeBoard, world: str
) -> DayBuilder:
    """Makes days at the simulator."""
    other = secondary_broker(config)
    return DayBuilder(
        config,
        calendar,
        PaperAccess(paper_adapter(config.broker, sim, ports), world),
        sim.clock,
        board,
        is_paper=True,
        secondary=PaperAccess(paper_adapter(other, sim, ports), world)
        if other is not None
        else None,
    )


def paper_adapter(broker: BrokerConfig, sim: Simulator, ports: Ports) -> BrokerAdapter:
    """A broker's adapter, pointed at the simulator."""
    here = msgspec.structs.replace(
        broker, **{"order_url": "", **ports.client_settings[broker.kind]}
    )
    return adapter_of(broker.kind, here, sim.cfg.api_key, sim.cfg.api_secret, sim.clock)


async def _run_days(
    runner: Runner, sim: Simulator, builder: DayBuilder, paper_account: PaperAccount
) -> None:
    """StoppedError when somebody stops it before the first one has been traded."""
    for date in paper_account.days_left():
        try:
            await _run_day(runner, sim, builder, date)
            paper_account.day_over(runner.day)
        except StoppedError:
            if not runner.summaries:
                raise
        if runner.stop_wanted.is_set():
            break


async def _run_day(runner: Runner, sim: Simulator, builder: DayBuilder, date: dt.date) -> None:
    # Limits that somebody has changed yesterday hold today.
    builder = msgspec.structs.replace(builder, config=runner.config)
    sim.open_day(date)
    prepared = await runner.prepare(
        sim.during(builder.build(date, first_signal_seq=runner.next_signal_seq))
    )
    day = prepared.day
    refuse_outside(sim.opens_ns(date), day.plan.close_ns, builder.config.sim.rehearse)
    runner.begin(day)
    traded = {day.plan.instruments[s.instrument_id] for s in day.plan.strategies}
    prices_words = mixed_words(sim.exchange.prices, date, [i.name for i in traded])
    if prices_words:
        runner.board.say(Severity.WARN, "PRICES_MIXED", f"{date}: {prices_words}")
    runner.set_broker_queries(prepared, builder)
    # A connection that is being made is work that no socket shows yet: time waits for it.
    sim.set_idle_probe(
        lambda: (
            not (
                prepared.session.is_connecting
                or (day.secondary_feed is not None and day.secondary_feed.is_connecting)
            )
        )
    )
    await runner.open(day, sim.during(day.open(prepared.session)))
    rehearse(day, sim, builder.access.adapter, builder.config.sim.rehearse)
    step_ns = STEP_NS
    if not math.isinf(sim.cfg.speed):
        step_ns = max(min(STEP_NS, round(sim.cfg.speed * STEP_WALL_S * NS_PER_S)), 1)
    while not day.ended.is_set():
        await sim.run_until(sim.clock.now_ns() + step_ns)
    await sim.during(day.close())
    runner.finish(prices_words)


def sim_config_of(config: Config, options: RunOptions, calendar: Calendar) -> SimConfig:
    """The simulation that the configuration and the command line describe."""
    sim = config.sim
    prices = {symbol: str(path) for symbol, path in (options.prices or {}).items()} or sim.prices
    is_early = any(i.symbol.startswith(EARLY_EXCHANGES) for i in config.instruments)
    return SimConfig(
        broker="both" if secondary_broker(config) is not None else config.broker.kind,
        seed=sim.seed if options.seed is None else options.seed,
        dates=(date_of_run(options.date or sim.date, calendar),),
        day_start="08:59" if is_early else "09:14",
        speed=sim.speed if options.speed is None else options.speed,
        tick_interval_ms=max(10, round(1000 / sim.ticks_per_s)),
        bar_ticks=sim.ticks_per_bar,
        book_percent=BOOK_PERCENT,
        prices=dict(prices),
        listing=sim.listing,
        funds_rupees=sim.funds_rupees,
    )


def date_of_run(text: str, calendar: Calendar) -> dt.date:
    """YYYY-MM-DD, or the last trading day when nothing is said. CalendarError when there is no
    session on it.
    """
    if not text:
        return calendar.last_trading_day("cash", date_of(time.time_ns()))
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        raise CalendarError(f"{text!r} is not a date; write --date YYYY-MM-DD") from None
    if why := calendar.holiday(date):
        special = calendar.session("cash", date)
        if special is None:
            raise CalendarError(f"{date} is no trading day ({why}); choose another with --date")
    return date
