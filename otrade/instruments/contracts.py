"""Naming a contract by what it is: the next future, an option by strike and expiry, the strike at
the money.

    NFO:NIFTY.FUT               the future that expires next, today included
    NFO:NIFTY.FUT@+1            the one after it
    NFO:NIFTY.26000CE           that option, of the expiry that comes next; NFO:ITC.412.5CE, where
    strikes lie between
    NFO:NIFTY.26000CE@2026-12-29
    NFO:NIFTY.ATMCE             the listed strike nearest to the underlying's price; at a tie the
    lower one
    NFO:NIFTY.ATM+2PE@M         two listed strikes higher, of the next month's-end expiry; ATM-1:
    one lower

`@` says which expiry: a date, `+n` (the n-th after the next), `M` (the last of its month, the next
such one) or `M+n`.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from otrade.errors import InstrumentError
from otrade.instruments.contract_names import read_name

_WISH = re.compile(
    r"(?P<under>[^.]+)\.(?:FUT|(?:ATM(?P<off>[+-]\d{1,2})?|(?P<strike>\d{1,7}(?:\.\d{1,4})?))(?P<right>CE|PE))"
    r"(?:@(?P<when>\d{4}-\d\d-\d\d|\+\d|M(?:\+\d)?))?"
)
SPOT_OF = {
    "NIFTY": "NSE:NIFTY 50",
    "BANKNIFTY": "NSE:NIFTY BANK",
    "FINNIFTY": "NSE:NIFTY FIN SERVICE",
    "MIDCPNIFTY": "NSE:NIFTY MID SELECT",
    "NIFTYNXT50": "NSE:NIFTY NEXT 50",
    "SENSEX": "BSE:SENSEX",
    "BANKEX": "BSE:BANKEX",
}
"""The index behind each index contract; behind a share's contract is the share."""


class Contract(NamedTuple):
    """One listed derivative. `kind` is FUT, CE or PE; `strike_e4` 0 for a future."""

    expiry: dt.date
    strike_e4: int
    kind: str
    tradingsymbol: str


class ContractSpec(msgspec.Struct, frozen=True):
    """A contract by what it is. `strike_e4` None: at the money, `off` strikes away."""

    exchange: str
    under: str
    kind: str
    strike_e4: int | None
    off: int
    when: str

    @property
    def needs_spot(self) -> bool:
        return self.kind != "FUT" and self.strike_e4 is None

    @property
    def spot_symbol(self) -> str:
        """Whose price says what is at the money."""
        return SPOT_OF.get(self.under, f"{'BSE' if self.exchange == 'BFO' else 'NSE'}:{self.under}")


def read_wish(symbol: str) -> ContractSpec | None:
    """None when the symbol is a plain name. `ITC26DEC412.5CE` is one, by Kite: its point is inside
    the strike.
    """
    exchange, _, name = symbol.partition(":")
    found = _WISH.fullmatch(name)
    if found is None or read_name(name) is not None:
        return None
    strike = found["strike"]
    kind = found["right"] or "FUT"
    strike_e4 = 0 if kind == "FUT" else int(Decimal(strike) * 10_000) if strike else None
    return ContractSpec(
        exchange, found["under"], kind, strike_e4, int(found["off"] or 0), found["when"] or ""
    )


def choose(
    symbol: str, wish: ContractSpec, listed: Sequence[Contract], today: dt.date, spot_e4: int = 0
) -> Contract:
    """The contract that the wish means. `listed`: those of its underlying. InstrumentError naming
    what there is instead.
    """
    kinds = [one for one in listed if one.kind == wish.kind and one.expiry >= today]
    if not kinds:
        word = "future" if wish.kind == "FUT" else "option"
        raise InstrumentError(
            f"{symbol}: no {word} of {wish.under} on {wish.exchange} expires on or after {today}"
        )
    expiry = _expiry(symbol, wish.when, sorted({one.expiry for one in kinds}))
    of_day = {one.strike_e4: one for one in kinds if one.expiry == expiry}
    if wish.kind == "FUT":
        return of_day[0] if 0 in of_day else next(iter(of_day.values()))
    strikes = sorted(of_day)
    if wish.strike_e4 is not None:
        if wish.strike_e4 not in of_day:
            near = sorted(sorted(strikes, key=lambda strike: abs(strike - wish.strike_e4))[:3])  # type: ignore[operator]
            raise InstrumentError(
                f"{symbol}: no such strike expires on {expiry}; the nearest are {', '.join(_rupees(s) for s in near)}"
            )
        return of_day[wish.strike_e4]
    if spot_e4 <= 0:
        raise InstrumentError(
            f"{symbol}: the price of {wish.spot_symbol} is not known, so nothing is at the money; name the strike"
        )
    at = min(range(len(strikes)), key=lambda i: (abs(strikes[i] - spot_e4), strikes[i]))
    step_e4 = min((b - a for a, b in itertools.pairwise(strikes)), default=0)
    if abs(strikes[at] - spot_e4) > step_e4:
        raise InstrumentError(
            f"{symbol}: {wish.spot_symbol} is at {_rupees(spot_e4)}, and the nearest strike of {expiry} is {_rupees(strikes[at])}: "
            "nothing is at the money; name the strike"
        )
    at += wish.off
    if not 0 <= at < len(strikes):
        span = f"{_rupees(strikes[0])} to {_rupees(strikes[-1])}"
        raise InstrumentError(
            f"{symbol}: strikes from {span} are listed for {expiry}: ATM{wish.off:+d} is beyond them"
        )
    return of_day[strikes[at]]


def _expiry(symbol: str, when: str, expiries: Sequence[dt.date]) -> dt.date:
    """`expiries` ascending, none in the past."""
    if when[:2] == "20":
        try:
            wanted = dt.date.fromisoformat(when)
        except ValueError:
            raise InstrumentError(f"{symbol}: {when} is no date") from None
        if wanted not in expiries:
            near = sorted(sorted(expiries, key=lambda day: abs((day - wanted).days))[:3])
            raise InstrumentError(
                f"{symbol}: nothing of it expires on {wanted}; the nearest expiries are {', '.join(map(str, near))}"
            )
        return wanted
    if when.startswith("M"):
        last = {
            (day.year, day.month): day for day in expiries
        }  # ascending: the last of a month stays
        expiries = sorted(last.values())
        when = when[1:]
    n = int(when or 0)
    if n >= len(expiries):
        raise InstrumentError(
            f"{symbol}: {len(expiries)} such expiries are listed, the last on {expiries[-1]}"
        )
    return expiries[n]


def _rupees(strike_e4: int) -> str:
    """Exact, in its shortest form: 412.5, 100000.5."""
    whole, part = divmod(strike_e4, 10_000)
    return f"{whole}.{part:04d}".rstrip("0").rstrip(".")
