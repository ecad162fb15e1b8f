"""Kite's request limits: orders together, every other kind of question by itself."""

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.errors import too_many
from otrade.simulator.base.rate_windows import RateWindow
from otrade.simulator.kite.rest.settings import KiteLimits


class KiteRates:
    """All windows of one account. Placing, modifying and cancelling share the second; only placing
    counts a minute and a day.
    """

    def __init__(self, limits: KiteLimits) -> None:
        self._limits = limits
        self._second = RateWindow(limits.orders_per_second, NS_PER_S)
        self._minute = RateWindow(limits.orders_per_minute, 60 * NS_PER_S)
        self._others = {
            "quote": RateWindow(limits.quotes_per_second, NS_PER_S),
            "historical": RateWindow(limits.historical_per_second, NS_PER_S),
            "other": RateWindow(limits.others_per_second, NS_PER_S),
        }
        self._placed_today = 0

    def new_day(self) -> None:
        self._placed_today = 0

    def admit(self, kind: str, now_ns: int) -> None:
        """Count one request of kind `place`, `order` (modify or cancel), `quote`, `historical` or
        `other`. RequestRefused 429.
        """
        if kind not in ("place", "order"):
            window = self._others[kind]
            if not window.has_room(now_ns):
                raise too_many()
            window.add(now_ns)
            return
        placing = kind == "place"
        day = self._limits.orders_per_day
        if placing and day and self._placed_today >= day:
            raise too_many(f"Maximum {day} orders a day exceeded.")
        if not self._second.has_room(now_ns) or (placing and not self._minute.has_room(now_ns)):
            raise too_many()
        self._second.add(now_ns)
        if placing:
            self._minute.add(now_ns)
            self._placed_today += 1
