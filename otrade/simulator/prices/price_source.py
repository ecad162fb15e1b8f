"""Where the prices of every instrument and day come from: a seeded session, or bars of the user's
file.

A root (a share, an index) has one reference path a day; its futures and options are derived from
that, so that they move together. Everything is a function of the seed, the root and the date alone.
"""

from __future__ import annotations

import datetime as dt
from array import array
from bisect import bisect_left
from math import isqrt, sqrt
from typing import TypeVar

from otrade.price_files import reader as price_reader
from otrade.price_files.bars import FileBar, bar_length_ns
from otrade.simulator.base import hours
from otrade.simulator.base.config import NS_PER_MS, NS_PER_S, SimConfig
from otrade.simulator.base.universe import E4, ListedContract, Universe
from otrade.simulator.draws import KeyedDraws, number_of, number_of_day
from otrade.simulator.prices import bar_trades, session_path
from otrade.simulator.prices.daily_levels import (
    PPM,
    UNIT_BITS,
    DailyLevels,
    PriceRoot,
    units_of,
    units_until,
)
from otrade.simulator.prices.file_days import BarsOutsideSessions
from otrade.simulator.prices.option_value import PREMIUM_PERCENT, OptionOutlook, option_values
from otrade.simulator.prices.price_paths import PricePath
from otrade.simulator.prices.quoted_trades import TradeMaker
from otrade.simulator.prices.session_path import MINUTE_NS, ReferencePath

CARRY_BPS = 650
"""Interest a year by which a future stands above its index."""
YEAR_S = 365 * 86_400
TRADING_DAYS = 252
KEPT_PATHS = 64
"""Days of instruments that are kept: what is asked again after so many others is made again."""
OPTION_BAND_LEAST_E4 = 20 * E4

Kept = TypeVar("Kept")


class PriceSource:
    """Paths and previous closes, made on first use and kept. ValueError on a price file that cannot
    be used.
    """

    def __init__(self, cfg: SimConfig) -> None:
        self._cfg = cfg
        self.book_percent = cfg.book_percent
        self.files = {key: price_reader.read(path) for key, path in cfg.prices.items()}
        self._lengths = {key: bar_length_ns(file.days.values()) for key, file in self.files.items()}
        self._levels: dict[str, DailyLevels] = {}
        self._references: dict[tuple[str, dt.date], ReferencePath] = {}
        self._file_qty: dict[tuple[str, dt.date], array[int]] = {}
        self._paths: dict[tuple[str, dt.date], PricePath] = {}
        self._given: dict[tuple[str, dt.date], PricePath] = {}
        self._closes: dict[tuple[str, dt.date], int] = {}
        # (root, date) -> the file's bars and the contract which they are of
        self._bars: dict[tuple[str, dt.date], tuple[list[FileBar], ListedContract]] = {}
        self._length_of: dict[tuple[str, dt.date], int] = {}
        self.contracts: dict[str, dict[dt.date, ListedContract]] = {}
        """By the configured symbol of a file: what it is the prices of, by day."""
        self.notes: list[str] = []
        """What is odd in the files and does not keep them from being used."""
        self._universes: dict[dt.date, Universe] = {}
        for key, file in self.files.items():
            outside = BarsOutsideSessions(file, key)
            for date, bars in file.days.items():
                contract = Universe(date, cfg.symbols, listing=cfg.listing).resolve(key)
                if contract.is_option:
                    raise ValueError(
                        f"prices: {key}: options are priced from their index; "
                        "give a file for the index or its future"
                    )
                if (contract.root, date) in self._bars:
                    raise ValueError(
                        f"prices: {key}: {contract.root} already has a file for {date}; "
                        "give one file a root"
                    )
                self._bars[contract.root, date] = (bars, contract)
                self._length_of[contract.root, date] = self._lengths[key]
                self.contracts.setdefault(key, {})[date] = contract
                outside.add(date, bars, contract)
            if note := outside.settle():
                self.notes.append(note)

    def file_dates(self) -> list[dt.date]:
        """Every day for which a file has prices, in order."""
        return sorted({date for file in self.files.values() for date in file.days})

    def universe(self, date: dt.date) -> Universe:
        """The instruments of a date, with strikes around the day's level."""
        if date not in self._universes:
            roots = {root for root, day in self._bars if day == date}
            levels = {root: self._bars[root, date][0][0].open_e4 / E4 for root in roots}
            first = Universe(date, self._cfg.symbols, levels, listing=self._cfg.listing)
            closes = {
                c.root: (self._close_before(c, date) >> UNIT_BITS) / E4
                for c in first.underlyings()
                if c.root not in roots
            }
            self._universes[date] = Universe(
                date, self._cfg.symbols, levels, closes, self._cfg.listing
            )
        return self._universes[date]

    def path(self, contract: ListedContract, date: dt.date) -> PricePath:
        """The day's trades of one contract."""
        key = (contract.key, date)
        if key in self._given:
            return self._given[key]
        if key not in self._paths:
            _keep(self._paths, key, self._make(contract, date))
        return self._paths[key]

    def earlier(self, contract: ListedContract, date: dt.date) -> PricePath:
        """The trades of a day before. Of a root with prices of a user, no day is invented."""
        is_of_file = any(root == contract.root for root, _ in self._bars)
        if is_of_file and not self.is_of_file(contract, date):
            return PricePath()
        return self.path(contract, date)

    def set_path(
        self, contract: ListedContract, date: dt.date, path: PricePath, close_e4: int
    ) -> None:
        """Put hand-made trades, and the close before them, in the place of generated ones."""
        self._given[contract.key, date] = path
        self._closes[contract.key, date] = close_e4

    def forget_before(self, date: dt.date) -> None:
        """Days that are over need no memory: whoever asks for their candles has them made again."""
        self._references = {k: made for k, made in self._references.items() if k[1] >= date}
        self._paths = {k: made for k, made in self._paths.items() if k[1] >= date}
        self._file_qty = {k: made for k, made in self._file_qty.items() if k[1] >= date}
        self._universes = {k: made for k, made in self._universes.items() if k >= date}

    def is_of_file(self, contract: ListedContract, date: dt.date) -> bool:
        """Are its prices of that day a user's, or made from a user's?"""
        return (contract.root, date) in self._bars

    def band_e4(self, contract: ListedContract, date: dt.date) -> tuple[int, int]:
        """Lowest and highest price allowed that day. Where a user's prices leave the ordinary band, it
        is wider by a twentieth, as the exchange's flexing does it.
        """
        low_e4, high_e4 = self._ordinary_band_e4(contract, date)
        if self.is_of_file(contract, date) and (path := self.path(contract, date)):
            least_e4, most_e4, tick_e4 = min(path.px_e4), max(path.px_e4), contract.tick_e4
            if least_e4 < low_e4:
                low_e4 = max(tick_e4, least_e4 * 95 // 100 // tick_e4 * tick_e4)
            if most_e4 > high_e4:
                high_e4 = most_e4 * 105 // 100 // tick_e4 * tick_e4
        return low_e4, high_e4

    def _ordinary_band_e4(self, contract: ListedContract, date: dt.date) -> tuple[int, int]:
        """Around the close before; an option's is what it would be worth with its underlying at either
        edge of its own, and at least 20 rupees more than the close.
        """
        close_e4, tick_e4 = self.previous_close_e4(contract, date), contract.tick_e4
        if contract.is_option:
            level = self._close_before(contract, date)
            width = level * PriceRoot.of(contract).band_bps // 10_000
            edges = self._values_at_close(contract, date, [level - width, level + width])
            low_e4, high_e4 = sorted(value >> UNIT_BITS for value in edges)
            low_e4 = min(low_e4, close_e4 - OPTION_BAND_LEAST_E4)
            high_e4 = max(high_e4, close_e4 + OPTION_BAND_LEAST_E4)
        else:
            width_e4 = close_e4 * contract.band_bps // 10_000
            low_e4, high_e4 = close_e4 - width_e4, close_e4 + width_e4
        return max(tick_e4, -(-low_e4 // tick_e4) * tick_e4), high_e4 // tick_e4 * tick_e4

    def previous_close_e4(self, contract: ListedContract, date: dt.date) -> int:
        """Close of the session before."""
        if (contract.key, date) in self._closes:
            return self._closes[contract.key, date]
        level = self._close_before(contract, date)
        tick = contract.tick_e4 << UNIT_BITS
        value = self._values_at_close(contract, date, [level])[0]
        return max(1, (value + (tick >> 1)) // tick) * contract.tick_e4

    def _close_before(self, contract: ListedContract, date: dt.date) -> int:
        """The root's, in units."""
        if (contract.root, date) not in self._bars:
            return self._daily(contract).level(hours.previous_trading_day(date))
        earlier = [day for root, day in self._bars if root == contract.root and day < date]
        if earlier:
            return self._bars[contract.root, max(earlier)][0][-1].close_e4 << UNIT_BITS
        return self._bars[contract.root, date][0][0].open_e4 << UNIT_BITS

    def _daily(self, contract: ListedContract) -> DailyLevels:
        found = self._levels.get(contract.root)
        if found is None:
            found = DailyLevels(self._cfg.seed, PriceRoot.of(contract))
            self._levels[contract.root] = found
        return found

    def _draws(self, date: dt.date, name: str, purpose: str) -> KeyedDraws:
        return KeyedDraws(*self._key(date, name, purpose))

    def _key(self, date: dt.date, name: str, purpose: str) -> tuple[int, ...]:
        return self._cfg.seed, number_of_day(date), number_of(name), number_of(purpose)

    def _session(self, contract: ListedContract, date: dt.date) -> tuple[int, int, int]:
        """Start of the root's path of a day, its minutes, and those of them until the close. It is as
        long as the longest session of what is derived from it.
        """
        kind = PriceRoot.of(contract).kind
        start, end = hours.hours(kind, date)
        _, close = hours.hours("cash" if kind == "fno" else kind, date)
        start_ns = hours.ist_ns(date, start)
        n_minutes = (hours.ist_ns(date, end) - start_ns) // MINUTE_NS
        return start_ns, n_minutes, (hours.ist_ns(date, close) - start_ns) // MINUTE_NS

    def _reference(self, contract: ListedContract, date: dt.date) -> ReferencePath:
        key = (contract.root, date)
        found = self._references.get(key)
        if found is None:
            of_file = self._bars.get(key)
            if of_file is not None:
                found, self._file_qty[key] = bar_trades.reference(
                    of_file[0],
                    self._cfg.bar_ticks,
                    self._key(date, contract.root, "bars"),
                    self._length_of[key],
                )
            else:
                found = self._made(contract, date)
            _keep(self._references, key, found)
        return found

    def _made(self, contract: ListedContract, date: dt.date) -> ReferencePath:
        start_ns, n_minutes, n_until_close = self._session(contract, date)
        levels, sds = session_path.minute_levels(
            self._draws(date, contract.root, "minutes"),
            self._daily(contract).day(date, hours.previous_trading_day(date)),
            n_minutes,
            n_until_close,
            PriceRoot.of(contract).band_bps,
        )
        interval_ns = self._cfg.tick_interval_ms * NS_PER_MS
        counts = session_path.trades_in_minutes(
            interval_ns, n_minutes, self._cfg.first_minutes or n_minutes
        )
        draws = self._draws(date, contract.root, "trades")
        made = session_path.trade_levels(draws, levels, sds, counts)
        end_ns = start_ns + len(made) * interval_ns
        return ReferencePath(array("q", range(start_ns, end_ns, interval_ns)), made)

    def _make(self, contract: ListedContract, date: dt.date) -> PricePath:
        reference = self._reference(contract, date)
        start_ns, end_ns = contract.session_ns(date)
        first = bisect_left(reference.ts_ns, start_ns)
        after = bisect_left(reference.ts_ns, end_ns, first)
        own = self._bars.get((contract.root, date))
        is_as_given = own is not None and own[1].expiry == contract.expiry
        path = PricePath(ts_ns=reference.ts_ns[first:after])
        maker = TradeMaker(contract, path, (end_ns - start_ns) // MINUTE_NS)
        bits = self._draws(date, contract.key, "trades").many(after - first)
        for low, high, minute_ns in reference.minutes:
            low, high = max(low, first), min(high, after)
            if low < high:
                values = self._values(contract, date, minute_ns, reference.levels[low:high])
                minute = (minute_ns - start_ns) // MINUTE_NS
                maker.add(values, bits[low - first : high - first], minute, is_as_given=is_as_given)
        if own is None and path.px_e4:
            low_e4, high_e4 = self._ordinary_band_e4(contract, date)
            if min(path.px_e4) < low_e4 or max(path.px_e4) > high_e4:
                path.px_e4 = array("q", [min(high_e4, max(low_e4, px)) for px in path.px_e4])
        given = self._file_qty.get((contract.root, date))
        if given and own and given[0] >= 0 and own[1].key == contract.key:
            path.qty = given[first:after]
        return path

    def _values_at_close(
        self, contract: ListedContract, date: dt.date, levels: list[int]
    ) -> list[int]:
        """Of the instrument with its root at these levels at the close before that day."""
        before = hours.previous_trading_day(date)
        before_ns = hours.ist_ns(before, "15:30")
        scale = self._close_before(contract, date)
        forwards = self._carried(contract, date, before_ns, levels)
        if not contract.is_option:
            return forwards
        assert contract.expiry is not None
        units_q16 = units_until(contract.expiry) - units_until(before) << 16
        return self._option(contract, forwards, scale, units_q16)

    def _values(
        self, contract: ListedContract, date: dt.date, minute_ns: int, levels: array[int]
    ) -> list[int]:
        """Of the instrument in one minute, with its root at these levels."""
        if contract.expiry is None:
            return levels.tolist()
        forwards = self._carried(contract, date, minute_ns, levels)
        if not contract.is_option:
            return forwards
        units_q16 = self._units_left_q16(contract, date, minute_ns)
        return self._option(contract, forwards, self._close_before(contract, date), units_q16)

    def _units_left_q16(self, contract: ListedContract, date: dt.date, at_ns: int) -> int:
        """Units of variance from a minute of that day to the option's expiry."""
        assert contract.expiry is not None
        start_ns, _, n_until_close = self._session(contract, date)
        minute = min(max((at_ns - start_ns) // MINUTE_NS, 0), n_until_close)
        left_q16 = session_path.variance_left_q16(n_until_close)[minute]
        units_q16 = units_until(contract.expiry) - units_until(date) << 16
        return max(0, units_q16 + (units_of(date) * 3 * left_q16 >> 2))

    def outlook(
        self, contract: ListedContract, date: dt.date, at_ns: int, spot_e4: int
    ) -> OptionOutlook:
        """Of an option, with its root at that price."""
        forward = self._carried(contract, date, at_ns, [spot_e4 << UNIT_BITS])[0]
        units_q16 = self._units_left_q16(contract, date, at_ns)
        sd = self._option_sd(contract, self._close_before(contract, date), units_q16)
        iv = PriceRoot.of(contract).sigma_ppm * PREMIUM_PERCENT / 100 / PPM * sqrt(TRADING_DAYS)
        scale = E4 << UNIT_BITS
        return OptionOutlook(forward / scale, sd / scale, units_q16 / (1 << 16), iv)

    def _carried(
        self, contract: ListedContract, date: dt.date, at_ns: int, levels: list[int] | array[int]
    ) -> list[int]:
        """The future of the instrument's expiry."""
        if contract.expiry is None:
            return list(levels)
        left_s = (hours.ist_ns(contract.expiry, "15:30") - at_ns) // NS_PER_S
        own = self._bars.get((contract.root, date))
        if own and own[1].expiry is not None:
            left_s = (contract.expiry - own[1].expiry).days * 86_400
        elif left_s < 0:
            left_s = 0
        carry_q32 = (CARRY_BPS * left_s << 32) // (10_000 * YEAR_S)
        return [level + (level * carry_q32 >> 32) for level in levels]

    def _option(
        self, contract: ListedContract, forwards: list[int], scale: int, units_q16: int
    ) -> list[int]:
        """At these levels of the future, with so many units of variance until expiry."""
        sd = self._option_sd(contract, scale, units_q16)
        strike = contract.strike_e4 << UNIT_BITS
        return option_values(forwards, strike, sd, contract.instrument_type == "CE")

    def _option_sd(self, contract: ListedContract, scale: int, units_q16: int) -> int:
        """Standard deviation of the future until expiry, in units; `scale`: what volatility is of."""
        day_sd = scale * PriceRoot.of(contract).sigma_ppm // PPM * PREMIUM_PERCENT // 100
        return isqrt(day_sd * day_sd * max(units_q16, 0) >> 18)


def _keep(kept: dict[tuple[str, dt.date], Kept], key: tuple[str, dt.date], value: Kept) -> Kept:
    """The oldest one goes when there are too many."""
    if len(kept) >= KEPT_PATHS:
        del kept[next(iter(kept))]
    kept[key] = value
    return value
