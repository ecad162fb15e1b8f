"""What is done with prices and results of the past, beside trading: files that no engine needs.

In a notebook: `import otrade.research as r`, then `r.backtest(...)` and `r.open(folder)` give
DataFrames; docs/report.md has an example. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otrade.research.notebook.frames import ResultFrames

    Option = str | int | float | bool | Path | list[str]


def open(folder: str | Path) -> ResultFrames:
    """A result folder as DataFrames. ResultError when it is no result, or not as it was written."""
    from otrade.research.notebook.frames import frames_of

    return frames_of(Path(folder))


def backtest(
    config: str | Path,
    first: str | dt.date,
    last: str | dt.date,
    *,
    on_day: Callable[[dict[str, object]], None] | None = None,
    **options: Option,
) -> ResultFrames:
    """Run `otrade backtest CONFIG --from FIRST --to LAST` in a process of its own, and open its result.

    `options` are those of the command, with underscores: `data="var/data"`, `slippage="1.5bps"`,
    `lot=["NFO:NIFTY.FUT=65"]`, `replace=True`. `on_day` is told of the progress. ResultError with the
    command's own words when it refuses.
    """
    from otrade.research.notebook.running import run_backtest

    return open(run_backtest(Path(config), str(first), str(last), options, on_day))


class _Research(ModuleType):
    """Importing the package `otrade.research.backtest` sets that name here; in a notebook the name is the
    function's, whichever of the two came first.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name != "backtest":
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Research
