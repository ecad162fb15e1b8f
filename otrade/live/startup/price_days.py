"""Every day of the price files is a session, or nothing begins: a run must not trade its first day
and refuse the second.
"""

import datetime as dt
from collections.abc import Iterable, Sequence

from otrade.calendar import Calendar
from otrade.errors import CalendarError, ConfigError
from otrade.instruments.contracts import read_wish
from otrade.simulator.prices.price_source import PriceSource

SEGMENTS = {
    "cash": "cash",
    "cash_fno": "cash_with_derivatives",
    "index": "index",
    "fno": "derivatives",
    "cds": "currency",
    "mcx": "commodity",
}
"""The calendar's word for the simulated exchange's."""
SEGMENT_OF_EXCHANGE = {
    "NSE": "cash",
    "BSE": "cash",
    "NFO": "derivatives",
    "BFO": "derivatives",
    "CDS": "currency",
    "BCD": "currency",
    "MCX": "commodity",
    "NCO": "commodity",
}


def checked(
    calendar: Calendar, prices: PriceSource, symbols: Sequence[str]
) -> tuple[Calendar, list[str]]:
    """The calendar for a run over the files' days, and what is to be said of them. ConfigError
    names the file, line and day on which nothing could be traded; `symbols` are the configured
    instruments.
    """
    notes = list(prices.notes)
    known = calendar.with_days(prices.file_dates())
    for key, file in prices.files.items():
        earlier = sorted(date for date in file.days if date in known.given)
        if earlier:
            notes.append(
                f"{file.path}: {len(earlier)} days ({earlier[0]} to {earlier[-1]}) lie before the calendar's reach "
                f"({calendar.data.known_from}). They count as sessions, with the hours of its first rule; holidays, shortened sessions and "
                "contracts of those days are not known"
            )
        for date in sorted(file.days):
            contract = prices.contracts[key][date]
            why = _why_closed(known, SEGMENTS[contract.hours_kind], date)
            if why:
                text = f"{date} is no session of {key} ({why}); remove the day's lines, or correct the calendar (paths.calendar)"
                raise ConfigError(str(file.error(file.line_of(date), file.time_column, text)))
    segments = {
        SEGMENT_OF_EXCHANGE[exchange]
        for symbol in symbols
        if (exchange := symbol.partition(":")[0]) in SEGMENT_OF_EXCHANGE
    }
    for date in prices.file_dates():
        if segments and all(_why_closed(known, segment, date) for segment in segments):
            raise ConfigError(
                f"{date}: the price files have this day, and none of the configured instruments trades on it"
            )
    _refuse_unused(prices, symbols)
    return known, notes


def mixed_words(prices: PriceSource, date: dt.date, symbols: Iterable[str]) -> str:
    """What to say where some of these instruments have a file's prices that day and others invented
    ones: what they earn is one total. Empty where it is one or the other.
    """
    known = prices.universe(date).by_key
    of_file, invented = list[str](), list[str]()
    for symbol in sorted(set(symbols)):
        contract = known.get(symbol)
        if contract is not None:
            (of_file if prices.is_of_file(contract, date) else invented).append(symbol)
    if not of_file or not invented:
        return ""
    return f"totals mix prices of a file ({', '.join(of_file)}) with invented ones ({', '.join(invented)})"


def _refuse_unused(prices: PriceSource, symbols: Sequence[str]) -> None:
    """Whose prices are given, and nobody trades it nor what is derived from it: then everything would
    be traded on invented prices, and look as if it were the file's.
    """
    dates = prices.file_dates()
    if not dates:
        return
    listed = prices.universe(dates[0]).by_key
    roots: set[str] = set()
    for symbol in symbols:
        wish = read_wish(symbol)
        if wish is not None:
            roots.add(wish.spot_symbol.partition(":")[2])
        elif symbol in listed:
            roots.add(listed[symbol].root)
        else:
            return  # the start says what is wrong with it
    for key, file in prices.files.items():
        if (
            prices.contracts[key][dates[0]].root not in roots
            if dates[0] in prices.contracts[key]
            else False
        ):
            raise ConfigError(
                f"{file.path} has prices of {key}, and no configured instrument trades on them: name what they are of "
                f"(sim.prices, or --prices FILE=SYMBOL), one of {', '.join(symbols)}"
            )


def _why_closed(calendar: Calendar, segment: str, date: dt.date) -> str:
    try:
        if calendar.session(segment, date) is not None:
            return ""
        return calendar.holiday(date) or "closed in this segment"
    except CalendarError as error:
        return str(error)
