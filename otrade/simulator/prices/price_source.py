"""Where the prices of every instrument and day come from: a seeded session, or bars of the user's
file.

A root (a share, an index) has one reference path a day; its futures and options are derived from
that, so that they move together. Everything is a function of the seed, the root and the date alone.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from array import array

from otrade.simulator.base import hours
from otrade.simulator.base.config import NS_PER_MS, NS_PER_S, SimConfig
from otrade.simulator.base.universe import E4, ListedContract, Universe
from otrade.simulator.prices import bar_trades, price_file
from otrade.simulator.prices.file_days import BarsOutsideSessions
from otrade.simulator.prices.price_paths import (
    PricePath,
    ReferencePath,
    option_e4,
    times,
    traded,
    walk,
)

CARRY_RATE = 0.065
"""Interest a year by which a future stands above its index."""
NS_PER_MINUTE = 60 * NS_PER_S
COARSE_NS = 10 * NS_PER_S
"""Grid of the days before the simulation, of which only candles are ever asked."""


class PriceSource:
    """Paths and previous closes, made on first use and kept. ValueError on a price file that cannot
    be used.
    """

    def __init__(self, cfg: SimConfig) -> None:
        self._cfg = cfg
        self.book_percent = cfg.book_percent
        self.files = {key: price_file.read(path) for key, path in cfg.prices.items()}
        self._lengths = {
            key: bar_trades.bar_length_ns(file.days.values()) for key, file in self.files.items()
        }
        self._references: dict[tuple[str, dt.date, bool], ReferencePath] = {}
        self._file_qty: dict[tuple[str, dt.date], array[int]] = {}
        self._paths: dict[tuple[str, dt.date, bool], PricePath] = {}
        self._closes: dict[tuple[str, dt.date], int] = {}
        # (root, date) -> the file's bars and the contract which they are of
        self._bars: dict[tuple[str, dt.date], tuple[list[price_file.FileBar], ListedContract]] = {}
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
                c.root: self._anchor_e4(c, date) / E4
                for c in first.underlyings()
                if c.root not in roots
            }
            self._universes[date] = Universe(
                date, self._cfg.symbols, levels, closes, self._cfg.listing
            )
        return self._universes[date]

    def path(self, contract: ListedContract, date: dt.date, *, coarse: bool = False) -> PricePath:
        """The day's trades of one contract; `coarse` for days of which only candles are wanted."""
        key = (contract.key, date, coarse)
        if key not in self._paths:
            self._paths[key] = self._make(contract, date, coarse)
        return self._paths[key]

    def earlier(self, contract: ListedContract, date: dt.date, *, coarse: bool) -> PricePath:
        """The trades of a day before, which nobody trades any more: made anew when they are not kept.
        Of a root with prices of a user, no day is invented.
        """
        kept = self._paths.get((contract.key, date, coarse))
        if kept is not None:
            return kept
        is_of_file = any(root == contract.root for root, _ in self._bars)
        if is_of_file and (contract.root, date) not in self._bars:
            return PricePath()
        is_new = (contract.root, date, coarse) not in self._references
        made = self._make(contract, date, coarse)
        if is_new:
            self._references.pop((contract.root, date, coarse), None)
        return made

    def set_path(
        self, contract: ListedContract, date: dt.date, path: PricePath, close_e4: int
    ) -> None:
        """Put hand-made trades, and the close before them, in the place of generated ones."""
        self._paths[contract.key, date, False] = path
        self._closes[contract.key, date] = close_e4

    def forget_before(self, date: dt.date) -> None:
        """Days that are over need no memory: whoever asks for their candles has them made again."""
        self._references = {k: made for k, made in self._references.items() if k[1] >= date}
        self._paths = {k: made for k, made in self._paths.items() if k[1] >= date}
        self._file_qty = {k: made for k, made in self._file_qty.items() if k[1] >= date}
        self._universes = {k: made for k, made in self._universes.items() if k >= date}

    def _is_of_file(self, contract: ListedContract, date: dt.date) -> bool:
        """A user's prices are played as they are: bands widen for them. Options are priced from
        them and keep their own.
        """
        return (contract.root, date) in self._bars and not contract.is_option

    def band_e4(self, contract: ListedContract, date: dt.date) -> tuple[int, int]:
        """Lowest and highest price allowed that day: wider by a twentieth where the user's prices
        leave the ordinary band, as the exchange's flexing does it.
        """
        low_e4, high_e4 = band_e4(contract, self.previous_close_e4(contract, date))
        if self._is_of_file(contract, date) and (path := self.path(contract, date)):
            least_e4, most_e4, tick_e4 = min(path.px_e4), max(path.px_e4), contract.tick_e4
            if least_e4 < low_e4:
                low_e4 = max(tick_e4, least_e4 * 95 // 100 // tick_e4 * tick_e4)
            if most_e4 > high_e4:
                high_e4 = most_e4 * 105 // 100 // tick_e4 * tick_e4
        return low_e4, high_e4

    def previous_close_e4(self, contract: ListedContract, date: dt.date) -> int:
        """Close of the session before."""
        if (contract.key, date) in self._closes:
            return self._closes[contract.key, date]
        spot_e4 = self._close_before_e4(contract, date)
        before_ns = hours.ist_ns(hours.previous_trading_day(date), "15:30")
        return contract.round_e4(self._derived_e4(contract, date, before_ns, spot_e4))

    def _close_before_e4(self, contract: ListedContract, date: dt.date) -> float:
        if (contract.root, date) not in self._bars:
            return self._anchor_e4(contract, date)
        earlier = [day for root, day in self._bars if root == contract.root and day < date]
        if earlier:
            return self._bars[contract.root, max(earlier)][0][-1].close_e4
        return self._bars[contract.root, date][0][0].open_e4

    def _anchor_e4(self, contract: ListedContract, date: dt.date) -> float:
        """The root's level before that date: slow waves around its base."""
        rng = random.Random(f"{self._cfg.seed}:{contract.root}:waves")
        day = date.toordinal()
        size = contract.day_sigma
        log = 0.0
        for days, height in ((61.0, 3.0), (17.0, 1.5), (5.3, 0.6)):
            log += height * size * math.sin(2 * math.pi * day / days + rng.uniform(0, 2 * math.pi))
        return contract.base_e4 * math.exp(log)

    def _reference(self, contract: ListedContract, date: dt.date, coarse: bool) -> ReferencePath:
        key = (contract.root, date, coarse)
        if key in self._references:
            return self._references[key]
        seed = f"{self._cfg.seed}:{contract.root}:{date}"
        if (contract.root, date) in self._bars:
            bars, _ = self._bars[contract.root, date]
            made, qty = bar_trades.reference(
                bars, self._cfg.bar_ticks, seed, self._length_of[contract.root, date]
            )
            self._file_qty[contract.root, date] = qty
        else:
            kind = "fno" if contract.hours_kind in ("index", "fno") else contract.hours_kind
            start, end = hours.hours(kind, date)
            interval_ns = COARSE_NS if coarse else self._cfg.tick_interval_ms * NS_PER_MS
            grid = times(hours.ist_ns(date, start), hours.ist_ns(date, end), interval_ns)
            made = walk(
                seed,
                grid,
                self._anchor_e4(contract, date),
                self._anchor_e4(contract, hours.next_trading_day(date)),
                contract.day_sigma,
                0 if coarse else self._cfg.first_minutes * NS_PER_MINUTE // interval_ns,
            )
        self._references[key] = made
        return made

    def _make(self, contract: ListedContract, date: dt.date, coarse: bool) -> PricePath:
        reference = self._reference(contract, date, coarse)
        start_ns, end_ns = contract.session_ns(date)
        is_free = self._is_of_file(contract, date)
        low_e4, high_e4 = band_e4(contract, self.previous_close_e4(contract, date))
        tick_e4 = contract.tick_e4
        plain = contract.expiry is None
        prices = array("q")
        ts = array("q")
        for ts_ns, spot_e4 in zip(reference.ts_ns, reference.px_e4, strict=True):
            if not start_ns <= ts_ns < end_ns:
                continue
            value = spot_e4 if plain else self._derived_e4(contract, date, ts_ns, spot_e4)
            price_e4 = round(value / tick_e4) * tick_e4
            prices.append(
                price_e4
                if is_free
                else low_e4
                if price_e4 < low_e4
                else high_e4
                if price_e4 > high_e4
                else price_e4
            )
            ts.append(ts_ns)
        n_day = len(prices)
        if self._cfg.first_minutes and not coarse and (contract.root, date) not in self._bars:
            n_day = (end_ns - start_ns) // (self._cfg.tick_interval_ms * NS_PER_MS)
        path = traded(
            f"{self._cfg.seed}:{contract.key}:{date}",
            contract,
            ReferencePath(ts, array("d")),
            prices,
            n_day,
        )
        given = self._file_qty.get((contract.root, date))
        own = self._bars.get((contract.root, date))
        if given and own and given[0] >= 0 and own[1].key == contract.key:
            inside = [
                q for q, t in zip(given, reference.ts_ns, strict=True) if start_ns <= t < end_ns
            ]
            path.qty = array("q", inside)
        return path

    def _derived_e4(
        self, contract: ListedContract, date: dt.date, ts_ns: int, spot_e4: float
    ) -> float:
        if contract.expiry is None:
            return spot_e4
        days = (hours.ist_ns(contract.expiry, "15:30") - ts_ns) / NS_PER_S / 86_400
        if contract.is_option:
            sigma_year = contract.day_sigma * math.sqrt(252) * 1.1
            return option_e4(
                spot_e4, contract.strike_e4, days, sigma_year, contract.instrument_type
            )
        own = self._bars.get((contract.root, date))
        if own and own[1].expiry is not None:
            days = (contract.expiry - own[1].expiry).days
        return spot_e4 * math.exp(CARRY_RATE * max(days, 0) / 365)


def band_e4(contract: ListedContract, close_e4: int) -> tuple[int, int]:
    """Lowest and highest price allowed in a day that follows that close. An option's is at least 20
    rupees wide.
    """
    tick_e4 = contract.tick_e4
    width_e4 = close_e4 * contract.band_bps // 10_000
    if contract.is_option:
        width_e4 = max(width_e4, 200_000, contract.base_e4 // 100)
    low = max(tick_e4, -(-(close_e4 - width_e4) // tick_e4) * tick_e4)
    return low, (close_e4 + width_e4) // tick_e4 * tick_e4
