"""A configuration over days of the past: each day is made ready as a live one, run in the compiled loop, and
written to the result before the next begins. Memory does not grow with the days.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from otrade import __version__
from otrade._core.types import Severity
from otrade.brokers.registry import BROKERS
from otrade.calendar import DAY, IST, Calendar, TradingSession
from otrade.clock import NS_PER_S
from otrade.config.manager import to_bytes
from otrade.config.schema import Config, FileStrategy
from otrade.errors import BacktestError, CalendarError, HistoryError
from otrade.instruments import Instrument
from otrade.instruments.contracts import SPOT_OF, read_wish
from otrade.live.notices.board import NoticeBoard
from otrade.live.startup.strategy_files import StrategyFiles
from otrade.research.backtest.day_loop import DayLoop
from otrade.research.backtest.day_prices import DayBars, DayTicks, PriceReader
from otrade.research.backtest.day_rows import DayRows
from otrade.research.backtest.day_setup import (
    ArchiveHistory,
    DayTables,
    ReadyDay,
    TradedInstrument,
    make_ready,
)
from otrade.research.backtest.exchange import Exchange
from otrade.research.backtest.funds import BacktestFunds, contract_of
from otrade.research.backtest.listing import HistoricalListing, KnownFacts, words_of
from otrade.research.backtest.models import PATHS, QUEUES, Models, check_models
from otrade.research.backtest.past_calendar import with_the_past
from otrade.research.backtest.refused_entries import RefusedEntries
from otrade.research.history.archive import PriceArchive
from otrade.research.history.series import TICK, month_of, months_between, series_of
from otrade.research.results.facts import (
    ResultData,
    ResultFacts,
    ResultStrategy,
    refused_words,
)
from otrade.research.results.writer import ResultWriter
from otrade.units import E4_A_PAISA

AFTER_CLOSE_NS = 3 * NS_PER_S
MINUTE = "1m"
BOOK_LAST = 1
BANDS_BPS = {"derivatives": 1_000, "cash_with_derivatives": 1_000}
"""Of the close before; where a session's own prices leave it there is none. Of other shares the band is
not known.
"""
NOTES_SHOWN = 5


class BacktestWish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be run. `length`: of the bars, or `tick`. `prices`: a configured symbol to the series whose
    prices it trades at, where that is another.
    """

    config: Config
    first: dt.date
    last: dt.date
    data: Path
    out: Path
    name: str = "backtest"
    length: str = MINUTE
    prices: Mapping[str, str] = {}
    known: KnownFacts = KnownFacts()
    models: Models = Models()
    origins: Mapping[str, str] = {}
    """Where each model came from: option, configuration or default."""
    seed: int = 1
    replace: bool = False
    every_beat: bool = False
    """Pass over no beat, to see that it makes no difference."""


class DayDone(msgspec.Struct, frozen=True):
    """One day of many."""

    date: dt.date
    done: int
    of: int
    trades: int
    net_paise: int | None
    note: str | None


class BacktestReport(msgspec.Struct, frozen=True):
    """What became of it. `notes` are what a person should know, in the order of the days."""

    folder: Path
    days: int
    trades: int
    net_paise: int | None
    gross_paise: int
    ticks: int
    loop_s: float
    notes: list[str]


class Backtest:
    """One run. BacktestError and HistoryError say what is in the way, before anything is written."""

    def __init__(self, wish: BacktestWish, calendar: Calendar) -> None:
        self._wish = wish
        self._config = wish.config
        check_models(wish.models)
        if wish.last < wish.first:
            raise BacktestError(f"--to {wish.last} is before --from {wish.first}")
        if not any(strategy.enabled for strategy in wish.config.strategies):
            raise BacktestError("the configuration has no strategy that is switched on")
        unknown = set(wish.prices) - {one.symbol for one in wish.config.instruments}
        if unknown:
            raise BacktestError(
                f"--prices {sorted(unknown)[0]}: the configuration has no such instrument"
            )
        for one in wish.config.instruments:
            meant = read_wish(one.symbol)
            if meant and (meant.kind, meant.when) != ("FUT", "") and one.symbol not in wish.prices:
                raise BacktestError(
                    f"{one.symbol}: which strikes and weeks were listed on each of these days is not known here, so nothing says "
                    "which contract that is; name one as its prices are kept (NFO:NIFTY25SEP25000CE), or the nearest future "
                    "(NFO:NIFTY.FUT)"
                )
        self._calendar = with_the_past(calendar)
        self._tables = DayTables(wish.config, self._calendar)
        self._listing = HistoricalListing(self._calendar, wish.known)
        self._archive = PriceArchive(wish.data)
        if not wish.data.is_dir():
            raise BacktestError(
                f"{wish.data}: there is no price history; otrade data import or fetch begins one, --data names another folder"
            )
        self._readers: dict[str, PriceReader] = {}
        self._readers_of_contracts: dict[str, PriceReader] = {}
        self._minutes: dict[str, PriceReader] = {}
        self._board = NoticeBoard(lambda: 0)
        self._board.listen(
            lambda notice: self._note(notice.text) if notice.severity >= Severity.WARN else None
        )
        self.notes: list[str] = []
        self._refused = RefusedEntries()
        self._noted: set[str] = set()
        self._traded = {one.instrument for one in wish.config.strategies}
        self._facts: dict[str, str] = {}
        self.ticks = 0
        self.loop_s = 0.0

    # ------------------------------------------------------------------------------------- before it
    def days(self) -> list[dt.date]:
        """Days on which something that is traded has a session. BacktestError when there is none, or one
        that the calendar does not know.
        """
        found, date = [], self._wish.first
        while date <= self._wish.last:
            if any(self._session(symbol, date) is not None for symbol in self._traded):
                found.append(date)
            date += DAY
        if not found:
            raise BacktestError(
                f"{self._wish.first} to {self._wish.last}: none of these days has a session"
            )
        return found

    def _segment_of(self, symbol: str) -> str:
        exchange = symbol.partition(":")[0]
        if exchange in ("NFO", "BFO"):
            return "derivatives"
        if exchange in ("CDS", "BCD"):
            return "currency"
        if exchange in ("MCX", "NCO"):
            return "commodity"
        reader = self._readers.get(symbol)
        return (reader.facts.segment if reader is not None else "") or "cash"

    def _session(self, symbol: str, date: dt.date) -> TradingSession | None:
        return self._calendar.session(self._segment_of(symbol), date)

    def _series_name(self, symbol: str) -> str:
        """Whose prices an instrument of the configuration has."""
        return self._wish.prices.get(symbol, symbol)

    def _open_readers(self) -> None:
        """HistoryError, naming the fix, for what is traded and has no prices."""
        for wanted in self._config.instruments:
            name = self._series_name(wanted.symbol)
            series = series_of(name, self._wish.length)
            if self._archive.months(series):
                self._readers[wanted.symbol] = PriceReader(self._archive, series)
            minute = series_of(name, MINUTE)
            if self._archive.months(minute):
                self._minutes[wanted.symbol] = (
                    self._readers[wanted.symbol]
                    if self._wish.length == MINUTE and wanted.symbol in self._readers
                    else PriceReader(self._archive, minute)
                )

    def _require_prices(self, dates: Sequence[dt.date]) -> None:
        months = months_between(month_of(dates[0]), month_of(dates[-1]))
        with_sessions = [m for m in months if any(month_of(date) == m for date in dates)]
        for symbol in sorted(self._traded):
            reader = self._readers.get(symbol)
            if reader is not None:
                reader.require(with_sessions)
                continue
            if symbol.endswith(".FUT") and symbol not in self._wish.prices:
                # Each contract has its own series: whether all are there is seen day by day.
                missing = [date for date in dates if self._contract_reader(symbol, date) is None]
                if not missing:
                    continue
                raise HistoryError(self._no_prices_words(symbol, missing[0]))
            self._archive.table(series_of(self._series_name(symbol), self._wish.length), months[0])

    def _no_prices_words(self, symbol: str, date: dt.date) -> str:
        record = self._listing.find(symbol, date, 10_000_000, 0, "")
        under = symbol.partition(":")[2].partition(".")[0]
        spot = SPOT_OF.get(under, f"NSE:{under}")
        there = ", ".join(sorted({one.symbol for one in self._archive.series()})[:NOTES_SHOWN])
        return (
            f"{symbol} is {record.symbol} on {date}, and {self._wish.data} has no {self._wish.length} prices of either "
            f"(it has {there or 'nothing'}); bring them in with otrade data, or trade it at another series' prices: "
            f"--prices '{symbol}={spot}'"
        )

    def _contract_reader(self, symbol: str, date: dt.date) -> PriceReader | None:
        """Of the contract that a name means on a date."""
        record = self._listing.find(symbol, date, 10_000_000, 0, "")
        if record.symbol not in self._readers_of_contracts:
            series = series_of(record.symbol, self._wish.length)
            if not self._archive.months(series):
                return None
            self._readers_of_contracts[record.symbol] = PriceReader(self._archive, series)
        return self._readers_of_contracts[record.symbol]

    def _reader(self, symbol: str, date: dt.date) -> PriceReader | None:
        reader = self._readers.get(symbol)
        if reader is None and symbol.endswith(".FUT") and symbol not in self._wish.prices:
            reader = self._contract_reader(symbol, date)
        return reader

    # ---------------------------------------------------------------------------------------- the run
    def run(self, tell: Callable[[DayDone], None] = lambda day: None) -> BacktestReport:
        """Every day, and the result in its place. What is interrupted leaves nothing."""
        self._open_readers()
        dates = self.days()
        self._require_prices(dates)
        compiled = StrategyFiles(self._config, self._board).as_they_stand()
        history = ArchiveHistory(self._minutes)
        trades = gross = paid = 0
        charges: int | None = 0
        with ResultWriter(self._wish.out, replace=self._wish.replace) as writer:
            for n, date in enumerate(dates):
                traded, prices, notes = self._day_of(date)
                if not traded:
                    day = writer.add_day(date, note="; ".join(notes) or None)
                    tell(DayDone(date, n + 1, len(dates), 0, 0, day.note))
                    continue
                rows, words = self._run_day(
                    date, traded, prices, compiled, history, trades + 1, gross - paid
                )
                notes += words
                trade_rows = rows.trades()
                day = writer.add_day(
                    date,
                    trades=trade_rows,
                    orders=rows.orders(),
                    fills=rows.fills(),
                    equity=rows.equity(gross, charges),
                    note="; ".join(notes) or None,
                )
                trades += rows.n_trades
                gross += day.gross_paise
                cost = [row["charges_paise"] for row in trade_rows]
                paid += sum(known for known in cost if known is not None)
                charges = None if None in cost or charges is None else paid
                tell(DayDone(date, n + 1, len(dates), day.trades, day.net_paise, day.note))
            folder = writer.finish(self._result_facts(dates))
        if refused := refused_words(self._refused.rows()):
            self.notes.insert(0, refused)
        net = None if charges is None else gross - charges
        return BacktestReport(
            folder, len(dates), trades, net, gross, self.ticks, self.loop_s, self.notes
        )

    def _day_of(
        self, date: dt.date
    ) -> tuple[list[TradedInstrument], list[DayBars | DayTicks], list[str]]:
        """What has a session and prices on a day, and in words what has not."""
        traded: list[TradedInstrument] = []
        prices: list[DayBars | DayTicks] = []
        notes: list[str] = []
        for at, wanted in enumerate(self._config.instruments):
            reader = self._reader(wanted.symbol, date)
            session = self._session(wanted.symbol, date)
            if reader is None or session is None:
                continue
            record = self._listing.find(
                wanted.symbol,
                date,
                reader.first_price_e4(session),
                *(
                    (0, "")
                    if wanted.symbol in self._wish.prices
                    else (reader.facts.tick_e4, reader.facts.segment)
                ),
            )
            if record.is_index and wanted.symbol in self._traded:
                raise BacktestError(
                    f"{wanted.symbol} is an index and cannot be traded, but a strategy names it: name its future "
                    "(NFO:NIFTY.FUT), and trade that at the index's prices if you have no others: "
                    f"--prices 'NFO:NIFTY.FUT={wanted.symbol}'"
                )
            session = self._calendar.session(
                record.calendar_segment, date, is_index_expiry=record.is_index_expiry(date)
            )
            if session is None:
                continue
            day = (
                reader.ticks(session)
                if self._wish.length == TICK
                else reader.bars(session, record.tick_size_e4)
            )
            if not day.n:
                if wanted.symbol in self._traded:
                    notes.append(f"no prices of {wanted.symbol}: it is not traded")
                continue
            notes += self._words_of(wanted.symbol, day)
            self._facts[record.symbol] = words_of(record)
            traded.append(
                TradedInstrument(at, record, session, self._band(reader, record, session, day))
            )
            prices.append(day)
        return traded, prices, notes

    def _words_of(self, symbol: str, day: DayBars | DayTicks) -> list[str]:
        words = []
        if day.n_outside:
            words.append(f"{symbol}: {day.n_outside} rows outside the session are not traded")
        if isinstance(day, DayBars):
            if day.n_missing > 0:
                words.append(f"{symbol}: {day.n_missing} bars of the session are missing")
            if day.n_off_tick and symbol not in self._wish.prices:
                words.append(
                    f"{symbol}: {day.n_off_tick} prices are off the tick; orders are rounded to it, prices stay as they are"
                )
        return words

    def _band(
        self,
        reader: PriceReader,
        record: Instrument,
        session: TradingSession,
        day: DayBars | DayTicks,
    ) -> tuple[int, int]:
        bps = BANDS_BPS.get(record.calendar_segment, 0)
        if not bps or record.instrument_type not in ("EQ", "FUT"):
            return 0, 0
        before = self._close_before(reader, record, session)
        if not before:
            return 0, 0
        tick = record.tick_size_e4
        low = -(-(before * (10_000 - bps) // 10_000) // tick) * tick
        high = before * (10_000 + bps) // 10_000 // tick * tick
        if isinstance(day, DayBars):
            lowest, highest = int(day.low_e4.min()), int(day.high_e4.max())
        else:
            last = day.ticks["ltp_e4"]
            known = last[last > 0]
            lowest, highest = (int(known.min()), int(known.max())) if len(known) else (0, 0)
        return (low, high) if low <= lowest and highest <= high else (0, 0)

    def _close_before(
        self, reader: PriceReader, record: Instrument, session: TradingSession
    ) -> int:
        for back in range(1, 8):
            date = session.date - dt.timedelta(days=back)
            try:
                before = self._calendar.session(record.calendar_segment, date)
            except CalendarError:
                return 0
            if before is not None:
                return reader.last_close_e4(before)
        return 0

    def _run_day(
        self,
        date: dt.date,
        traded: list[TradedInstrument],
        prices: list[DayBars | DayTicks],
        compiled: Mapping[str, Any],
        history: ArchiveHistory,
        first_trade_id: int,
        earned_paise: int,
    ) -> tuple[DayRows, list[str]]:
        ready = make_ready(
            self._tables,
            date,
            traded,
            compiled,
            history,
            self._board,
            with_stale_gate=self._wish.length == TICK,
        )
        exchange = self._exchange(date, traded, ready)
        if self._wish.models.funds_rupees:
            opening_paise = round(self._wish.models.funds_rupees * 100) + earned_paise
            funds = BacktestFunds(
                opening_paise * E4_A_PAISA, [contract_of(one.record) for one in traded]
            )
            in_book = BROKERS[self._config.broker.kind].margin_in_book
            exchange.set_funds(funds, in_book=in_book)
        loop = DayLoop(ready.plan.engine, exchange)
        for i, day in enumerate(prices):
            if isinstance(day, DayBars):
                loop.set_bars(
                    i,
                    *(day.ts_ns, day.open_e4, day.high_e4, day.low_e4, day.close_e4, day.volume),
                    series_of("NSE:X", self._wish.length).length_ns,
                )
            else:
                loop.set_ticks(i, day.ts_ns, day.ticks.view(np.uint8).reshape(-1))
        models = self._wish.models
        trips = np.array(sorted(models.round_trips_ns), np.int64)
        loop.set_latency(
            models.latency_ns, models.latency_ns, trips, self._wish.seed, _number_of(date)
        )
        loop.set_rules(
            stop_first=models.stop_first,
            every_beat=self._wish.every_beat,
            path=PATHS[models.path],
        )
        began = time.process_time()
        loop.begin(ready.start_ns)
        loop.run(ready.plan.close_ns + AFTER_CLOSE_NS)
        self.loop_s += time.process_time() - began
        self.ticks += loop.n_ticks
        rows = DayRows(date, ready, loop, exchange, first_trade_id)
        refused = self._refused.add_day(ready.plan)
        words = [refused] if refused and not rows.n_trades else []
        return rows, rows.left_open + words

    def _exchange(self, date: dt.date, traded: list[TradedInstrument], ready: ReadyDay) -> Exchange:
        exchange = Exchange(len(traded), orders=min(self._config.engine.max_orders, 16_384))
        for one, spec in zip(traded, ready.specs, strict=True):
            record = one.record
            screen = exchange.add_instrument(
                key=record.symbol,
                token=record.token,
                tick_e4=record.tick_size_e4,
                lot=record.lot_size,
                freeze_qty=record.freeze_qty,
                open_ns=spec.session.open_ns,
                close_ns=spec.session.close_ns,
                low_band_e4=one.band_e4[0],
                high_band_e4=one.band_e4[1],
                is_derivative=record.expiry is not None,
            )
            wanted = self._config.instruments[one.at]
            cut_off = self._tables.square_offs.cut_off(self._config.broker.kind, one.session)
            if wanted.product == "MIS" and cut_off is not None:
                exchange.set_square_off(screen, cut_off.square_off_ns)
        models = self._wish.models
        exchange.open_day(self._wish.seed, _number_of(date), 0, 0)
        exchange.set_models(
            queue=QUEUES[models.queue],
            slip_ticks=models.slippage_ticks,
            slip_bps_e2=round(models.slippage_bps * 100),
            share_e2=round(models.share_percent * 100),
        )
        return exchange

    # ------------------------------------------------------------------------------------- telling
    def _note(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self.notes.append(text)

    def _result_facts(self, dates: Sequence[dt.date]) -> ResultFacts:
        wish = self._wish
        readers = {
            **{self._series_name(symbol): reader for symbol, reader in self._readers.items()},
            **self._readers_of_contracts,
        }
        return ResultFacts(
            kind="backtest",
            name=wish.name,
            first=dates[0],
            last=dates[-1],
            created=dt.datetime.now(IST),
            engine_version=__version__,
            broker=self._config.broker.kind,
            configuration=_without_secrets(self._config),
            strategies=[
                ResultStrategy(
                    id=one.name,
                    kind=str(type(one).__struct_config__.tag),
                    file=one.file if isinstance(one, FileStrategy) else None,
                    sha256=_file_sha256(Path(self._config.paths.strategies) / one.file)
                    if isinstance(one, FileStrategy)
                    else None,
                )
                for one in self._config.strategies
            ],
            data=[
                ResultData(
                    symbol=reader.series.symbol,
                    interval=reader.series.length,
                    first=dates[0],
                    last=dates[-1],
                    origin="; ".join(
                        sorted({text for _, origins in reader.used.values() for text in origins})
                    ),
                    sha256=hashlib.sha256(
                        "".join(rows for _, (rows, _) in sorted(reader.used.items())).encode()
                    ).hexdigest(),
                )
                for _, reader in sorted(readers.items())
                if reader.used
            ],
            models={
                **wish.models.stated(wish.length),
                "origins": dict(wish.origins),
                "prices": dict(wish.prices),
                "instruments": sorted(self._facts.values()),
            },
            refused=self._refused.rows(),
            seed=wish.seed,
            capital_paise=round(wish.models.funds_rupees * 100) or None,
        )


def _number_of(date: dt.date) -> int:
    return (date.year * 100 + date.month) * 100 + date.day


def _without_secrets(config: Config) -> dict[str, Any]:
    """The configuration names where secrets are, and has none."""
    found: dict[str, Any] = msgspec.json.decode(to_bytes(config))
    return found


def _file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
