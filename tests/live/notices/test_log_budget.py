"""The trading's log cannot be flooded, nor rolled over, by who talks to the page or breaks a
handshake. Time is a number that the test moves.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from otrade.config.schema import LogConfig
from otrade.live.notices import json_log
from otrade.live.notices.json_log import (
    LINES_PER_MIN,
    OTHERS,
    LineBudget,
    TolerantLogFile,
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    handler = json_log.open_log(tmp_path, LogConfig(), lambda words: None)
    yield tmp_path / "log"
    json_log.close_log(handler)


def lines(path: Path) -> list[str]:
    return [orjson.loads(line)["text"] for line in path.read_bytes().splitlines()]


def test_what_the_page_says_and_who_did_what_are_logs_of_their_own(tmp_path: Path) -> None:
    handlers = json_log.open_page_log(tmp_path, LogConfig(), lambda words: None)
    try:
        for name in ("otrade.web", "uvicorn"):
            for n in range(2 * LINES_PER_MIN[name]):
                logging.getLogger(f"{name}.x").error("%d %s", n, "x" * 300)
        logging.getLogger("otrade.audit").info("a login")
    finally:
        for handler in handlers:
            json_log.close_log(handler)
    folder = tmp_path / "log"
    most = LINES_PER_MIN["otrade.web"] + LINES_PER_MIN["uvicorn"]
    assert len(lines(folder / "otrade-page.jsonl")) == most
    assert lines(folder / "otrade-audit.jsonl") == ["a login"]
    assert not (folder / "otrade.jsonl").exists()


def test_a_library_has_so_many_lines_a_minute_and_trading_as_many_as_it_likes(folder: Path) -> None:
    for n in range(3 * LINES_PER_MIN["asyncio"]):
        logging.getLogger("asyncio").error("SSL handshake failed %d", n)
        logging.getLogger("otrade.kite").warning("%d", n)
    found = lines(folder / "otrade.jsonl")
    assert sum("handshake" in line for line in found) == LINES_PER_MIN["asyncio"]
    assert len(found) == 4 * LINES_PER_MIN["asyncio"]


def test_what_is_left_out_is_counted_and_each_has_its_own(tmp_path: Path) -> None:
    now_s = 100.0
    budget = LineBudget({"asyncio": 2, "picows": 2}, lambda: now_s)
    log = TolerantLogFile(tmp_path / "log", LogConfig(), lambda words: None, budget)

    def say(name: str, words: str) -> None:
        log.handle(logging.LogRecord(name, logging.ERROR, "", 0, words, (), None))

    for n in range(5):
        say("asyncio", f"a{n}")
    say("picows", "p")
    now_s += 60
    say("asyncio.sub", "again")
    now_s += 60
    say("asyncio", "quiet")
    log.close()
    assert (tmp_path / "log").read_text().split("\n")[:-1] == [
        "a0", "a1", "p", "3 more lines were left out within a minute", "again", "quiet",
    ]  # fmt: skip


def test_everything_is_as_it_was_when_the_log_is_closed(tmp_path: Path) -> None:
    handler = json_log.open_log(tmp_path, LogConfig(), lambda words: None)
    json_log.close_log(handler)
    for name in (*OTHERS, "otrade"):
        assert not any(isinstance(one, TolerantLogFile) for one in logging.getLogger(name).handlers)
