"""The log: one JSON object a line, rotated by size, without secrets. A log that cannot be written
never stops the engine.

A full disk or a vanished directory is counted and told to the owner once; the log then tries again
by itself, every `RETRY_RECORDS` records, and says how many lines it lost. The console is not the
log: `Runner` prints for people.
"""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path

import orjson

from otrade.config.schema import LogConfig
from otrade.live.notices.redact import redact, redact_value
from otrade.plain_file import own_file, own_folder

LOGGER_NAME = "otrade"
OTHERS = ("asyncio", "picows", "py.warnings")
"""Libraries whose warnings belong in the same file."""
AUDIT_NAME = "otrade.audit"
"""Who did what on the page, and what was refused."""
LINES_PER_MIN = {**dict.fromkeys((*OTHERS, "uvicorn"), 60), "otrade.web": 300}
"""Of a library a stranger's broken handshake can be a line and a traceback; of the page whatever
strangers do.
"""
RETRY_RECORDS = 100
TEXT_CHARS_MAX = 8_192
TRACE_CHARS_MAX = 32_768
"""Of one line: a broker's page of HTML must not fill the disk."""


class JsonLinesFormatter(logging.Formatter):
    """A record's message and its `fields` (a dict, by `extra=`) as one line of JSON, cut to size
    and freed of secrets.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": record.created,
            "level": record.levelname,
            "logger": record.name,
            "text": _cut(redact(record.getMessage()), TEXT_CHARS_MAX),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line.update(redact_value(fields))
        if record.exc_info:
            line["trace"] = _cut(redact(self.formatException(record.exc_info)), TRACE_CHARS_MAX)
        return orjson.dumps(_sound(line), default=str).decode()


def _cut(text: str, chars_max: int) -> str:
    if len(text) <= chars_max:
        return text
    return f"{text[:chars_max]}... ({len(text) - chars_max} more characters)"


def _sound(line: dict[str, object]) -> dict[str, object]:
    """Half a surrogate is no JSON: what has one is written with question marks."""
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in line.items()
    }


class LineBudget:
    """How many lines a minute may come of each logger in `per_min` and those below it; of others as
    many as like. Time is a monotonic clock, passed in.
    """

    def __init__(
        self, per_min: Mapping[str, int], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_min = per_min
        self._now_s = now_s
        self._minute_s = dict.fromkeys(per_min, float("-inf"))
        self._n = dict.fromkeys(per_min, 0)

    def take(self, logger: str) -> tuple[bool, int]:
        """Whether one more may come, and how many the minute before has left out, told once."""
        name = next(
            (one for one in self._per_min if logger == one or logger.startswith(f"{one}.")), None
        )
        if name is None:
            return True, 0
        now_s, left_out = self._now_s(), 0
        if now_s - self._minute_s[name] >= 60:
            left_out = max(self._n[name] - self._per_min[name], 0)
            self._minute_s[name], self._n[name] = now_s, 0
        self._n[name] += 1
        return self._n[name] <= self._per_min[name], left_out


class TolerantLogFile(logging.FileHandler):
    """A rotating file that survives a full disk: `on_failure` hears of the first loss, and of each
    recovery's losses. Only its owner may read it.
    """

    def __init__(
        self,
        path: Path,
        config: LogConfig,
        on_failure: Callable[[str], None],
        budget: LineBudget | None = None,
    ) -> None:
        self._on_failure = on_failure
        self._budget = budget or LineBudget({})
        self._n_skip = 0
        self._failing = False
        self.n_lost = 0
        self._bytes_max = config.max_mb << 20
        self._n_kept = config.files
        super().__init__(path, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        return open(
            self.baseFilename,
            self.mode,
            encoding=self.encoding,
            opener=lambda path, flags: own_file(Path(path), flags),
        )  # type: ignore[return-value]

    def emit(self, record: logging.LogRecord) -> None:
        has_room, left_out = self._budget.take(record.name)
        if left_out:
            words = f"{left_out} more lines were left out within a minute"
            self._emit(logging.LogRecord(record.name, logging.WARNING, "", 0, words, (), None))
        if has_room:
            self._emit(record)

    def _emit(self, record: logging.LogRecord) -> None:
        if self._n_skip > 0:
            self._n_skip -= 1
            self.n_lost += 1
            return
        was_lost = self.n_lost
        try:
            self._rotate_if_full(record)
        except Exception:
            self.handleError(record)
        else:
            super().emit(record)
        if self._failing and self.n_lost == was_lost:
            self._failing = False
            self._on_failure(
                f"the log {self.baseFilename} is written again; {was_lost} lines are lost"
            )

    def _rotate_if_full(self, record: logging.LogRecord) -> None:
        """`NAME` becomes `NAME.1`, and the oldest goes."""
        if self.stream is None:
            self.stream = self._open()
        line = self.format(record).encode()
        if self.stream.seek(0, os.SEEK_END) + len(line) + 1 < self._bytes_max:
            return
        stream, self.stream = self.stream, None
        stream.close()
        name = self.baseFilename
        for n in range(self._n_kept - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{name}.{n}", f"{name}.{n + 1}")
        os.replace(name, f"{name}.1")

    def handleError(self, record: logging.LogRecord) -> None:
        """Called by `emit` inside its `except`; the failed stream is dropped, for its buffer cannot
        be written either.
        """
        self.n_lost += 1
        self._n_skip = RETRY_RECORDS
        error = sys.exc_info()[1]
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        stream, self.stream = self.stream, None
        if stream is not None:
            try:
                stream.close()
            except OSError:
                self.n_lost += 1  # what the buffer held is gone with it
        if not self._failing:
            self._failing = True
            self._on_failure(
                f"the log {self.baseFilename} cannot be written ({why}); trading goes on without it"
            )


def log_path(var_dir: Path, config: LogConfig) -> Path:
    """Where the log is."""
    return Path(config.path) if config.path else var_dir / "log" / "otrade.jsonl"


def open_log(
    var_dir: Path, config: LogConfig, on_failure: Callable[[str], None]
) -> TolerantLogFile | None:
    """Send the `otrade` logger, and the warnings of the libraries below us, to the file. None, and
    a word to `on_failure`, when that cannot be made.
    """
    return _open(log_path(var_dir, config), config, on_failure, (LOGGER_NAME, *OTHERS))


def open_page_log(
    var_dir: Path, config: LogConfig, on_failure: Callable[[str], None]
) -> list[TolerantLogFile]:
    """The same of the page's server, in a file of its own beside the engine's, and who did what there
    in another: what people and strangers do, however often, takes no line of the trading's log away.
    """
    path = log_path(var_dir, config)
    opened = [
        _open(path.with_name(f"{path.stem}-{name}{path.suffix}"), config, on_failure, loggers)
        for name, loggers in (("page", (LOGGER_NAME, *OTHERS, "uvicorn")), ("audit", (AUDIT_NAME,)))
    ]
    return [handler for handler in opened if handler is not None]


def _open(
    path: Path,
    config: LogConfig,
    on_failure: Callable[[str], None],
    loggers: Sequence[str],
) -> TolerantLogFile | None:
    try:
        if config.path:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # may be everybody's
        else:
            own_folder(path.parent)
    except OSError as error:
        on_failure(
            f"the log directory {path.parent} cannot be made ({error.strerror}); there is no log"
        )
        return None
    handler = TolerantLogFile(path, config, on_failure, LineBudget(LINES_PER_MIN))
    handler.setFormatter(JsonLinesFormatter())
    logging.getLogger(LOGGER_NAME).setLevel(config.level.upper())
    for name in loggers:
        logging.getLogger(name).addHandler(handler)
        if name.startswith(LOGGER_NAME):
            logging.getLogger(name).propagate = False
    return handler


def close_log(handler: logging.Handler | None) -> None:
    """Take the log off the loggers. A disk that is full even now has been told about before."""
    if handler is None:
        return
    for name in (LOGGER_NAME, AUDIT_NAME, *OTHERS, "uvicorn"):
        logging.getLogger(name).removeHandler(handler)
    with contextlib.suppress(OSError):
        handler.close()
