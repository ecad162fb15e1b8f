"""Secrets: read from the environment or a file that only its owner may read, and never shown."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

import orjson

from otrade.brokers import registry
from otrade.errors import ConfigError
from otrade.plain_file import read_plain

NAMES = tuple(
    f"OTRADE_{broker.upper()}_{what}"
    for broker in registry.NAMES
    for what in ("API_KEY", "API_SECRET", "ACCESS_TOKEN")
)
ALERT_PREFIX = "OTRADE_ALERT_"
"""Before the name of an alert target, in capitals: its address."""
_ALERT_NAME = re.compile(ALERT_PREFIX + r"[A-Z][A-Z0-9_]{0,23}")
KNOWN_WORDS = ", ".join((*NAMES, ALERT_PREFIX + "<TARGET>"))
SHORT = 8
"""Shorter ones are no secrets worth the name, and would take ordinary words out of every text."""
KNOWN_MAX = 256

_known: dict[str, None] = {}


def remember(value: str) -> None:
    """This is a secret, wherever it came from: `known_secrets` has it from now on. Of very many
    only the newest are kept.
    """
    if len(value) >= SHORT and value not in _known:
        if len(_known) >= KNOWN_MAX:
            del _known[next(iter(_known))]
        _known[value] = None


def known_secrets() -> tuple[str, ...]:
    """Every secret that this process has come to hold: what must not be in any text that leaves it."""
    return tuple(_known)


class Secret:
    """A string that prints as nothing. `reveal()` is the one way to its value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        remember(value)

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


def read_secrets(path: Path, env: Mapping[str, str] | None = None) -> dict[str, Secret]:
    """Every secret of NAMES, and every alert target's address, that is set: the environment first,
    then the JSON object in `path` (mode 0600) with the same names.

    Raises ConfigError for a file that others may read, that is no JSON object of strings, or that
    has an unknown name.
    """
    env = os.environ if env is None else env
    found = {name: Secret(env[name]) for name in env if env[name] and _is_name(name)}
    if not path.exists():
        return found
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigError(
            f"others may read it (mode {mode:04o}); run: chmod 600 {path}",
            file=str(path),
            allowed="mode 0600",
        )
    try:
        raw = read_plain(path)
    except OSError as err:
        raise ConfigError(f"cannot be read: {err.strerror}", file=str(path)) from None
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as err:
        raise ConfigError(
            f"not JSON: line {err.lineno}, column {err.colno}", file=str(path)
        ) from None
    if not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()):
        raise ConfigError("must be a JSON object of strings", file=str(path), allowed=KNOWN_WORDS)
    for name, value in data.items():
        if not _is_name(name):
            raise ConfigError("unknown secret", file=str(path), path=name, allowed=KNOWN_WORDS)
        found.setdefault(name, Secret(value))
    return found


def _is_name(name: str) -> bool:
    return name in NAMES or _ALERT_NAME.fullmatch(name) is not None


def alert_name(target: str) -> str:
    """The environment's name of an alert target's address."""
    return ALERT_PREFIX + target.upper()


def secret_name(kind: str, what: str) -> str:
    """The environment's name of a broker's secret: API_KEY, API_SECRET or ACCESS_TOKEN."""
    return f"OTRADE_{kind.upper()}_{what}"
