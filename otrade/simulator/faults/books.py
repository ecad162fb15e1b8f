"""Order books that are not whole, though they are answered as if they were, and tables of positions
like them.
"""

import random
from collections import Counter
from typing import Any, Literal

BookFault = Literal["", "empty", "null", "partial", "lacks"]
BAD_FIELDS: tuple[dict[str, Any], ...] = (
    {"quantity": -1},
    {"order_id": None},
    {"filled_quantity": 1e300},
    {"price": "NaN"},
    {"quantity": 7.5, "average_price": []},
)
"""What makes a row unreadable."""


class BookFaults:
    """What becomes of the next readings; faults that are armed one after another happen one after
    another.
    """

    def __init__(self, rng: random.Random, seen: Counter[str]) -> None:
        self._book_rng = rng
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

    def take_book(self) -> BookFault:
        return self._books.pop(0) if self._books else ""

    def take_positions(self) -> BookFault:
        return self._positions.pop(0) if self._positions else ""

    def spoil(
        self, what: str, how: BookFault, rows: list[dict[str, Any]]
    ) -> list[dict[str, Any]] | None:
        """The rows that are answered; `what` they are is counted."""
        if how and rows:
            self.seen[f"{what}_{how}"] += 1
        if how == "null":
            return None
        if how == "empty":
            return []
        if how == "partial":
            return rows[: len(rows) // 2]
        if how == "lacks" and rows:
            gone = {self._book_rng.randrange(len(rows)) for _ in range(2)}
            return [row for i, row in enumerate(rows) if i not in gone]
        return rows

    def add_foreign(self, rows: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        """The book with somebody else's row in it."""
        if self._n_foreign <= 0 or not rows:
            return rows
        self._n_foreign -= 1
        self.seen["foreign_bad_row"] += 1
        strange = rows[0] | {
            "order_id": "9900000000000001",
            "tag": None,
            "tags": [],
            "exchange_order_id": None,
        }
        return [strange | self._book_rng.choice(BAD_FIELDS), *rows]

    def _is_armed(self) -> bool:
        return bool(self._books or self._positions or self._n_foreign)

    def _disarm(self) -> None:
        self._books.clear()
        self._positions.clear()
        self._n_foreign = 0
        self.open_book()
