"""`otrade kill` and `otrade rearm`: the kill switch from a terminal.

The engine is asked first, over its socket. When it does not answer, the kill file and a signal
reach it without its answer; and when it is not there, or must not be trusted, `--direct` acts at
the broker by itself.
"""

from __future__ import annotations

import getpass
import os
import sys
import time
from pathlib import Path

from otrade.cli.engine.client import ANSWER_S_MAX
from otrade.engine_link.call import EngineCall, NoAnswerError
from otrade.errors import StartError
from otrade.file_lock import is_locked
from otrade.live.control.kill_switch import KILL_SIGNAL, kill_file, write_kill_file
from otrade.live.runtime.run_file import read_run_info
from otrade.live.watchdog.heartbeat import read_heartbeat, read_protection, start_ticks

DONE, NO_ENGINE, STOPPED = 0, 3, 4
WORD = "REARM"
FORMER_WORD = "RE-ARM"  # of 0.1


def kill(var: Path, *, flatten: bool, direct: bool, config: Path | None) -> int:
    """Halt the engine of `var`; with `flatten` close everything too. `direct` ends the engine and
    acts at the broker itself.

    Exit code 0 done, 3 no engine runs there, 4 not everything could be done, 6 something of ours is
    still open.
    """
    if direct:
        write = _write_file(var)
        return _direct(config, flatten=flatten) or write
    try:
        info = read_run_info(var)
    except StartError as error:
        return _without_signal(var, str(error), flatten=flatten)
    is_there = info is not None and is_engine(var, info.pid)
    if info is None or not is_there:
        return _without_engine(var, flatten=flatten, config=config)
    try:
        return _by_socket(var, flatten=flatten)
    except NoAnswerError as error:
        print(f"engine {info.pid} does not answer ({error})", file=sys.stderr)
    code = _write_file(var)
    try:
        os.kill(info.pid, KILL_SIGNAL)
        print(f"sent {KILL_SIGNAL.name} to engine {info.pid}: it halts as soon as it runs again")
    except OSError as error:
        print(f"engine {info.pid} could not be signalled ({error.strerror})", file=sys.stderr)
        code = STOPPED
    print(open_words(var))
    print(
        "whether it is halted is NOT known: look with otrade status; otrade kill --direct ends it and acts at the broker itself"
    )
    if flatten:
        print("nothing was flattened: that needs the engine's answer, or --direct", file=sys.stderr)
        return STOPPED
    return code or STOPPED


def rearm(var: Path, *, yes: bool) -> int:
    """Take the kill file away and let the engine trade again, once a person has said so in a word."""
    if not yes:
        print(
            f"This lets the engine of {var} take entries again. Type {WORD} to do it: ",
            end="",
            file=sys.stderr,
            flush=True,
        )
        if sys.stdin.readline().strip() not in (WORD, FORMER_WORD):
            print("nothing was changed", file=sys.stderr)
            return STOPPED
    path = kill_file(var)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StartError(
            f"{path} cannot be removed ({error.strerror}): remove it yourself"
        ) from None
    info = read_run_info(var)
    if info is None or not is_engine(var, info.pid):
        print(f"no kill file is left; no engine runs in {var}", file=sys.stderr)
        return NO_ENGINE
    try:
        with EngineCall(var, ANSWER_S_MAX) as engine:
            ok, words = engine.act("rearm")
    except NoAnswerError as error:
        print(f"engine {info.pid} does not answer ({error}); it is not re-armed", file=sys.stderr)
        return STOPPED
    print(words, file=sys.stdout if ok else sys.stderr)
    return DONE if ok else STOPPED


def is_engine(var: Path, pid: int) -> bool:
    """Is that process the engine of `var`? A signal to a later process with its number would end an
    innocent one.
    """
    beat = read_heartbeat(var)
    if beat is not None and beat.pid == pid:
        return start_ticks(pid) == beat.start_ticks
    return start_ticks(pid) > 0 and is_locked(var / "run" / "engine.lock")


def open_words(var: Path) -> str:
    """What the engine last said to be open."""
    protection = read_protection(var)
    if protection is None:
        return "what is open is not known: look at the broker"
    rows = [
        f"{b.exchange}:{b.symbol} {b.open_qty} units {'long' if b.side > 0 else 'short'}"
        for b in protection.brackets
    ]
    return f"last known open: {', '.join(rows) or 'nothing'}"


def _by_socket(var: Path, *, flatten: bool) -> int:
    with EngineCall(var, ANSWER_S_MAX) as engine:
        ok, words = engine.act("kill")
        print(words)
        code = DONE if ok or "already" in words else STOPPED
        if flatten:
            ok, words = engine.act("flatten")
            print(words)
            code = code if ok or "nothing is open" in words else STOPPED
    return code


def _without_signal(var: Path, why: str, *, flatten: bool) -> int:
    """The run file is not believed, so no process that it names is signalled. What needs no name is
    done all the same: the socket, which shows who is there, and the kill file.
    """
    print(why, file=sys.stderr)
    try:
        return _by_socket(var, flatten=flatten)
    except NoAnswerError as error:
        print(f"no engine answers ({error})", file=sys.stderr)
    _write_file(var)
    print(
        "whether an engine is halted is NOT known, and nothing was signalled: otrade kill --direct acts at the broker itself",
        file=sys.stderr,
    )
    return STOPPED


def _write_file(var: Path) -> int:
    try:
        path = write_kill_file(var, f"otrade kill by {getpass.getuser()}", time.time_ns())
    except OSError as error:
        print(f"the kill file cannot be written in {var} ({error.strerror})", file=sys.stderr)
        return STOPPED
    print(f"kill file: {path} (no engine trades there until otrade rearm)")
    return DONE


def _without_engine(var: Path, *, flatten: bool, config: Path | None) -> int:
    print(f"no engine runs in {var}", file=sys.stderr)
    if config is None or not _is_live(config):
        return NO_ENGINE
    code = _write_file(var)
    return _direct(config, flatten=flatten) or code


def _is_live(config: Path) -> bool:
    from otrade.config.manager import load

    mode: str = load(config).mode
    return mode == "live"


def _direct(config: Path | None, *, flatten: bool) -> int:
    from otrade.cli.engine.watchdog import watch

    if config is None:
        raise StartError(
            "to act at the broker directly, name the configuration of the live engine: --config FILE"
        )
    return watch(config, once=True, flatten=flatten, force=True)
