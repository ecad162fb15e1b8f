"""Where the engine's sockets are: below `paths.var`, or for other users in a folder of their own."""

from pathlib import Path

from otrade.config.schema import Config


def run_folder(config: Config) -> Path:
    """Of the engine's own user."""
    return Path(config.paths.var) / "run"


def server_folder(config: Config) -> Path:
    """Where a page's server finds engine.sock."""
    return Path(config.sockets.folder) if config.sockets.server_group else run_folder(config)


def hooks_folder(config: Config) -> Path:
    """Where hooks.sock is."""
    return Path(config.sockets.folder) if config.sockets.hooks_group else run_folder(config)
