"""The instruments of a trading date, with the facts that only an exchange knows (freeze quantity,
band, volatility).
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from otrade.simulator.base import hours
from otrade.simulator.base.config import Listing
from otrade.simulator.base.listings import (
    INDEX_SYMBOLS,
    INDICES,
    SHARES,
    UNDERLYINGS,
    ListedIndex,
    lot_size,
    share_lot,
    share_option_tick_e4,
    share_step_e4,
    share_tick_e4,
)

E4 = 10_000
SEGMENT_IDS = {"NSE": 1, "NFO": 2, "CDS": 3, "BSE": 4, "BFO": 5, "BCD": 6, "MCX": 7, "INDICES": 9}
AT_THE_MONEY = re.compile(r"(\w+):([^.]+)\.ATM([+-]\d{1,2})?(CE|PE)")
STRIKES = 9
"""Of an index on either side of the money, where only what is near is listed."""
SHARE_STRIKES = 10
WEEKS, MONTHS, FAR_QUARTERS = 5, 3, 3
"""Where the whole exchange is listed: expiries by week, by month, and then by quarter, up to a year
ahead.
"""
KINDS = {"FUT": 0, "CE": 1, "PE": 2}


@dataclass(frozen=True, slots=True)
class ListedContract:
    """One instrument. Prices are ten-thousandths of a rupee, quantities are what an order for it
    states.
    """

    token: int
    exchange: str
    tradingsymbol: str
    name: str
    segment: str
    instrument_type: str
    tick_e4: int
    lot: int
    freeze_qty: int
    band_bps: int
    """Daily price band around the previous close."""
    hours_kind: str
    root: str
    """Whose reference path drives the price."""
    base_e4: int
    """Long-term level of the root."""
    day_sigma: float
    """Standard deviation of the root's daily return."""
    depth_lots: int
    """Typical quantity of one depth level."""
    multiplier: int = 1
    expiry: dt.date | None = None
    strike_e4: int = 0
    is_weekly: bool = False

    @property
    def key(self) -> str:
        """As the REST interface names it, `EXCH:SYMBOL`."""
        return f"{self.exchange}:{self.tradingsymbol}"

    @property
    def tradable(self) -> bool:
        return self.segment != "INDICES"

    @property
    def is_option(self) -> bool:
        return self.instrument_type in ("CE", "PE")

    @property
    def is_of_index(self) -> bool:
        """The index itself, or a contract on it."""
        return self.root in INDEX_SYMBOLS

    def session_ns(self, date: dt.date) -> tuple[int, int]:
        """Start and end of continuous trading."""
        is_index_expiry = self.expiry == date and self.is_of_index
        start, end = hours.hours(self.hours_kind, date, is_index_expiry=is_index_expiry)
        return hours.ist_ns(date, start), hours.ist_ns(date, end)


def _months(date: dt.date, expiry_of: Callable[[int, int], dt.date], count: int) -> list[dt.date]:
    """The next `count` monthly expiries that have not passed."""
    year, month, found = date.year, date.month, list[dt.date]()
    while len(found) < count:
        expiry = expiry_of(year, month)
        if expiry >= date:
            found.append(expiry)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found


def _token(exchange: str, root: str, expiry: dt.date, kind: str = "FUT", strike: int = 0) -> int:
    """Of a derivative, the same on every day of its life; `strike` in steps. Tokens come again after
    64 weeks, as the real exchange uses them again.
    """
    number = UNDERLYINGS.index(root) + 1
    week = expiry.toordinal() // 7 % 64
    place = ((number * 64 + week) * 1024 + strike % 1024) * 4 + KINDS[kind]
    return place << 8 | SEGMENT_IDS[exchange]


def _other_token(exchange: str, expiry: dt.date, slot: int) -> int:
    """Of a contract on a commodity or a currency."""
    return (40_000 + (expiry.year * 12 + expiry.month) % 60 * 200 + slot) << 8 | SEGMENT_IDS[
        exchange
    ]


def derivative_symbol(name: str, expiry: dt.date, what: str, *, is_weekly: bool = False) -> str:
    """As Kite writes it: NIFTY26NOVFUT, NIFTY26NOV26000CE, and of a week NIFTY26D0126000CE."""
    if is_weekly:
        return f"{name}{expiry:%y}{'123456789OND'[expiry.month - 1]}{expiry:%d}{what}"
    return f"{name}{expiry:%y}{expiry:%b}{what}".upper()


@dataclass(frozen=True, slots=True)
class _Expiry:
    """One day on which contracts of an underlying end."""

    date: dt.date
    is_weekly: bool
    strikes: int
    """On either side of the money; 0: no options."""
    has_future: bool


class Universe:
    """All contracts of one trading date, by token and by `EXCH:SYMBOL`."""

    def __init__(
        self,
        date: dt.date,
        symbols: Iterable[str] = (),
        levels: dict[str, float] | None = None,
        closes: dict[str, float] | None = None,
        listing: Listing = "near",
    ) -> None:
        """`levels`: price level in rupees of a root (`NIFTY 50`, `INFY`) where a price file says
        otherwise. `closes`: where a root closed the day before; its strikes are around that.
        """
        self.date = date
        self._levels = levels or {}
        self._closes = closes or {}
        self._is_whole = listing == "whole"
        keep = set(symbols)
        unknown = keep - {share[1] for share in SHARES}
        if unknown:
            known = ", ".join(share[1] for share in SHARES)
            raise ValueError(
                f"symbols: no such share in the simulator: {', '.join(sorted(unknown))}; "
                f"known are {known}"
            )
        self._plain: list[ListedContract] = []
        """All but options, of which there may be thousands: they are made when somebody asks."""
        self._options: list[tuple[ListedContract, list[_Expiry], int]] = []
        """(future, the expiries, step between strikes) of what has options."""
        for share in SHARES:
            if not keep or share[1] in keep:
                self._add_share(*share)
        for share in SHARES:
            if share[5] and (not keep or share[1] in keep):
                self._add_share_derivatives(share[1], share[3], share[4])
        for index in INDICES:
            if index.is_near or self._is_whole:
                self._add_index(index)
        self._add_other()

    @cached_property
    def contracts(self) -> list[ListedContract]:
        """Everything that is listed."""
        return [*self._plain, *self._listed_options()]

    @cached_property
    def by_token(self) -> dict[int, ListedContract]:
        return {contract.token: contract for contract in self.contracts}

    @cached_property
    def by_key(self) -> dict[str, ListedContract]:
        return {contract.key: contract for contract in self.contracts}

    def underlying(self, contract: ListedContract) -> ListedContract:
        """The share or index whose price a contract follows; itself where that is not listed."""
        return self._roots.get(contract.root, contract)

    def underlyings(self) -> list[ListedContract]:
        """Shares and indices."""
        return list(self._roots.values())

    @cached_property
    def _roots(self) -> dict[str, ListedContract]:
        return {c.root: c for c in self._plain if c.expiry is None}

    def resolve(self, key: str) -> ListedContract:
        """`NFO:NIFTY.FUT` is the nearest future, `NFO:NIFTY.ATM-1CE` the option one strike below the
        money that expires next. ValueError when there is no such instrument.
        """
        option = AT_THE_MONEY.fullmatch(key)
        if option is not None:
            found = self._near_the_money(*option.groups())
            if found is not None:
                return found
        if key.endswith(".FUT"):
            exchange, _, name = key[:-4].partition(":")
            futures = [
                c
                for c in self._plain
                if c.exchange == exchange and c.name == name and c.instrument_type == "FUT"
            ]
            if futures:
                return min(futures, key=lambda c: c.expiry or dt.date.max)
        elif key in self.by_key:
            return self.by_key[key]
        raise ValueError(
            f"no instrument {key!r} on {self.date}; write EXCH:SYMBOL, EXCH:NAME.FUT or "
            f"EXCH:NAME.ATMCE, for example NSE:INFY or NFO:NIFTY.FUT"
        )

    def _near_the_money(
        self, exchange: str, name: str, away: str | None, right: str
    ) -> ListedContract | None:
        """Strikes are listed around the money, as many on either side."""
        chain = [
            c
            for c in self.contracts
            if (c.exchange, c.name, c.instrument_type) == (exchange, name, right)
        ]
        first = min((c.expiry for c in chain if c.expiry is not None), default=None)
        listed = sorted((c for c in chain if c.expiry == first), key=lambda c: c.strike_e4)
        at = len(listed) // 2 + int(away or 0)
        return listed[at] if 0 <= at < len(listed) else None

    def _add_share(
        self, number: int, symbol: str, name: str, level: float, sigma: float, fno: bool
    ) -> None:
        level = self._levels.get(symbol, level)
        self._plain.append(
            ListedContract(
                token=number << 8 | SEGMENT_IDS["NSE"],
                exchange="NSE",
                tradingsymbol=symbol,
                name=name,
                segment="NSE",
                instrument_type="EQ",
                tick_e4=share_tick_e4(level),
                lot=1,
                freeze_qty=max(1000, int(1e9 / level) // 100 * 100),
                band_bps=1000 if fno else 2000,
                hours_kind="cash_fno" if fno else "cash",
                root=symbol,
                base_e4=round(level * E4),
                day_sigma=sigma,
                depth_lots=max(20, int(400_000 / level)),
            )
        )

    def _add_share_derivatives(self, symbol: str, level: float, sigma: float) -> None:
        """At least the nearest future: its being listed is how a client knows that the share has
        derivatives.
        """
        level = self._levels.get(symbol, level)
        strikes = SHARE_STRIKES if self._is_whole else 0
        months = _months(self.date, hours.monthly_expiry, MONTHS if self._is_whole else 1)
        futures = [
            ListedContract(
                token=_token("NFO", symbol, expiry),
                exchange="NFO",
                tradingsymbol=derivative_symbol(symbol, expiry, "FUT"),
                name=symbol,
                segment="NFO-FUT",
                instrument_type="FUT",
                tick_e4=share_tick_e4(level),
                lot=share_lot(level),
                freeze_qty=40 * share_lot(level),
                band_bps=1000,
                hours_kind="fno",
                root=symbol,
                base_e4=round(level * E4),
                day_sigma=sigma,
                depth_lots=8,
                expiry=expiry,
            )
            for expiry in months
        ]
        self._plain += futures
        expiries = [_Expiry(expiry, False, strikes, True) for expiry in months]
        self._options.append((futures[0], expiries, share_step_e4(level)))

    def _expiries(self, index: ListedIndex, exchange: str) -> list[_Expiry]:
        """Of an index's contracts: two futures and the nearest month's options, or all that there
        are.
        """

        def of_month(year: int, month: int) -> dt.date:
            return hours.monthly_expiry(year, month, exchange)

        if not self._is_whole:
            near, after = _months(self.date, of_month, 2)
            return [_Expiry(near, False, STRIKES, True), _Expiry(after, False, 0, True)]
        months = _months(self.date, of_month, 14)
        found = {day: _Expiry(day, False, index.strikes, True) for day in months[:MONTHS]}
        if index.has_weeks:
            quarters = [day for day in months[MONTHS:] if day.month % 3 == 0][:FAR_QUARTERS]
            found |= {day: _Expiry(day, False, 20, False) for day in quarters}
            for day in hours.weekly_expiries(self.date, exchange, WEEKS):
                found.setdefault(day, _Expiry(day, True, index.strikes, False))
        return [found[day] for day in sorted(found)]

    def _add_index(self, index: ListedIndex) -> None:
        level = self._levels.get(index.symbol, index.level)
        exchange = "NFO" if index.exchange == "NSE" else "BFO"
        self._plain.append(
            ListedContract(
                token=index.number << 8 | SEGMENT_IDS["INDICES"],
                exchange=index.exchange,
                tradingsymbol=index.symbol,
                name=index.symbol,
                segment="INDICES",
                instrument_type="EQ",
                tick_e4=500,
                lot=0,
                freeze_qty=0,
                band_bps=2000,
                hours_kind="index",
                root=index.symbol,
                base_e4=round(level * E4),
                day_sigma=index.sigma,
                depth_lots=0,
            )
        )
        expiries = self._expiries(index, exchange)
        futures = [
            ListedContract(
                token=_token(exchange, index.symbol, expiry.date),
                exchange=exchange,
                tradingsymbol=derivative_symbol(index.name, expiry.date, "FUT"),
                name=index.name,
                segment=f"{exchange}-FUT",
                instrument_type="FUT",
                tick_e4=index.future_tick_e4,
                lot=lot_size(index.name, expiry.date),
                freeze_qty=index.freeze_qty,
                band_bps=1000,
                hours_kind="fno",
                root=index.symbol,
                base_e4=round(level * E4),
                day_sigma=index.sigma,
                depth_lots=index.depth_lots,
                expiry=expiry.date,
            )
            for expiry in expiries
            if expiry.has_future
        ]
        self._plain += futures
        self._options.append((futures[0], expiries, index.step * E4))

    def _listed_options(self) -> Iterator[ListedContract]:
        for future, expiries, step_e4 in self._options:
            level = self._closes.get(future.root, future.base_e4 / E4)
            at_the_money = round(level * E4 / step_e4)
            tick_e4 = 500 if future.is_of_index else share_option_tick_e4(level, self.date)
            for expiry in expiries:
                if expiry.strikes:
                    # As many on either side: a share may be too cheap for all of them.
                    n_strikes = min(expiry.strikes, at_the_money - 1)
                    lot = lot_size(future.name, expiry.date) if future.is_of_index else future.lot
                    first, last = at_the_money - n_strikes, at_the_money + n_strikes
                    for strike in range(first, last + 1):
                        for kind in ("CE", "PE"):
                            yield self._option(future, expiry, strike, step_e4, kind, lot, tick_e4)

    def _option(
        self,
        future: ListedContract,
        expiry: _Expiry,
        strike: int,
        step_e4: int,
        kind: str,
        lot: int,
        tick_e4: int,
    ) -> ListedContract:
        strike_e4 = strike * step_e4
        return ListedContract(
            token=_token(future.exchange, future.root, expiry.date, kind, strike),
            exchange=future.exchange,
            tradingsymbol=derivative_symbol(
                future.name,
                expiry.date,
                f"{strike_e4 / E4:g}{kind}",
                is_weekly=expiry.is_weekly,
            ),
            name=future.name,
            segment=f"{future.exchange}-OPT",
            instrument_type=kind,
            tick_e4=tick_e4,
            lot=lot,
            freeze_qty=future.freeze_qty,
            band_bps=4000,
            hours_kind="fno",
            root=future.root,
            base_e4=future.base_e4,
            day_sigma=future.day_sigma,
            depth_lots=future.depth_lots * 3,
            expiry=expiry.date,
            strike_e4=strike_e4,
            is_weekly=expiry.is_weekly,
        )

    def _add_other(self) -> None:
        crude = _months(self.date, hours.commodity_expiry, 1)[0]
        level = self._levels.get("CRUDEOIL", 5320.0)
        self._plain.append(
            ListedContract(
                token=_other_token("MCX", crude, 180),
                exchange="MCX",
                tradingsymbol=f"CRUDEOIL{crude:%y}{crude:%b}FUT".upper(),
                name="CRUDEOIL",
                segment="MCX-FUT",
                instrument_type="FUT",
                tick_e4=10_000,
                lot=1,
                freeze_qty=100,
                band_bps=400,
                hours_kind="mcx",
                root="CRUDEOIL",
                base_e4=round(level * E4),
                day_sigma=0.016,
                depth_lots=4,
                multiplier=100,
                expiry=crude,
            )
        )
        dollar = _months(self.date, hours.currency_expiry, 1)[0]
        level = self._levels.get("USDINR", 88.6)
        self._plain.append(
            ListedContract(
                token=_other_token("CDS", dollar, 190),
                exchange="CDS",
                tradingsymbol=f"USDINR{dollar:%y}{dollar:%b}FUT".upper(),
                name="USDINR",
                segment="CDS-FUT",
                instrument_type="FUT",
                tick_e4=25,
                lot=1,
                freeze_qty=10_000,
                band_bps=300,
                hours_kind="cds",
                root="USDINR",
                base_e4=round(level * E4),
                day_sigma=0.003,
                depth_lots=300,
                multiplier=1000,
                expiry=dollar,
            )
        )
