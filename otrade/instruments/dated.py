"""What no broker's file says of a contract, or says wrongly late: the largest order and the lot, by
date, from `contracts.json`.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from otrade.instruments.model import Freeze, Instrument

DAY = dt.timedelta(days=1)


class _DatedQuantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    since: dt.date = msgspec.field(name="from")
    qty: int
    sure: str
    source: str


class _NamedQuantities(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    exchange: str
    name: str
    rows: list[_DatedQuantity]
    read_to: dt.date | None = None


class _NotByApi(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    broker: str
    exchange: str
    since: dt.date = msgspec.field(name="from")
    sure: str
    source: str
    instead: str


class _DatedWeekday(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    since: dt.date = msgspec.field(name="from")
    weekday: Annotated[int, msgspec.Meta(ge=0, le=6)]
    sure: str
    source: str


class _NamedWeekdays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    exchange: str
    name: str
    rows: list[_DatedWeekday]


class _ContractsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    about: list[str]
    freeze: list[_NamedQuantities]
    lots: list[_NamedQuantities]
    expiries: list[_NamedWeekdays]
    not_by_api: list[_NotByApi]


class DatedQuantity(msgspec.Struct, frozen=True):
    """A quantity in units, and where it comes from. `is_assumed`: nobody has read the list that is
    in force.
    """

    qty: int
    source: str
    is_assumed: bool


@cache
def _book() -> _ContractsFile:
    return msgspec.json.decode(
        Path(__file__).with_name("contracts.json").read_bytes(), type=_ContractsFile
    )


def freeze_of(exchange: str, name: str, day: dt.date) -> DatedQuantity | None:
    """The largest order in a contract on an underlying, on that trading day; None when the table
    does not know it.
    """
    found = _named(_book().freeze, exchange, name)
    row = _in_force(found, day)
    if found is None or row is None:
        return None
    if found.read_to is None or day <= found.read_to:
        return DatedQuantity(row.qty, row.source, is_assumed=row.sure == "U")
    year_ago = _year_before(found.read_to)
    recent = [one for one in found.rows if one.since > year_ago]
    least = min(one.qty for one in (*recent, _in_force(found, year_ago) or row))
    return DatedQuantity(
        least,
        f"the least of the year to {found.read_to}, later lists were not read",
        is_assumed=True,
    )


def lot_of(exchange: str, name: str, expiry: dt.date) -> int:
    """Units in a lot of the contract that expires then; 0: not known."""
    row = _in_force(_named(_book().lots, exchange, name), expiry)
    return row.qty if row is not None else 0


def monthly_expiry(
    exchange: str, name: str, year: int, month: int, trades: Callable[[dt.date], bool]
) -> dt.date | None:
    """When the month's own contracts on an underlying expire; None of an exchange that the table does not have. `trades`: is
    that a day of its derivatives?
    """
    day = dt.date(year, month, calendar.monthrange(year, month)[1])
    of_exchange = {one.name: one.rows for one in _book().expiries if one.exchange == exchange}
    rows = of_exchange.get(name) or of_exchange.get("*")
    if not rows:
        return None
    weekday = next((row.weekday for row in reversed(rows) if row.since <= day), rows[0].weekday)
    day -= DAY * ((day.weekday() - weekday) % 7)
    while not trades(day):
        day -= DAY
    return day


def not_by_api(broker: str, exchange: str, day: dt.date) -> str:
    """Why a broker takes no order for that exchange by its API, and what to trade there instead;
    empty when it does.
    """
    for row in _book().not_by_api:
        if (row.broker, row.exchange) == (broker, exchange) and day >= row.since:
            return f"{broker} takes no {exchange} orders by its API since {row.since} ({row.source}); it takes {row.instead}"
    return ""


def freeze_words(record: Instrument) -> str:
    """What a person should know of a contract's largest order; empty when its file or this month's
    list says it.
    """
    if record.expiry is None or record.freeze in (Freeze.FILE, Freeze.TABLE):
        return ""
    if record.freeze is Freeze.UNKNOWN:
        return f"{record.symbol}: the largest quantity of one order (freeze) is not known, so no order is cut"
    return f"{record.symbol}: the largest quantity of one order (freeze) is assumed to be {record.freeze_qty} ({record.freeze_source})"


def on_day(record: Instrument, day: dt.date) -> Instrument:
    """The record with the largest order that may be sent on that day: the file's or the table's,
    the smaller where both know it, because files lag behind the exchange's monthly list.
    """
    listed = freeze_of(record.exchange, record.name, day) if record.expiry is not None else None
    of_file = record.freeze_qty if record.freeze_qty >= record.lot_size else 0
    if listed is None:
        freeze = Freeze.FILE if of_file else Freeze.UNKNOWN
        return msgspec.structs.replace(record, freeze_qty=of_file, freeze=freeze)
    if of_file and of_file <= listed.qty:
        return msgspec.structs.replace(record, freeze_qty=of_file, freeze=Freeze.FILE)
    freeze = Freeze.ASSUMED if listed.is_assumed else Freeze.TABLE
    return msgspec.structs.replace(
        record, freeze_qty=listed.qty, freeze=freeze, freeze_source=listed.source
    )


def _named(names: list[_NamedQuantities], exchange: str, name: str) -> _NamedQuantities | None:
    return next((one for one in names if (one.exchange, one.name) == (exchange, name)), None)


def _in_force(found: _NamedQuantities | None, day: dt.date) -> _DatedQuantity | None:
    rows = [row for row in found.rows if row.since <= day] if found is not None else []
    return max(rows, key=lambda row: row.since, default=None)


def _year_before(day: dt.date) -> dt.date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year - 1, day=28)
