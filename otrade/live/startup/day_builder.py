"""A day made ready: log in, fetch the instruments, wire the engine, make the broker's session.

Everything that may refuse does so here, before anything is traded, with the name of what is wrong
and the fix.
"""

import datetime as dt
import hashlib
import random
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from otrade._core.engine.engine import Engine
from otrade._core.types import Severity
from otrade.brokers.adapter import BrokerAdapter, InstrumentSource
from otrade.brokers.registry import BROKERS
from otrade.brokers.session import BrokerSession, ListedInstrument
from otrade.brokers.transport.frame_clock import frame_clock
from otrade.calendar import Calendar, TradingSession
from otrade.charges import ChargeTable
from otrade.clock import NS_PER_S, Clock, pause
from otrade.config.manager import to_bytes
from otrade.config.schema import Config
from otrade.errors import BrokerError, CalendarError, InstrumentError, JournalError, StartError
from otrade.instruments import Instrument
from otrade.journal.day_names import CONFIGURATION_FIELD, NAMES_FIELD
from otrade.journal.file import JournalBusy
from otrade.live.day.trading_day import DayOptions, TradingDay
from otrade.live.history.day_charges import charge_rule_of
from otrade.live.notices.board import NoticeBoard
from otrade.live.persistence.day_journal import DayJournal, open_journal
from otrade.live.plan.config_to_spec import (
    day_specs,
    engine_spec,
    own_square_off_ns,
    wanted_square_off_ns,
)
from otrade.live.plan.day_plan import DayPlan
from otrade.live.plan.engine_builder import build_plan, sink_of
from otrade.live.startup import exit_modes
from otrade.live.startup.bar_history import BarHistoryReader, HistoryStore
from otrade.live.startup.credentials import Access
from otrade.live.startup.instrument_cache import InstrumentCache, directory_of
from otrade.live.startup.journal_names import names_of
from otrade.live.startup.secondary_feed import SecondaryFeed, prepare_secondary_feed
from otrade.live.startup.strategy_files import StrategyFiles
from otrade.live.startup.symbol_resolver import SymbolResolver
from otrade.live.startup.warm_start import WarmedInstrument, WarmStart
from otrade.patience import patiently
from otrade.square_off import SquareOffs
from otrade.units import NS_PER_MS, ist_hms, ns_of_s

RUN_IDS = 36**6
T = TypeVar("T")


class PreparedDay(msgspec.Struct):
    """A day, and the session that it will be opened with."""

    day: TradingDay
    session: BrokerSession
    access_token: str
    records: list[Instrument]
    secondary: SecondaryFeed | None


class DayBuilder(msgspec.Struct, frozen=True):
    """What the days of one run share. `is_paper`: frames are stamped with the simulated clock."""

    config: Config
    calendar: Calendar
    access: Access
    clock: Clock
    board: NoticeBoard
    is_paper: bool
    cache: InstrumentCache | None = None
    """Where instruments come from; None: from the broker's file, in this process's memory."""
    secondary: Access | None = None
    """Access to another broker that only gives data."""

    async def build(self, date: dt.date, *, first_signal_seq: int = 1) -> PreparedDay:
        """OTradeError when the day cannot be traded."""
        config, access, clock = self.config, self.access, self.clock
        adapter = access.adapter
        square_offs = SquareOffs.load(config.paths.square_off)
        charges = ChargeTable.load(Path(config.paths.charges) if config.paths.charges else None).on(
            date, BROKERS[config.broker.kind].price_plans[config.broker.plan]
        )
        try:
            token = await self._patiently(access.token)
            found = await self._instruments(adapter, date)
            records = [instrument for _, instrument, _ in found]
            bands = await self._patiently(
                partial(adapter.bands, records, partial(pause, clock, NS_PER_S))
            )
            wanted = [(config.instruments[at].symbol, record) for at, record, _ in found]
            secondary = await prepare_secondary_feed(
                config,
                adapter,
                self.secondary,
                wanted,
                date,
                self.board,
                partial(self._source, date=date),
            )
        finally:
            adapter.close()
        compiled = await StrategyFiles(config, self.board).compiled(date)
        specs = day_specs(
            found,
            bands,
            config,
            square_offs=square_offs,
            charges=charges,
            compiled=compiled,
            wire_symbol=adapter.wire_symbol,
            key_of=secondary.key_of if secondary is not None else lambda token: "",
        )
        self._say_moved(found, square_offs)
        self._say_small(found)
        # One run after another must not repeat a ClOrdID of the same day; a paper day is alone in
        # its world.
        run_id = clock.now_ns() // NS_PER_S % RUN_IDS
        encoder = adapter.encoder()
        journal = self._journal(date)
        try:
            before = journal.said_before(exit_modes.HELLO_FIELD) if journal is not None else {}
            settled = await exit_modes.settle(specs, adapter, clock, before, self._say_busy)
        finally:
            adapter.close()

        def make_plan() -> DayPlan:
            plan = build_plan(str(date), settled.specs, engine_spec(config, run_id))
            plan.engine.set_encoder(encoder)
            plan.watch_indicators()
            failover_ns = config.second_feed.failover_ms * NS_PER_MS
            plan.engine.set_failover(failover_ns)
            plan.settings.append(partial(Engine.set_failover, failover_ns=failover_ns))
            return plan

        if journal is None:
            plan = make_plan()
        else:
            plan = journal.recover(make_plan)
            about = {
                **self._identity(date),
                "config_hash": config_hash(config),
                CONFIGURATION_FIELD: msgspec.to_builtins(config),
                "encoder": adapter.spelled(),
                exit_modes.HELLO_FIELD: settled.answers,
                NAMES_FIELD: msgspec.to_builtins(names_of(plan, config, compiled)),
            }
            journal.begin(plan, about, run_id, clock.now_ns())
        settled.say(self.board)
        warm = self._warm_start(plan, found, journal)
        try:
            await warm.feed()
        except BaseException:  # somebody stops the start: the next one goes on from here
            if journal is not None:
                journal.close(clock.now_ns())
            raise
        finally:
            adapter.close()
        warm.say(self.board, is_resumed=journal is not None and journal.is_resumed)
        day = TradingDay(
            plan,
            clock,
            self.board,
            charge_rule_of(plan, charges),
            DayOptions(
                on_stop=config.engine.on_stop,
                audit_flat_ns=ns_of_s(config.broker.poll_s),
                needs_journal=True,
                login_words=(
                    f"Run `otrade login`, log in on the page, or put the new access token into {config.paths.secrets}; trading resumes "
                    "by itself"
                    if not self.is_paper
                    else "Start the paper day again"
                ),
            ),
            first_signal_seq=first_signal_seq,
            journal=journal,
            token_dies_ns=adapter.token_dies_ns,
        )
        for series_id, bars in warm.earlier.items():
            day.candles.put_before(series_id, bars)
        broker_session = adapter.session(
            encoder=encoder,
            sink=sink_of(plan.engine, adapter.frame_kinds[0]),
            listed=[ListedInstrument(i.token, i.key, i.exchange, i.tradingsymbol) for i in records],
            clock=clock,
            rng=random.Random(run_id),
            callbacks=day.callbacks(),
            feed_now_ns=frame_clock(clock),
            answer_timeout_ns=config.engine.order_timeout_ms * NS_PER_MS,
            order_connections=config.broker.connections,
        )
        if secondary is not None:
            secondary.attach(day, clock, run_id + 1, frame_clock(clock))
        return PreparedDay(day, broker_session, token, records, secondary)

    def _warm_start(
        self,
        plan: DayPlan,
        found: list[tuple[int, Instrument, TradingSession]],
        journal: DayJournal | None,
    ) -> WarmStart:
        """On paper nothing is kept: every run is a world of its own."""
        history = self.config.history
        today = found[0][2].date
        directory = Path(self.config.paths.var) / "history"
        reader = BarHistoryReader(
            self.access.adapter,
            self.clock,
            today,
            history.files,
            ns_of_s(history.max_wait_s),
            None if self.is_paper else HistoryStore(directory, self.access.account, today),
        )
        return WarmStart(
            plan,
            [
                WarmedInstrument(record, self.config.instruments[at].symbol, session)
                for at, record, session in found
            ],
            self.calendar,
            self.clock,
            reader,
            journal.make_room if journal is not None else None,
        )

    def _say_moved(
        self, found: list[tuple[int, Instrument, TradingSession]], square_offs: SquareOffs
    ) -> None:
        """Where the broker's own square-off makes ours come earlier than the configuration asks."""
        margins = self.config.sessions
        for at, record, session in found:
            is_mis = self.config.instruments[at].product == "MIS"
            cut_off = square_offs.cut_off(self.config.broker.kind, session) if is_mis else None
            own_ns = own_square_off_ns(session, margins, cut_off)
            if cut_off is not None and own_ns < wanted_square_off_ns(session, margins):
                self.board.say(
                    Severity.WARN,
                    "SQUARE_OFF_MOVED",
                    f"{record.tradingsymbol}: {self.config.broker.kind} closes MIS positions itself at "
                    f"{ist_hms(cut_off.square_off_ns)[:5]} ({cut_off.certainty}: {cut_off.source}), so ours is "
                    f"at {ist_hms(own_ns)[:5]} and not at "
                    f"{ist_hms(wanted_square_off_ns(session, margins))[:5]} as sessions.square_off_min would have it",
                )

    def _say_no_session(self, symbol: str, record: Instrument, date: dt.date) -> None:
        names = [s.name for s in self.config.strategies if s.instrument == symbol]
        with_it = f", and with it {', '.join(names)}" if names else ""
        why = self.calendar.holiday(date) or f"the {record.calendar_segment} segment is closed"
        self.board.say(
            Severity.WARN,
            "NO_SESSION",
            f"{symbol} has no session on {date} ({why}): it is not traded{with_it}",
        )

    def _say_small(self, found: list[tuple[int, Instrument, TradingSession]]) -> None:
        """Strategies of which every entry would be refused."""
        lots = {self.config.instruments[at].symbol: record.lot_size for at, record, _ in found}
        for strategy in self.config.strategies:
            lot, sizing = lots.get(strategy.instrument, 1), strategy.sizing
            if strategy.enabled and sizing.mode == "fixed" and sizing.value < lot:
                self.board.say(
                    Severity.WARN,
                    "LESS_THAN_A_LOT",
                    f"{strategy.name}: {sizing.value:g} units are less than one lot of {strategy.instrument} today ({lot}): "
                    "it enters nothing",
                )

    def _identity(self, date: dt.date) -> dict[str, str]:
        """Whose journal this day's is."""
        return {
            "day": str(date),
            "account": self.access.account,
            "engine": self.config.engine.name,
            "mode": self.config.mode,
        }

    def _journal(self, date: dt.date) -> DayJournal | None:
        """None when no file can be made: then the day protects and closes, and takes no entries."""
        directory = Path(self.config.paths.var) / "journal"
        try:
            return open_journal(
                directory,
                self._identity(date),
                self.config.journal,
                self.board,
                self.clock.now_ns(),
                n_instruments=len(self.config.instruments),
                n_strategies=len(self.config.strategies),
            )
        except JournalBusy as error:
            raise StartError(str(error)) from None
        except JournalError as error:
            self.board.say(
                Severity.ALARM,
                "NO_JOURNAL",
                f"{error}. No entries without a journal; stops and exits go on",
            )
            return None

    async def _source(self, adapter: BrokerAdapter, *, date: dt.date) -> InstrumentSource:
        return (
            await self._patiently(adapter.instruments)
            if self.cache is None
            else await self.cache.source(adapter.name, date)
        )

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """A broker that is busy, or does not answer, is asked again before the start is given up."""
        return await patiently(ask, self.clock, self._say_busy)

    def _say_busy(self, error: BrokerError) -> None:
        self.board.say(Severity.WARN, "START_WAITS", f"the start waits and asks again: {error}")

    async def _last_price_e4(self, adapter: BrokerAdapter, instrument: Instrument) -> int:
        return await self._patiently(partial(adapter.last_price_e4, instrument))

    async def _instruments(
        self, adapter: BrokerAdapter, date: dt.date
    ) -> list[tuple[int, Instrument, TradingSession]]:
        """(place in the configuration, record, session) of every instrument that trades on this
        date.
        """
        resolver = SymbolResolver(
            await self._source(adapter, date=date),
            date,
            self.board,
            partial(self._last_price_e4, adapter),
            partial(pause, self.clock, NS_PER_S),
            path=directory_of(self.config) / f"meant-{self.access.account}.json"
            if self.cache is not None
            else None,
            older=partial(self.cache.older, adapter.name, date)
            if self.cache is not None
            else tuple,
        )
        found = []
        named: dict[str, str] = {}
        for at, wanted in enumerate(self.config.instruments):
            record = await resolver.find(wanted.symbol)
            if record.symbol in named:
                raise InstrumentError(
                    f"{wanted.symbol} and {named[record.symbol]} are both {record.symbol} today; name it once"
                )
            named[record.symbol] = wanted.symbol
            session = self.calendar.session(
                record.calendar_segment, date, is_index_expiry=record.is_index_expiry(date)
            )
            if session is not None:
                found.append((at, record, session))
            else:
                self._say_no_session(wanted.symbol, record, date)
        resolver.keep()
        if not found:
            why = self.calendar.holiday(date) or "no session"
            raise CalendarError(
                f"{date}: none of the configured instruments trades on this day ({why}). Choose another date with --date."
            )
        return found


def config_hash(config: Config) -> str:
    """Tells two configurations apart."""
    return hashlib.sha256(to_bytes(config)).hexdigest()[:16]
