"""Order books of a long day are mostly orders that have ended: their rows are read once, for as
long as they say the same.

A book of three hundred such rows costs an audit a tenth of what reading them all would, and a frame
that comes meanwhile waits for the audit.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import Any, TypeVar

from otrade._core.types import Ev
from otrade.brokers.parse import clean_text, count, identity, tag_of, value_e4
from otrade.brokers.session import BrokerRows, OrderReport, UnreadableRow
from otrade.errors import BrokerError

ENDED = frozenset({Ev.FILL_FULL, Ev.CANCELED, Ev.REJECTED, Ev.EXPIRED})
"""Events after which an order does not trade any more, as far as its broker knows."""

T = TypeVar("T")


def _plain_token(row: Mapping[str, Any]) -> int:
    text = str(row.get("instrument_token"))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def table_of(
    rows: Iterable[Mapping[str, Any]],
    read: Callable[[Mapping[str, Any]], T],
    id_field: str,
    token_of: Callable[[Mapping[str, Any]], int] = _plain_token,
) -> BrokerRows[T]:
    """What `read` makes of each row. A row that it cannot read is told beside the others, with
    whatever says whose it is.
    """
    found: BrokerRows[T] = BrokerRows()
    for row in rows:
        try:
            found.append(read(row))
        except BrokerError as error:
            found.unread.append(_unread(row, id_field, token_of(row), str(error)))
    return found


def _unread(row: Mapping[str, Any], id_field: str, token: int, why: str) -> UnreadableRow:
    row_id = row.get(id_field)
    return UnreadableRow(
        clean_text(row_id) if isinstance(row_id, (str, int)) else "",
        clean_text(tag_of(row)),
        token,
        why,
    )


def traded_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """(units, value) of each order by the day's trades. Of an order with a trade that cannot be
    read, or that has no price, nothing is
    told: half a sum is no value.
    """
    found: dict[str, tuple[int, int]] = {}
    bad: set[str] = set()
    for row in rows:
        try:
            key = identity(row, "order_id")
        except BrokerError:
            # Whose it is nobody can say: that order's sum falls short of what it filled, and is not
            # taken
            continue
        try:
            qty = count(row, "quantity")
            value = value_e4(row, "average_price", qty)
        except BrokerError:
            qty = value = 0
        if qty <= 0 or value <= 0:
            bad.add(key)
        had_qty, had_value_e4 = found.get(key, (0, 0))
        found[key] = had_qty + qty, had_value_e4 + value
    return {key: traded for key, traded in found.items() if key not in bad}


class BookReader:
    """Reads the books of one session. `read` makes a report of a row, received at a time in ns;
    BrokerError when it cannot.
    """

    def __init__(self, read: Callable[[Mapping[str, Any], int], OrderReport]) -> None:
        self._read = read
        self._ended: dict[str, OrderReport] = {}

    def reports(
        self, rows: Iterable[Mapping[str, Any]], ts_recv_ns: int
    ) -> BrokerRows[OrderReport]:
        """One report of each row. Of an order that had ended, the `raw` is the same object as long
        as its row says the same.
        """
        return table_of(rows, lambda row: self._report(row, ts_recv_ns), "order_id")

    def _report(self, row: Mapping[str, Any], ts_recv_ns: int) -> OrderReport:
        known = self._ended.get(str(row.get("order_id")))
        if known is not None and known.raw == row:
            report = copy(known)
            report.ts_recv_ns = ts_recv_ns
            return report
        report = self._read(row, ts_recv_ns)
        if report.ev in ENDED:
            self._ended[report.broker_order_id] = copy(report)
        return report
