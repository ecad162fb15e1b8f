"""How an engine starts its watchdog: nothing of what a watchdog does is loaded for it."""

import os
import subprocess
from pathlib import Path

from otrade.config.schema import Config
from otrade.live.runtime.child_processes import watchdog_command
from otrade.plain_file import own_file, own_folder


def spawn(config_path: Path, config: Config) -> "subprocess.Popen[bytes]":
    """Start a watchdog that outlives this process and its terminal. OSError when it cannot be
    started.
    """
    command = watchdog_command(
        config_path, config.broker.kind, [target.name for target in config.alerts.targets]
    )
    log_dir = Path(config.paths.var) / "log"
    own_folder(log_dir)
    fd = own_file(log_dir / "watchdog.err", os.O_WRONLY | os.O_APPEND)
    try:
        return subprocess.Popen(
            command.args,
            env=command.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=fd,
            start_new_session=True,
        )
    finally:
        os.close(fd)
