"""The kinds that are built in: strategy files like any other, each with the name of its kind in a configuration.

The build of the package compiles them (`build/builtin.py`) into the core, so that an engine needs no compiler for
them. Side, RSI, ATR and time of day are filters of the core's (`_core/kernels/filters.py`) and no part of them. Each
has `on_bar` and `on_tick`; a configuration's `on` says which of the two is asked.
"""

from pathlib import Path

FOLDER = Path(__file__).parent


def kinds() -> dict[str, Path]:
    """The files, by the kind that each is."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.py")) if path.stem != "__init__"}
