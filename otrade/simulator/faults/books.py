"""Order books that are not whole, though they are answered as if they were, and tables of positions
like them.
"""

from collections import Counter
from typing import Any, Literal, get_args

from otrade.simulator.base.day_draws import DayDraws
from otrade.simulator.draws import number_of

BookFault = Literal["", "empty", "null", "partial", "lacks"]
BadField = Literal["quantity", "order_id", "filled", "price", "many"]
"""Which fields of an order's row cannot be read."""
BAD_FIELDS: tuple[BadField, ...] = get_args(BadField)
Row = dict[str, Any]


class BookFaults:
    """What becomes of the next readings; faults that are armed one after another happen one after
    another.
    """

    def __init__(self, draws: DayDraws, seen: Counter[str]) -> None:
        self._book_draws = draws
        self.seen = seen
        self._books: list[BookFault] = []
        self._positions: list[BookFault] = []
        self._n_foreign = 0
        self.is_book_shut = False
        """The token is refused where the order book is asked for, and nowhere else."""
        self.ts_refused_ns = 0
        """When that happened first; 0: not yet."""

    # ---- armed by a test

    def spoil_books(self, how: BookFault, n: int) -> None:
        """The next `n` order books are empty, null, cut after some rows, or lack some orders."""
        self._books += [how] * n

    def spoil_positions(self, how: BookFault, n: int) -> None:
        """The same of positions."""
        self._positions += [how] * n

    def open_book(self) -> None:
        """Somebody has logged in: the book is shown again."""
        self.is_book_shut = False
        self.ts_refused_ns = 0

    def foreign_bad_rows(self, n: int) -> None:
        """The next `n` order books have a row of somebody else's that cannot be read."""
        self._n_foreign += n

    # ---- asked by the servers

    def refuses_book(self, now_ns: int) -> bool:
        if self.is_book_shut:
            self.seen["book_403"] += 1
            self.ts_refused_ns = self.ts_refused_ns or now_ns
        return self.is_book_shut

    def refusal_lost(self, asked_ns: int) -> None:
        """The answer to what was asked then says nothing of the token, or never arrives."""
        if self.ts_refused_ns == asked_ns:
            self.ts_refused_ns = 0

    def take_book(self) -> BookFault:
        return self._books.pop(0) if self._books else ""

    def take_positions(self) -> BookFault:
        return self._positions.pop(0) if self._positions else ""

    def spoil(self, what: str, how: BookFault, rows: list[Row]) -> list[Row] | None:
        """The rows that are answered; `what` they are is counted. Those that lack are the lowest in
        two drawings of lots, in which each row draws for itself.
        """
        if how and rows:
            self.seen[f"{what}_{how}"] += 1
        if how == "null":
            return None
        if how == "empty":
            return []
        if how == "partial":
            return rows[: len(rows) // 2]
        if how == "lacks" and rows:
            lots = [self._book_draws.of(f"lot of {what}", _subject(row)) for row in rows]
            gone = []
            for _ in range(2):
                drawn = [lot.bits() for lot in lots]
                gone.append(drawn.index(min(drawn)))
            return [row for i, row in enumerate(rows) if i not in gone]
        return rows

    def take_foreign(self) -> BadField | None:
        """What is wrong with a row of somebody else's in this book; None: there is none."""
        if self._n_foreign <= 0:
            return None
        self._n_foreign -= 1
        self.seen["foreign_bad_row"] += 1
        return BAD_FIELDS[self._book_draws.of("foreign row").integer(len(BAD_FIELDS))]

    def _is_armed(self) -> bool:
        return bool(self._books or self._positions or self._n_foreign)

    def _disarm(self) -> None:
        self._books.clear()
        self._positions.clear()
        self._n_foreign = 0
        self.open_book()


def _subject(row: Row) -> int:
    """Whose row it is: the order's that has that tag, or the position's in that instrument."""
    return number_of(f"{row.get('tag')} {row.get('tags')} {row.get('instrument_token')}")
