"""Strategy files in the configuration's schema: which there are, and of each its parameters with bounds
and words. Files are read as text and never run; one with faults is left out.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from otrade.config import Config
from otrade.config.schema import FileStrategy
from otrade.errors import StrategyError
from otrade.plain_file import read_plain
from otrade.strategy.check.file import FILE_BYTES_MAX, read_source
from otrade.strategy.check.spec import Spec

FILES_MAX = 100
"""Of a folder, by name."""
TYPES = {"int": "integer", "float": "number"}


def with_files(schema: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The schema in which `params` of a strategy of `kind: file` are those of its file."""
    own = schema["$defs"][FileStrategy.__name__]
    found = {path.name: spec for path, spec in _specs(folder)}
    own["properties"]["file"]["examples"] = list(found)
    own["allOf"] = [
        {
            "if": {"properties": {"file": {"const": name}}},
            "then": {"properties": {"params": _params(spec)}},
        }
        for name, spec in found.items()
    ]
    return schema


def wrong_params(config: Config, folder: Path) -> tuple[str, str]:
    """Field and words of the first parameter that its file refuses, or of a file with faults; empty when
    none is. Of a file that is not there nothing is said: the start says it.
    """
    for number, strategy in enumerate(config.strategies):
        if not isinstance(strategy, FileStrategy):
            continue
        field = f"strategies[{number}]"
        try:
            source = read_plain(folder / strategy.file, FILE_BYTES_MAX + 1)
        except OSError:
            continue
        try:
            spec = _read(str(folder / strategy.file), source)
        except StrategyError as error:
            return f"{field}.file", str(error).splitlines()[0]
        name, words = spec.refused(strategy.params)
        if name:
            return f"{field}.params.{name}", words
    return "", ""


def _specs(folder: Path) -> Iterable[tuple[Path, Spec]]:
    for path in sorted(folder.glob("*.py"))[:FILES_MAX]:
        try:
            yield path, _read(str(path), read_plain(path, FILE_BYTES_MAX + 1))
        except (OSError, StrategyError):
            continue


@lru_cache(maxsize=2 * FILES_MAX)
def _read(path: str, source: bytes) -> Spec:
    return read_source(path, source)


def _params(spec: Spec) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "default": {},
        "description": (spec.words.splitlines() or [""])[0],
        "properties": {
            name: {
                "type": TYPES[one.kind],
                "minimum": one.low,
                "maximum": one.high,
                "default": one.default,
                "description": one.words,
            }
            for name, one in spec.params.items()
        },
    }
