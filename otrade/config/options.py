"""What `otrade run` was told on the command line; it goes before the file."""

from __future__ import annotations

from pathlib import Path

import msgspec


class RunOptions(msgspec.Struct, frozen=True):
    """Options of one run. None: as the configuration says."""

    config: Path = Path("config/paper.json")
    prices: dict[str, Path] | None = None
    """Symbol -> CSV of bars, for the simulated exchange."""
    speed: float | None = None
    """Times real time; infinity does not wait at all."""
    seed: int | None = None
    date: str | None = None
    port: int | None = None
    page: bool = True
    fresh: bool = False
    """Paper: begin the day anew, although a run of it was cut off."""
