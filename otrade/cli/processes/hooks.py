"""`otrade hooks`: listen to what brokers post, as a service beside an engine that may come and go."""

import os
from pathlib import Path

import msgspec

from otrade.clock import WallClock
from otrade.config import manager
from otrade.errors import ConfigError
from otrade.live.runtime.child_processes import hooks_command
from otrade.live.runtime.listening_process import memory_file
from otrade.live.startup.credentials import LiveAccess
from otrade.live.startup.hooks_settings import hooks_settings


def serve(config_path: Path) -> int:
    """Become that process: what was read to make its settings is gone with this program. Returns
    only by ConfigError.
    """
    config = manager.load(config_path)
    if not config.hooks.enabled:
        raise ConfigError("the web hooks are off: set it to true", path="hooks.enabled")
    settings = hooks_settings(config, LiveAccess(config, WallClock()), ends_with_parent=False)
    os.dup2(memory_file(msgspec.json.encode(settings)), 0)
    command = hooks_command()
    os.execve(command.args[0], command.args, command.env)
