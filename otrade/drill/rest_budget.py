"""What an engine asked of the broker beside its orders, held against the minute's table in
docs/operations.md.
"""

from collections import deque
from collections.abc import Iterable

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
QUOTES = ("/quote", "/v2/market-quote", "/v3/market-quote")
BOOKS = ("/orders", "/v2/order/retrieve-all")
ORDERS = ("/orders/", "/v2/order/details")
BARS = ("/instruments/historical", "/v3/historical-candle")
PREVIEWS = ("/margins/basket", "/v2/charges/margin")
LIMITS: dict[str, tuple[int, int]] = {
    "quotes": (1, 30),
    "order book": (2, 60),
    "one order alone": (2, 12),
    "margin preview": (4, 40),
    "bars of earlier sessions": (6, 170),
    "everything": (10, 178),
}
"""Most in a second and in a minute."""


def is_about(name: str, path: str) -> bool:
    """Is a question one of these?"""
    if name == "quotes":
        return path.startswith(QUOTES)
    if name == "order book":
        return path in BOOKS
    if name == "margin preview":
        return path.startswith(PREVIEWS)
    if name == "bars of earlier sessions":
        return path.startswith(BARS)
    return name == "everything" or path.startswith(ORDERS)


class RestBudgetExceeded(AssertionError):
    """More was asked than the table allows, in words."""


def check_rest_budget(requests: Iterable[tuple[int, str, str]]) -> None:
    """`requests`: (time, kind of route, path). RestBudgetExceeded when there are more."""
    rows = sorted(requests)
    for name, (a_second, a_minute) in LIMITS.items():
        times = [ts_ns for ts_ns, _, path in rows if is_about(name, path)]
        for words, most, window_ns in (("second", a_second, SECOND), ("minute", a_minute, MINUTE)):
            recent: deque[int] = deque()
            for ts_ns in times:
                recent.append(ts_ns)
                while recent[0] <= ts_ns - window_ns:
                    recent.popleft()
                if len(recent) > most:
                    raise RestBudgetExceeded(
                        f"{len(recent)} questions ({name}) within a {words}; the table allows {most}"
                    )
