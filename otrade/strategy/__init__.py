"""A strategy is one Python file: these are the words that it may say.

`from otrade.strategy import Strategy, param, reason`: fields with their types, hooks (`on_bar`,
`on_tick`, `on_timer`, `on_fill`), indicators as helpers with a cell of their own. The file is checked by
its syntax tree (`check`), compiled in a process of its own (`build`), and loaded as a plain library
(`loader`); run as it stands it is the reference (`words`). What a running engine loads needs no
compiler. See docs/strategies.md.
"""

from typing import Any

from otrade._core.types import ExitReason, Phase
from otrade.strategy.indicators import CELLS, HELPERS
from otrade.strategy.words.base import Strategy, bars, param, reason, timer

__all__ = ["ExitReason", "Phase", "Strategy", "bars", "param", "reason", "timer", *CELLS, *HELPERS]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in CELLS:
        return CELLS[name]
    if name in HELPERS:
        return HELPERS[name].word
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
