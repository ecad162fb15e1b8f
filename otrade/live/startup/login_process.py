"""`python -m otrade.live.startup.login_process`: one login at the broker while no engine runs, for the
page's server, which holds no secret. It reads the app's secret, says where the person logs in, takes
the address that the broker sends the browser to, keeps the day's token where an engine finds it, and
ends; after ten minutes, or with the server, it ends without.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from otrade.clock import WallClock
from otrade.config import manager
from otrade.errors import ConfigError, OTradeError
from otrade.live.notices.redact import redact
from otrade.live.runtime.login_pipe import ADDRESS_CHARS_MAX, WAITS_S, LoginWord
from otrade.live.runtime.process_memory import hide_memory
from otrade.live.startup.credentials import LiveAccess
from otrade.live.startup.login_flow import LoginFlow, login_notice

DONE, NOT_DONE = 0, 1


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when somebody has logged in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    options = parser.parse_args(argv)
    hide_memory()
    try:
        return asyncio.run(_log_in(options.config))
    except OTradeError as error:
        _say(LoginWord(words=redact(str(error))))
        return NOT_DONE


async def _log_in(path: Path) -> int:
    config = manager.load(path)
    if config.mode == "paper":
        raise ConfigError("a paper day logs in at the simulated broker by itself")
    clock = WallClock()
    access = LiveAccess(config, clock)
    if not access.postback_secret():
        raise ConfigError(
            f"a login here needs the app's secret (OTRADE_{config.broker.kind.upper()}_API_SECRET) in the secrets file: the page's "
            "server has no other to give. Run `otrade login`, or log in once the engine runs",
            file=config.paths.secrets,
        )
    flow = LoginFlow(access, clock, lambda session: None)
    addresses = await _standard_input()
    _say(LoginWord(url=flow.begin()))
    try:
        async with asyncio.timeout(WAITS_S):
            while line := await addresses.readline():
                try:
                    session = await flow.finish(line.decode().rstrip("\n"))
                except OTradeError as error:
                    # A stray or hostile request must not end the person's own login.
                    _say(LoginWord(words=redact(str(error))))
                    continue
                _say(LoginWord(ok=True, words=login_notice(session)[1]))
                return DONE
    except (TimeoutError, ValueError):  # too long a line
        pass
    return NOT_DONE


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=ADDRESS_CHARS_MAX * 2)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


def _say(word: LoginWord) -> None:
    sys.stdout.write(msgspec.json.encode(word).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
