"""The instruments of a trading date, with the facts that only an exchange knows (freeze quantity,
band, volatility).
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from otrade.simulator.base import hours
from otrade.simulator.base.listings import INDICES, SHARES, lot_size, share_tick_e4

E4 = 10_000
SEGMENT_IDS = {"NSE": 1, "NFO": 2, "CDS": 3, "BSE": 4, "BFO": 5, "BCD": 6, "MCX": 7, "INDICES": 9}
STRIKES = 9
"""Listed on either side of the money: as many as the numbers of an underlying's contracts have room
for.
"""


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

    def session_ns(self, date: dt.date) -> tuple[int, int]:
        """Start and end of continuous trading."""
        start, end = hours.hours(self.hours_kind, date, self.expiry)
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


def _token(segment: str, year: int, month: int, slot: int) -> int:
    """Token of a derivative; reused after some years, as on the real exchange."""
    return (40_000 + (year * 12 + month) % 60 * 200 + slot) << 8 | SEGMENT_IDS[segment]


class Universe:
    """All contracts of one trading date, by token and by `EXCH:SYMBOL`."""

    def __init__(
        self,
        date: dt.date,
        symbols: Iterable[str] = (),
        levels: dict[str, float] | None = None,
        closes: dict[str, float] | None = None,
    ) -> None:
        """`levels`: price level in rupees of a root (`NIFTY 50`, `INFY`) where a price file says
        otherwise. `closes`: where a root closed the day before; its strikes are around that.
        """
        self.date = date
        self._levels = levels or {}
        self._closes = closes or {}
        keep = set(symbols)
        unknown = keep - {share[1] for share in SHARES}
        if unknown:
            known = ", ".join(share[1] for share in SHARES)
            raise ValueError(
                f"symbols: no such share in the simulator: {', '.join(sorted(unknown))}; "
                f"known are {known}"
            )
        self.contracts: list[ListedContract] = []
        for share in SHARES:
            if not keep or share[1] in keep:
                self._add_share(*share)
        for i, share in enumerate(SHARES):
            if share[5] and (not keep or share[1] in keep):
                self._add_share_future(i, share[1], share[3], share[4])
        for index in INDICES:
            self._add_index(*index)
        self._add_other()
        self.by_token = {contract.token: contract for contract in self.contracts}
        self.by_key = {contract.key: contract for contract in self.contracts}

    def resolve(self, key: str) -> ListedContract:
        """`NFO:NIFTY.FUT` is the nearest future, `NFO:NIFTY.ATMCE` (or `PE`) the nearest option at the
        money. ValueError when there is no such instrument.
        """
        if key.endswith(".FUT"):
            exchange, _, name = key[:-4].partition(":")
            futures = [
                c
                for c in self.contracts
                if c.exchange == exchange and c.name == name and c.instrument_type == "FUT"
            ]
            if futures:
                return min(futures, key=lambda c: c.expiry or dt.date.max)
        elif key.endswith((".ATMCE", ".ATMPE")):
            exchange, _, name = key[:-6].partition(":")
            options = [
                c
                for c in self.contracts
                if (c.exchange, c.name, c.instrument_type) == (exchange, name, key[-2:])
            ]
            if options:
                nearest = min(c.expiry or dt.date.max for c in options)
                listed = sorted(c.strike_e4 for c in options if c.expiry == nearest)
                at_the_money = listed[len(listed) // 2]
                return next(
                    c for c in options if (c.expiry, c.strike_e4) == (nearest, at_the_money)
                )
        elif key in self.by_key:
            return self.by_key[key]
        raise ValueError(
            f"no instrument {key!r} on {self.date}; write EXCH:SYMBOL or EXCH:NAME.FUT, "
            f"for example NSE:INFY or NFO:NIFTY.FUT"
        )

    def _add_share(
        self, number: int, symbol: str, name: str, level: float, sigma: float, fno: bool
    ) -> None:
        level = self._levels.get(symbol, level)
        self.contracts.append(
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

    def _add_share_future(self, place: int, symbol: str, level: float, sigma: float) -> None:
        """The nearest future of a share: its being listed is how a client knows that the share has
        derivatives.
        """
        level = self._levels.get(symbol, level)
        expiry = _months(self.date, hours.monthly_expiry, 1)[0]
        self.contracts.append(
            ListedContract(
                token=_token("NFO", expiry.year, expiry.month, 100 + place),
                exchange="NFO",
                tradingsymbol=f"{symbol}{expiry:%y}{expiry:%b}FUT".upper(),
                name=symbol,
                segment="NFO-FUT",
                instrument_type="FUT",
                tick_e4=share_tick_e4(level),
                lot=max(25, round(750_000 / level / 25) * 25),
                freeze_qty=40 * max(25, round(750_000 / level / 25) * 25),
                band_bps=1000,
                hours_kind="fno",
                root=symbol,
                base_e4=round(level * E4),
                day_sigma=sigma,
                depth_lots=8,
                expiry=expiry,
            )
        )

    def _add_index(
        self,
        number: int,
        symbol: str,
        name: str,
        level: float,
        sigma: float,
        tick_e4: int,
        step: int,
        freeze_qty: int,
        depth_lots: int,
    ) -> None:
        level = self._levels.get(symbol, level)
        self.contracts.append(
            ListedContract(
                token=number << 8 | SEGMENT_IDS["INDICES"],
                exchange="NSE",
                tradingsymbol=symbol,
                name=symbol,
                segment="INDICES",
                instrument_type="EQ",
                tick_e4=500,
                lot=0,
                freeze_qty=0,
                band_bps=2000,
                hours_kind="index",
                root=symbol,
                base_e4=round(level * E4),
                day_sigma=sigma,
                depth_lots=0,
            )
        )
        expiries = _months(self.date, hours.monthly_expiry, 2)
        for expiry in expiries:
            stem = f"{name}{expiry:%y}{expiry:%b}".upper()
            slot = number % 100 * 40
            self.contracts.append(
                ListedContract(
                    token=_token("NFO", expiry.year, expiry.month, slot % 160),
                    exchange="NFO",
                    tradingsymbol=stem + "FUT",
                    name=name,
                    segment="NFO-FUT",
                    instrument_type="FUT",
                    tick_e4=tick_e4,
                    lot=lot_size(name, expiry),
                    freeze_qty=freeze_qty,
                    band_bps=1000,
                    hours_kind="fno",
                    root=symbol,
                    base_e4=round(level * E4),
                    day_sigma=sigma,
                    depth_lots=depth_lots,
                    expiry=expiry,
                )
            )
        expiry = expiries[0]
        at_the_money = round(self._closes.get(symbol, level) / step) * step
        for i, strike in enumerate(
            at_the_money + step * offset for offset in range(-STRIKES, STRIKES + 1)
        ):
            for j, kind in enumerate(("CE", "PE")):
                self.contracts.append(
                    ListedContract(
                        token=_token("NFO", expiry.year, expiry.month, slot % 160 + 1 + 2 * i + j),
                        exchange="NFO",
                        tradingsymbol=f"{name}{expiry:%y}{expiry:%b}{strike}{kind}".upper(),
                        name=name,
                        segment="NFO-OPT",
                        instrument_type=kind,
                        tick_e4=500,
                        lot=lot_size(name, expiry),
                        freeze_qty=freeze_qty,
                        band_bps=4000,
                        hours_kind="fno",
                        root=symbol,
                        base_e4=round(level * E4),
                        day_sigma=sigma,
                        depth_lots=depth_lots * 3,
                        expiry=expiry,
                        strike_e4=strike * E4,
                    )
                )

    def _add_other(self) -> None:
        crude = _months(self.date, hours.commodity_expiry, 1)[0]
        level = self._levels.get("CRUDEOIL", 5320.0)
        self.contracts.append(
            ListedContract(
                token=_token("MCX", crude.year, crude.month, 180),
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
        self.contracts.append(
            ListedContract(
                token=_token("CDS", dollar.year, dollar.month, 190),
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
