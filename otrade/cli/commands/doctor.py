"""`otrade doctor`: what must be right on this machine before a day begins, and the fix for each
thing that is not.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from otrade.errors import OTradeError
from otrade.plain_file import own_folder

PYTHON_MIN = (3, 11)
DISK_MB_MIN = 200
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
TIMEX_BYTES = 512  # more than struct timex


def _python(_config: Path) -> str:
    if sys.version_info[:2] < PYTHON_MIN:
        raise OTradeError(f"Python {sys.version.split()[0]} is too old; install 3.11 or newer")
    return f"Python {sys.version.split()[0]}"


def _core(_config: Path) -> str:
    try:
        importlib.import_module("otrade._core.engine.engine")
    except ImportError as err:
        raise OTradeError(f"the compiled core cannot be loaded: {err}") from None
    return "the compiled core fits this processor"


def _packages(_config: Path) -> str:
    missing = []
    for name in (
        "uvloop",
        "orjson",
        "msgspec",
        "picows",
        "httptools",
        "starlette",
        "uvicorn",
    ):
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        raise OTradeError(f"not installed: {', '.join(missing)}; run: pip install otrade")
    return "all packages are there"


def _page(_config: Path) -> str:
    if not (Path(__file__).parents[2] / "web" / "static" / "index.html").is_file():
        raise OTradeError("the page is not built; run: make build")
    return "the page is built"


def _configuration(config: Path) -> str:
    from otrade.config import manager

    loaded = manager.load(config)
    return f"{config} is good: {loaded.mode}, {len(loaded.strategies)} strategies"


def _secrets(config: Path) -> str:
    from otrade.config import manager
    from otrade.config.secret import read_secrets, secret_name

    loaded = manager.load(config)
    found = read_secrets(Path(loaded.paths.secrets))
    name = secret_name(loaded.broker.kind, "API_KEY")
    if loaded.mode == "live" and name not in found:
        raise OTradeError(f"no {name} in the environment or in {loaded.paths.secrets} (mode 0600)")
    return "no secrets are needed on paper" if loaded.mode == "paper" else "the API key is there"


def _alerts(config: Path) -> str:
    from otrade.config import manager
    from otrade.config.secret import alert_name, read_secrets

    loaded = manager.load(config)
    names = [target.name for target in loaded.alerts.targets]
    if not names:
        return "no alerts are configured (alerts.targets)"
    found = read_secrets(Path(loaded.paths.secrets))
    missing = [alert_name(name) for name in names if alert_name(name) not in found]
    if missing:
        raise OTradeError(
            f"no {', '.join(missing)} in the environment or in {loaded.paths.secrets} (mode 0600)"
        )
    return f"{', '.join(names)}: each has an address; otrade alerts test tells whether it is the right one"


def _calendar(config: Path) -> str:
    import time

    from otrade.calendar import Calendar, date_of
    from otrade.config import manager

    path = manager.load(config).paths.calendar
    calendar = Calendar.load(Path(path) if path else None)
    today = date_of(time.time_ns())
    why = calendar.holiday(today)
    return f"{today} is " + (f"no trading day ({why})" if why else "a trading day")


def _port(config: Path) -> str:
    from otrade.config import manager

    web = manager.load(config).web
    with socket.socket(socket.AF_INET6 if ":" in web.host else socket.AF_INET) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((web.host, web.port))
        except OSError as err:
            raise OTradeError(
                f"port {web.port} cannot be used ({err.strerror}); stop what uses it, or change "
                "web.port"
            ) from None
    return f"port {web.port} is free"


def _clock(config: Path) -> str:
    import ctypes

    from otrade.config import manager

    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return "cannot be asked on this system"
    is_off = adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)) in (-1, TIME_ERROR)
    if is_off and manager.load(config).mode == "live":
        raise OTradeError("the clock is not synchronised; switch on chrony or systemd-timesyncd")
    return "not synchronised, which does not matter on paper" if is_off else "synchronised"


def _disk(config: Path) -> str:
    from otrade.config import manager

    var = Path(manager.load(config).paths.var)
    own_folder(var)
    free_mb = shutil.disk_usage(var).free // 2**20
    if free_mb < DISK_MB_MIN:
        raise OTradeError(f"{free_mb} MB free under {var}; make room for {DISK_MB_MIN} MB")
    return f"{free_mb} MB free under {var}"


def _compiler(_config: Path) -> str:
    """Only whoever compiles strategy files needs one."""
    from otrade.strategy.build.linker import linker

    if importlib.util.find_spec("numba") is None or importlib.util.find_spec("llvmlite") is None:
        return "strategy files cannot be compiled here: pip install 'otrade[strategy]' (what has been built runs without)"
    try:
        return f"strategy files are compiled by numba and linked by {' '.join(linker())}"
    except OTradeError as err:
        return f"strategy files cannot be compiled here: {err}"


CHECKS: tuple[tuple[str, Callable[[Path], str]], ...] = (
    ("python", _python),
    ("core", _core),
    ("packages", _packages),
    ("compiler", _compiler),
    ("page", _page),
    ("configuration", _configuration),
    ("secrets", _secrets),
    ("alerts", _alerts),
    ("calendar", _calendar),
    ("clock", _clock),
    ("port", _port),
    ("disk", _disk),
)


def doctor(config: Path) -> int:
    """Print a line for each check; 0 when all are good, else 4."""
    bad = 0
    for name, check in CHECKS:
        try:
            good, text = True, check(config)
        except (OTradeError, OSError) as err:
            good, text = False, str(err)
            bad += 1
        print(f"{'ok ' if good else 'NO '} {name:<14}{text}")
    return 4 if bad else 0
