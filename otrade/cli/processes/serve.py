"""`otrade serve`: the page by itself. Whoever starts it may have a broker's keys in his environment, which
are none of the page's business.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from otrade.live.runtime.child_processes import serve_command


def without_keys(
    config: Path, port: int | None, *, shows_code: bool, env: Mapping[str, str]
) -> None:
    """Become the same program with nothing of `env` but what any program may need, where anything of
    ours is in it; what the process before held in its memory is gone then. Else nothing.
    """
    if not any(name.startswith("OTRADE_") for name in env):
        return
    command = serve_command(config, port, shows_code=shows_code, for_engine=False)
    os.execve(command.args[0], command.args, command.env)
