"""A cell's text as a time, a price or a quantity; CellError says what is wrong with it and what to
write. Nothing is guessed that could change a value.
"""

import datetime as dt
import math
import re

from otrade.price_files.rules import IST, ReadingRules

E4 = 10_000
EPOCH_S_DIGITS, EPOCH_MS_DIGITS = (9, 10), (12, 13)
NAMED_MONTH = re.compile(r"\d{1,2}-[A-Za-z]{3}-\d{4}(?: \d\d:\d\d(?::\d\d)?)?")
"""As the NSE writes a day: 04-Sep-2025, which can mean nothing else."""
GROUPED_PRICE = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}\.\d+")
"""24,970.30 or 1,24,970.30. Without decimals a comma may be a decimal point."""
GROUPED_COUNT = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}")


class CellError(ValueError):
    """What is wrong with a cell, and what to write."""


def time_of(text: str, rules: ReadingRules) -> dt.datetime:
    """In Indian time. A bare number is seconds or milliseconds since 1970, which have no zone."""
    if rules.time_format:
        try:
            return _in_india(dt.datetime.strptime(text, rules.time_format), rules)
        except ValueError:
            raise CellError(f"{text!r} is not a time of the form {rules.time_format!r}") from None
    if text.isdecimal() and len(text) in (*EPOCH_S_DIGITS, *EPOCH_MS_DIGITS):
        return dt.datetime.fromtimestamp(
            int(text) / (1000 if len(text) in EPOCH_MS_DIGITS else 1), IST
        )
    try:
        if NAMED_MONTH.fullmatch(text):
            form = ("%d-%b-%Y", "%d-%b-%Y %H:%M", "%d-%b-%Y %H:%M:%S")[text.count(":")]
            return _in_india(dt.datetime.strptime(text, form), rules)
        return _in_india(dt.datetime.fromisoformat(text), rules)
    except ValueError:
        raise CellError(
            f"{text!r} is not a time; write IST as 2025-09-04 09:15:00, or with its zone"
        ) from None


def _in_india(time: dt.datetime, rules: ReadingRules) -> dt.datetime:
    return (time.replace(tzinfo=rules.zone) if time.tzinfo is None else time).astimezone(IST)


def price_e4(text: str) -> tuple[int, bool]:
    """A price in ten-thousandths, and whether it had to be rounded to one."""
    if GROUPED_PRICE.fullmatch(text):
        text = text.replace(",", "")
    try:
        value = float(text)
    except ValueError:
        raise CellError(
            f"{text!r} is not a number; write a price in rupees such as 24970.3"
        ) from None
    if not 0 < value < 1e8:
        raise CellError(f"price {text} is out of range; it must be above 0 and below 100000000")
    nearest = round(value * E4)
    if nearest == 0:
        raise CellError(f"price {text} is out of range; it must be above 0 and below 100000000")
    return nearest, abs(value * E4 - nearest) > 1e-3


def count_of(text: str, column: str) -> int:
    """Units traded, or open interest. -1 where the file has none: charts write NaN for an index."""
    if text.lower() in ("", "nan"):
        return -1
    try:
        value = float(text.replace(",", "") if GROUPED_COUNT.fullmatch(text) else text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CellError(f"{text!r} is not a number; write units traded, 0 for none")
    if value < 0:
        raise CellError(f"{column} {text} is negative; write units traded, 0 for none")
    return int(value)
