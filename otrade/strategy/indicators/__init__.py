"""Indicators and small helpers that a strategy file calls, each with a cell of its own where it
remembers something. Plain functions on cells, float64, no allocation and nothing that raises: one
source, run as plain Python and compiled. Imports the words.
"""

from otrade.strategy.indicators import (
    averages,
    momentum,
    numbers,
    ranges,
    registry,
    session,
    trend,
    windows,
)
from otrade.strategy.words.cell import Cell

_MODULES = (numbers, windows, averages, ranges, momentum, trend, session)
CELLS: dict[str, type[Cell]] = {
    name: made
    for module in _MODULES
    for name, made in vars(module).items()
    if isinstance(made, type) and issubclass(made, Cell) and made is not Cell
}
"""Kinds of fields that remember for an indicator, by name."""
HELPERS = registry.HELPERS
