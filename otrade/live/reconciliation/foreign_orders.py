"""What others have traded on our instruments, in our products: the order book's word for a position
that is smaller than our fills say.

An order of another product is another account in all but name, and is not looked at here. One with
a tag of ours is an engine's, and explains nothing that a person or the broker did.
"""

from collections.abc import Mapping

import msgspec

from otrade.brokers.session import OrderReport
from otrade.live.oms.cl_ord_id import parse
from otrade.live.plan.day_plan import DayPlan

BROKERS_OWN = ("ADMINSQF", "RMS")
"""How `placed_by` of a broker's own orders begins, in capitals."""


class ForeignFillPart(msgspec.Struct, frozen=True):
    """Units of one foreign order, unsigned."""

    report: OrderReport
    qty: int


def is_brokers_own(report: OrderReport) -> bool:
    """Was it placed by the broker itself: its square-off, its risk management?"""
    return str(report.raw.get("placed_by") or "").upper().startswith(BROKERS_OWN)


class ForeignFills:
    """Fills by order, and how much of each is explained: booked on a bracket, or part of what was
    there before.
    """

    def __init__(self, plan: DayPlan) -> None:
        self._plan = plan
        self._rows: dict[str, OrderReport] = {}
        self._done: dict[str, int] = {}
        """By order: units that are explained."""
        self._booked: dict[str, tuple[int, int]] = {}
        """By order: the first so many units, and the value in e4 at which they are booked."""
        self._base: dict[int, int] = {}
        """By instrument: signed units that positions showed and no order tells of."""

    def instrument_of(self, report: OrderReport) -> int | None:
        """The instrument that a foreign order trades in our product; None for anything else."""
        instrument_id = self._plan.instrument_of.get(report.instrument_token)
        if instrument_id is None or report.product != self._plan.instruments[instrument_id].product:
            return None
        return None if parse(report.cl_ord_id) is not None else instrument_id

    def take(self, report: OrderReport) -> bool:
        """Keep what it has filled; is there more of it than before?"""
        if report.cum_qty <= 0 or self.instrument_of(report) is None:
            return False
        before = self._rows.get(report.broker_order_id)
        if before is not None and report.cum_qty <= before.cum_qty:
            return False
        self._rows[report.broker_order_id] = report
        return True

    def has_traded(self, instrument_id: int) -> bool:
        """Has an order of somebody else's filled here today, in our product?"""
        return bool(self._of(instrument_id))

    def net(self, instrument_id: int) -> int:
        """Signed units that foreign orders have filled and nothing explains."""
        total = -self._base.get(instrument_id, 0)
        for row in self._of(instrument_id):
            total += row.side * (row.cum_qty - self._done.get(row.broker_order_id, 0))
        return total

    def settle(self, differences: Mapping[int, int]) -> None:
        """What is unexplained is this much of each instrument (none of those that are not named),
        and no more: the rest is older.
        """
        for instrument_id in range(len(self._plan.instruments)):
            excess = self.net(instrument_id) - differences.get(instrument_id, 0)
            for row in self._of(instrument_id):
                left = row.cum_qty - self._done.get(row.broker_order_id, 0)
                part = min(left, max(excess * row.side, 0))
                self._done[row.broker_order_id] = self._done.get(row.broker_order_id, 0) + part
                excess -= part * row.side
            self._base[instrument_id] = self._base.get(instrument_id, 0) + excess

    def unexplained(self, instrument_id: int, side: int) -> list[ForeignFillPart]:
        """Orders of one side with units that nothing explains."""
        parts = [
            ForeignFillPart(row, row.cum_qty - self._done.get(row.broker_order_id, 0))
            for row in self._of(instrument_id)
            if row.side == side
        ]
        return [part for part in parts if part.qty > 0]

    def explain(self, part: ForeignFillPart) -> None:
        """These units are explained now."""
        key = part.report.broker_order_id
        self._done[key] = self._done.get(key, 0) + part.qty

    def value_e4(self, part: ForeignFillPart, total_qty: int, total_e4: int) -> int:
        """What units of an order that has traded `total_qty` for `total_e4` so far are worth, those
        that have just been explained, and book them at it. An order that is filled in pieces is
        booked in pieces: each at what has come since the one before.
        """
        key = part.report.broker_order_id
        before = self._done.get(key, 0) - part.qty
        qty, value_e4 = self._booked.get(key, (0, 0))
        if qty != before:
            value_e4 = total_e4 * before // total_qty
        worth_e4 = (total_e4 - value_e4) * part.qty // (total_qty - before)
        self._booked[key] = before + part.qty, value_e4 + worth_e4
        return worth_e4

    def draw(self, instrument_id: int, qty: int) -> list[ForeignFillPart]:
        """The newest orders that make up so many units (signed), oldest first; they are explained
        now.
        """
        side, left = (1 if qty > 0 else -1), abs(qty)
        parts = []
        for row in reversed(self._of(instrument_id)):
            done = self._done.get(row.broker_order_id, 0)
            take = min(row.cum_qty - done, left) if row.side == side else 0
            if take > 0:
                self._done[row.broker_order_id] = done + take
                left -= take
                parts.append(ForeignFillPart(row, take))
        return parts[::-1]

    def _of(self, instrument_id: int) -> list[OrderReport]:
        return [
            row
            for row in self._rows.values()
            if self._plan.instrument_of.get(row.instrument_token) == instrument_id
        ]
