"""Reads, checks, creates and reloads the configuration file.

orjson finds where JSON is broken, msgspec checks shape and ranges, `rules` what lies between keys.
A bad file is refused with its name, the path inside it and what is allowed; a bad reload leaves the
running configuration as it is.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import orjson

from otrade.brokers.registry import NAMES
from otrade.config.rules import Rules
from otrade.config.schema import Config
from otrade.errors import ConfigError
from otrade.plain_file import new_file, read_plain

DEFAULTS = (
    "paper.json",
    *(f"live.{broker}.example.json" for broker in NAMES),
    "calendar.json",
    "square_off.json",
)

RELOADABLE_WORDS = (
    "risk.* but cooldown_after_stop_s, engine.on_stop, strategies[].enabled, backtest.*"
)
"""What may change while trading: see `applied_now`. Anything else needs a restart: what a bracket was
opened with is what it ends with.
"""


class ReloadResult(msgspec.Struct, frozen=True):
    """What a reload came to. `changed` is in force now, `later` needs a restart. With an `error`
    nothing has changed.
    """

    config: Config
    changed: list[str] = msgspec.field(default_factory=list)
    later: list[str] = msgspec.field(default_factory=list)
    error: str = ""


def parse_json(data: bytes, file: str) -> Any:
    """JSON to Python, or a ConfigError with line and column. An empty or cut file is said to be
    so.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as err:
        what = (
            "the file ends too early (cut in half?)"
            if err.pos >= len(data.rstrip()) - 1
            else str(err).split(":")[0]
        )
        raise ConfigError(f"line {err.lineno}, column {err.colno}: {what}", file=file) from None


def _fields_at(data: Any, path: str) -> list[str]:
    """Names that the schema knows at a `$.a[0].b` path, for a suggestion."""
    schema = msgspec.json.schema(Config)
    node: Any = schema
    for part in re.findall(r"[A-Za-z_$][\w$]*|\[\d+\]|\[\.\.\.\]", path.removeprefix("$")):
        node = _resolve(schema, node, data)
        if part.startswith("["):
            node = node.get("items", {})
            data = (
                data[int(part[1:-1])] if part[1:-1].isdigit() and isinstance(data, list) else None
            )
        else:
            node = node.get("properties", {}).get(part, {})
            data = data.get(part) if isinstance(data, dict) else None
    return list(_resolve(schema, node, data).get("properties", {}))


def _resolve(schema: Any, node: Any, data: Any) -> Any:
    while True:
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
        elif "anyOf" in node:
            tag = data.get("kind") if isinstance(data, dict) else None
            mapping = node.get("discriminator", {}).get("mapping", {})
            node = {"$ref": mapping[tag]} if tag in mapping else node["anyOf"][-1]
        else:
            return node


def _refuse(err: msgspec.ValidationError, data: Any, file: str) -> ConfigError:
    """msgspec's sentence in ours: the path apart, a suggestion for a misspelt key."""
    text = str(err)
    match = re.search(r" - at `(.+?)`$", text)
    path = match.group(1) if match else "$"
    text = text[: match.start()] if match else text
    unknown = re.search(r"unknown field `(.+?)`", text)
    allowed = ""
    if unknown:
        import difflib  # only a refusal needs it

        names = _fields_at(data, path)
        close = difflib.get_close_matches(unknown.group(1), names, 1)
        text = f"unknown key {unknown.group(1)!r}" + (
            f"; did you mean {close[0]!r}?" if close else ""
        )
        allowed = ", ".join(names)
    return ConfigError(
        text,
        file=file,
        path=path.removeprefix("$.") if path != "$" else "top level",
        allowed=allowed,
    )


def _refuse_twice(raw: bytes, file: str) -> None:
    """A key that is written twice: which of the two values was meant?"""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen = dict(pairs)
        if len(seen) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for i, name in enumerate(names) if name in names[:i])
            raise ConfigError(
                f"the key {twice!r} is written twice in one object; remove one of them", file=file
            )
        return seen

    json.loads(raw, object_pairs_hook=once)


def load(path: Path) -> Config:
    """The configuration in `path`. ConfigError names file, path and fix."""
    try:
        raw = read_plain(path)
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file; `otrade init` writes the defaults", file=str(path)
        ) from None
    except OSError as err:
        raise ConfigError(f"cannot be read: {err.strerror}", file=str(path)) from None
    return from_bytes(raw, str(path))


def from_bytes(raw: bytes, file: str) -> Config:
    data = parse_json(raw, file)
    try:
        config = msgspec.convert(data, Config)
    except msgspec.ValidationError as err:
        raise _refuse(err, data, file) from None
    _refuse_twice(raw, file)
    Rules(file).check(config)
    return config


def to_bytes(config: Config) -> bytes:
    """The configuration with every default written out, indented."""
    return orjson.dumps(
        msgspec.to_builtins(config), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    )


def default_bytes(name: str) -> bytes:
    """One of the files that come with OTrade."""
    return Path(__file__).with_name(name).read_bytes()


def json_schema() -> bytes:
    """JSON Schema (2020-12) of the configuration file."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "OTrade configuration",
        **msgspec.json.schema(Config),
    }
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def init(directory: Path) -> list[Path]:
    """Write the default files and the schema that are missing; what is there is never touched.
    Returns what was written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, data in [*((n, default_bytes(n)) for n in DEFAULTS), ("schema.json", json_schema())]:
        target = directory / name
        try:
            with new_file(target) as out:
                out.write(data)
        except FileExistsError:
            continue  # a link that leads nowhere is there too
        written.append(target)
    return written


FILE_ONLY = (
    *(
        f"{part}.{name}_url"
        for part in ("broker", "second_feed")
        for name in ("rest", "feed", "login", "instruments", "redirect")
    ),
    "broker.order_url",
    *("paths", "log.path", "sim.prices", "history.files", "backtest.journals", "sockets"),
    *("web.host", "web.names", "web.tls_cert", "web.tls_key"),
)
"""Where secrets are sent, which files of the machine are read and written, and where it is listened:
whoever holds a session on the page must not choose that. It is changed in the file alone.
"""


def is_file_only(path: str) -> bool:
    """Whether a path of `differences` is, or lies below, one that only the file may change."""
    return any(path == name or path.startswith((f"{name}.", f"{name}[")) for name in FILE_ONLY)


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Paths at which two configurations (as builtins) differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(k for k in new if k not in old)]
        return [
            d
            for k in keys
            for d in differences(old.get(k), new.get(k), f"{path}.{k}" if path else k)
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            d
            for i, (a, b) in enumerate(zip(old, new, strict=True))
            for d in differences(a, b, f"{path}[{i}]")
        ]
    return [] if old == new else [path]


def applied_now(old: Config, new: Config) -> Config:
    """The old configuration with everything of the new one that may change while trading. Strategies
    are told by their names: places in the list may have moved.
    """
    enabled = {strategy.name: strategy.enabled for strategy in new.strategies}
    replace = msgspec.structs.replace
    return replace(
        old,
        risk=replace(new.risk, cooldown_after_stop_s=old.risk.cooldown_after_stop_s),
        engine=replace(old.engine, on_stop=new.engine.on_stop),
        backtest=new.backtest,
        strategies=[
            replace(strategy, enabled=enabled.get(strategy.name, strategy.enabled))
            for strategy in old.strategies
        ],
    )


class ConfigManager:
    """The configuration in force, and the file it came from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = load(path)
        self._stamp = self._now_stamp()

    def _now_stamp(self) -> tuple[int, int]:
        try:
            stat = self.path.stat()
        except OSError:
            return (0, 0)
        return (stat.st_mtime_ns, stat.st_size)

    def has_changed(self) -> bool:
        """Has the file been written since it was last read? Cheap: two numbers of one stat call."""
        return self._now_stamp() != self._stamp

    def reload(self) -> ReloadResult:
        """Read again. What may change while trading is in force from now on, whatever else the file
        changes: a limit that somebody lowers must not wait for a restart. Of a file that cannot be
        read, or is wrong anywhere, nothing is taken.
        """
        self._stamp = self._now_stamp()
        try:
            new = load(self.path)
        except ConfigError as err:
            return ReloadResult(self.config, error=str(err))
        before, self.config = self.config, applied_now(self.config, new)
        as_before, now, wanted = map(msgspec.to_builtins, (before, self.config, new))
        return ReloadResult(
            self.config,
            changed=differences(as_before, now),
            later=[path for path in differences(now, wanted) if path != "$schema"],
        )
