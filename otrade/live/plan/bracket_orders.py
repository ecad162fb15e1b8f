"""The orders of a bracket, as the core links them."""

from collections.abc import Iterator

from otrade._core.engine.engine import Engine
from otrade._core.engine.rows import BracketRow, OrderRow


def orders_of(engine: Engine, bracket: BracketRow) -> Iterator[OrderRow]:
    """All of them, ended ones too, the newest first."""
    slot = bracket["order_head"]
    while slot >= 0:
        order = engine.order(slot)
        yield order
        slot = order["next"]
