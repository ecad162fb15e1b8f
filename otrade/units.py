"""The engine's integers as people and configuration write them."""

from decimal import Decimal

from otrade._core.types import E4

E4_A_PAISA = 100
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
NS_PER_MINUTE = 60 * NS_PER_S
NS_PER_DAY = 86_400 * NS_PER_S
IST_NS = (5 * 60 + 30) * NS_PER_MINUTE


def rupees(px_e4: int) -> str:
    """`1234500` -> `123.45`: two decimals, four when the price needs them, exact, grouped as in
    India (12,34,567.00).
    """
    whole, part = divmod(abs(px_e4), E4)
    decimals = f"{part:04d}"
    if decimals.endswith("00"):
        decimals = decimals[:2]
    return f"{'-' if px_e4 < 0 else ''}{grouped(whole)}.{decimals}"


def or_unknown(amount_e4: int | None) -> str:
    """Rupees, or that they are not known."""
    return "not known" if amount_e4 is None else rupees(amount_e4)


def grouped(whole: int) -> str:
    """`1234567` -> `12,34,567`: the last three digits, then pairs. Not negative."""
    digits = str(whole)
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)]
    return ",".join([*reversed(pairs), tail])


def e4_of(value: Decimal | float | int | str) -> int:
    """Rupees to ten-thousandths, nearest. A float is read by its shortest spelling, so 0.05 is
    exactly 500.
    """
    return int((Decimal(str(value)) * E4).to_integral_value())


def ns_of_s(seconds: float) -> int:
    """Seconds to nanoseconds, nearest."""
    return round(seconds * NS_PER_S)


def ist_hms(ts_ns: int) -> str:
    """The time of day in India, `09:15:00`."""
    seconds = (ts_ns + IST_NS) // NS_PER_S % 86_400
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def ist_midnight_ns(ts_ns: int) -> int:
    """The midnight in India that began the day of `ts_ns`."""
    return ts_ns - (ts_ns + IST_NS) % NS_PER_DAY
