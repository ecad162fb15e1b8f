"""What risk management, the broker's order system and the exchange do to orders."""

from collections import Counter

from otrade.simulator.base.day_draws import DayDraws
from otrade.simulator.base.errors import RequestRefused, bad_order

LATE_FILL_MS = (20, 800)


class OrderFaults:
    """Rejections, caps, late or cut fills, and a book that is behind."""

    def __init__(self, draws: DayDraws, seen: Counter[str]) -> None:
        self._order_draws = draws
        self.seen = seen
        self.cuts_fills = False
        self._n_reject_exits = 0
        self._n_late_fills = 0
        self._n_stale = 0
        self._stale_age_ns = 0
        self._modifications: Counter[str] | None = None
        self._modifications_more = 0
        self._placements_more: int | None = None

    # ---- armed by a test

    def reject_exits(self, n: int) -> None:
        """The risk system rejects the next `n` stops and orders that would reduce a position."""
        self._n_reject_exits += n

    def cut_fills(self, on: bool) -> None:
        """Orders trade in random pieces, spread over the market's trades."""
        self.cuts_fills = on

    def fill_after_cancel(self, n: int) -> None:
        """The next `n` cancelled orders turn out to have traded, wholly or in part."""
        self._n_late_fills += n

    def stale_book(self, n: int, age_ns: int) -> None:
        """The next `n` readings of the order book show it as it was."""
        self._n_stale += n
        self._stale_age_ns = age_ns

    def cap_modifications(self, n_more: int) -> None:
        """From now on an order takes that many modifications and no more."""
        self._modifications = Counter()
        self._modifications_more = n_more

    def cap_day(self, n_more: int) -> None:
        """After that many placements the day's cap is reached."""
        self._placements_more = n_more

    # ---- asked by the order system and the exchange

    def take_exit_rejection(self) -> bool:
        if self._n_reject_exits <= 0:
            return False
        self._n_reject_exits -= 1
        self.seen["reject_exits"] += 1
        return True

    def take_late_fill(self, order: int) -> int:
        """How late, in ms, a cancelled order turns out to have traded; 0: it has not. `order` names
        its draws, as it does below.
        """
        if self._n_late_fills <= 0:
            return 0
        self._n_late_fills -= 1
        self.seen["fill_after_cancel"] += 1
        return self._order_draws.of("late fill", order).between(*LATE_FILL_MS)

    def part(self, order: int, qty: int, lot: int) -> int:
        """How much of it traded: whole lots, at least one, or all that there is of one."""
        return min(
            qty, self._order_draws.of("late part", order).between(1, max(1, qty // lot)) * lot
        )

    def take_stale_ns(self) -> int:
        """How old the book is that is shown now; 0: it is fresh."""
        if self._n_stale <= 0:
            return 0
        self._n_stale -= 1
        self.seen["stale_book"] += 1
        return self._stale_age_ns

    def cut(self, order: int, fills: list[tuple[int, int]], lot: int) -> list[tuple[int, int]]:
        """The part of these fills that happens now."""
        lots = sum(qty for qty, _ in fills) // lot
        if not self.cuts_fills or lots < 2:
            return fills
        left = self._order_draws.of("cut fill", order).between(1, lots) * lot
        part = []
        for qty, price_e4 in fills:
            if left > 0:
                part.append((min(qty, left), price_e4))
            left -= qty
        if left < 0:
            self.seen["cut_fills"] += 1
        return part

    def check_modification(self, order_id: str) -> None:
        """RequestRefused when the order may not be modified any more."""
        if self._modifications is None:
            return
        if self._modifications[order_id] >= self._modifications_more:
            self.seen["cap_modifications"] += 1
            raise bad_order(
                "Maximum allowed order modifications exceeded. Cancel this order and place a new one."
            )
        self._modifications[order_id] += 1

    def check_placement(self) -> None:
        """RequestRefused when the day's cap is reached."""
        if self._placements_more is None:
            return
        if self._placements_more <= 0:
            self.seen["cap_day"] += 1
            raise RequestRefused(
                429, "network", "Maximum allowed order requests exceeded for the day."
            )
        self._placements_more -= 1

    def _is_armed(self) -> bool:
        return bool(self._n_reject_exits or self._n_late_fills or self._n_stale)

    def _disarm(self) -> None:
        self._n_reject_exits = self._n_late_fills = self._n_stale = 0
        self.cuts_fills = False
        self._modifications = None
        self._placements_more = None
