"""The log: one JSON object a line, rotated by size. A log that cannot be written never stops the
engine.

A full disk or a vanished directory is counted and told to the owner once; the log then tries again
by itself, every `RETRY_RECORDS` records, and says how many lines it lost.
"""

import contextlib
import logging
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path

import orjson

from otrade.config.schema import LogConfig

LOGGER_NAME = "otrade"
RETRY_RECORDS = 100


class JsonLines(logging.Formatter):
    """A record's message and its `fields` (a dict, by `extra=`) as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": record.created,
            "level": record.levelname,
            "text": record.getMessage(),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line.update(fields)
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TolerantFile(RotatingFileHandler):
    """A rotating file that survives a full disk: `on_failure` hears of the first loss, and of each
    recovery's losses.
    """

    def __init__(self, path: Path, config: LogConfig, on_failure: Callable[[str], None]) -> None:
        self._on_failure = on_failure
        self._n_skip = 0
        self._failing = False
        self.n_lost = 0
        super().__init__(
            path,
            maxBytes=config.max_mb << 20,
            backupCount=config.files,
            encoding="utf-8",
            delay=True,
        )

    def emit(self, record: logging.LogRecord) -> None:
        if self._n_skip > 0:
            self._n_skip -= 1
            self.n_lost += 1
            return
        was_lost = self.n_lost
        super().emit(record)
        if self._failing and self.n_lost == was_lost:
            self._failing = False
            self._on_failure(f"the log {self.baseFilename} is written again; {was_lost} lines are lost")

    def handleError(self, record: logging.LogRecord) -> None:
        """Called by `emit` inside its `except`; the failed stream is dropped, for its buffer cannot
        be written either.
        """
        self.n_lost += 1
        self._n_skip = RETRY_RECORDS
        stream, self.stream = self.stream, None
        if stream is not None:
            try:
                stream.close()
            except OSError:
                self.n_lost += 1  # what the buffer held is gone with it
        if not self._failing:
            self._failing = True
            self._on_failure(f"the log {self.baseFilename} cannot be written (is the disk full?); trading goes on without it")


def open_log(var_dir: Path, config: LogConfig, on_failure: Callable[[str], None]) -> logging.Handler | None:
    """Send the `otrade` logger to `var/log/otrade.jsonl`. None, and a word to `on_failure`, when
    that cannot be made.
    """
    log_dir = var_dir / "log"
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        on_failure(f"the log directory {log_dir} cannot be made ({error.strerror}); there is no log")
        return None
    handler = TolerantFile(log_dir / "otrade.jsonl", config, on_failure)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger(LOGGER_NAME)
    logger.setLevel(config.level.upper())
    logger.propagate = False
    logger.addHandler(handler)
    return handler


def close_log(handler: logging.Handler | None) -> None:
    """Take the log off the logger. A disk that is full even now has been told about before."""
    if handler is not None:
        logging.getLogger(LOGGER_NAME).removeHandler(handler)
        with contextlib.suppress(OSError):
            handler.close()
