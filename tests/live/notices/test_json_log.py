"""The log survives a full disk. `/dev/full` is a disk that is always full."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from otrade.config.schema import LogConfig
from otrade.live.notices import json_log


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def handler(tmp_path: Path, told: list[str]) -> Iterator[logging.Handler]:
    opened = json_log.open_log(tmp_path, LogConfig(), told.append)
    assert opened is not None
    yield opened
    json_log.close_log(opened)


def test_lines_are_json(tmp_path: Path, handler: logging.Handler) -> None:
    logging.getLogger("otrade").info("said", extra={"fields": {"code": "X", "ts_ns": 12}})
    (line,) = (tmp_path / "log" / "otrade.jsonl").read_bytes().splitlines()
    row = orjson.loads(line)
    assert (row["text"], row["code"], row["ts_ns"], row["level"]) == ("said", "X", 12, "INFO")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full (Linux)")
def test_a_full_disk_is_told_once_and_recovery_too(
    tmp_path: Path,
    handler: logging.Handler,
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "log" / "otrade.jsonl"
    monkeypatch.setattr(json_log, "own_file", lambda path, flags: os.open("/dev/full", flags))
    logger = logging.getLogger("otrade")
    for index in range(3 * json_log.RETRY_RECORDS):
        logger.info("line %d", index)
    assert len(told) == 1 and "No space left" in told[0]
    monkeypatch.undo()
    for index in range(2 * json_log.RETRY_RECORDS):
        logger.info("again %d", index)
    assert len(told) == 2 and "written again" in told[1]
    assert path.read_bytes().splitlines(), "the log goes on by itself"


def test_no_directory_means_no_log_and_a_word(tmp_path: Path, told: list[str]) -> None:
    (tmp_path / "log").write_text("a file where the directory should be")
    assert json_log.open_log(tmp_path, LogConfig(), told.append) is None
    assert len(told) == 1 and "there is no log" in told[0]


def test_files_are_rotated_bounded_and_lines_are_cut(tmp_path: Path, told: list[str]) -> None:
    path = tmp_path / "elsewhere" / "engine.jsonl"
    handler = json_log.open_log(tmp_path, LogConfig(path=str(path), max_mb=1, files=2), told.append)
    assert handler is not None
    logger = logging.getLogger("otrade")
    try:
        for _ in range(600):
            logger.info("x" * (2 * json_log.TEXT_CHARS_MAX))
    finally:
        json_log.close_log(handler)
    sizes = [file.stat().st_size for file in path.parent.iterdir()]
    assert len(sizes) == 3 and max(sizes) <= 1 << 20
    assert "more characters" in orjson.loads(path.read_bytes().splitlines()[-1])["text"]
    assert told == []


def test_half_a_surrogate_is_written() -> None:
    record = logging.LogRecord(
        "otrade", logging.INFO, __file__, 1, "broken \ud800 text", None, None
    )
    assert orjson.loads(json_log.JsonLinesFormatter().format(record))["text"] == "broken ? text"
