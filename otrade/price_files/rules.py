"""How a file of bars is to be read, where it does not say so itself."""

import datetime as dt
from dataclasses import dataclass, field

IST = dt.timezone(dt.timedelta(hours=5, minutes=30), "IST")
FIELDS = ("time", "open", "high", "low", "close", "volume", "oi", "symbol")
"""What a column may be."""


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """As a paper day reads: nothing told beside the file, minutes only, refused at the first line that
    is wrong.

    `columns`: a field's column, by the header's name. `time_format`: of `strptime`. `zone`: of times
    that say none. `only`: rows of this symbol, where a column names several. `is_stamped_at_close`:
    a bar's time is its end (09:15:59 and 09:16:00 are the minute from 09:15 on). `may_be_daily`: a
    bar a day is no mistake. `may_be_newest_first`: as Upstox answers. `keeps_going`: every wrong
    line is noted and left out, not only the first one.
    """

    columns: dict[str, str] = field(default_factory=dict)
    time_format: str = ""
    zone: dt.tzinfo = IST
    only: str = ""
    is_stamped_at_close: bool = False
    may_be_daily: bool = False
    may_be_newest_first: bool = False
    keeps_going: bool = False
