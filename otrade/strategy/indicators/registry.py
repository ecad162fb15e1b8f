"""The table of helpers: `@helper` puts a function into it and leaves it as it is.

A helper's signature says what the check asks of a call: a cell, `float` (any number), `int`,
`Period` (1 to the cell's window), and what it gives. Helpers may call those that stand before them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NewType, TypeVar, get_type_hints

from otrade.strategy.words.cell import Cell

F = TypeVar("F", bound=Callable[..., Any])
Period = NewType("Period", int)
"""A whole number proven to be at least 1, and at most the window of the call's cell."""


@dataclass(frozen=True)
class Helper:
    function: Callable[..., Any]
    source: str
    warm_up: Callable[..., int] | None
    """How many values until it is ready, from its periods in their order."""

    @property
    def arguments(self) -> dict[str, Any]:
        hints = get_type_hints(self.function)
        hints.pop("return", None)
        return hints

    @property
    def word(self) -> Callable[..., Any]:
        """The function as a strategy file calls it: a whole number is a number too."""
        kinds = list(self.arguments.values())

        def call(*given: Any) -> Any:
            return self.function(
                *(
                    float(one) if kind is float else one
                    for one, kind in zip(given, kinds, strict=True)
                )
            )

        return call

    @property
    def cell(self) -> type[Cell] | None:
        first = next(iter(self.arguments.values()))
        return first if isinstance(first, type) and issubclass(first, Cell) else None

    @property
    def gives(self) -> type | None:
        found = get_type_hints(self.function)["return"]
        return None if found is type(None) else found


HELPERS: dict[str, Helper] = {}
INNER: dict[str, Callable[..., Any]] = {}
"""Functions that helpers share, and helpers, in the order in which they may call each other."""


def inner(function: F) -> F:
    """A function that helpers call and users do not."""
    INNER[function.__name__] = function
    return function


def helper(source: str, warm_up: Callable[..., int] | None = None) -> Callable[[F], F]:
    """A function that users call; `source` says where its definition stands."""

    def put(function: F) -> F:
        HELPERS[function.__name__] = Helper(function, source, warm_up)
        return inner(function)

    return put
