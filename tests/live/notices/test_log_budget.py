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
    LIBRARY_LINES_PER_MIN,
    OF_THE_PAGE,
    OTHERS,
    PAGE_LINES_PER_MIN,
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


def test_what_the_page_says_is_a_log_of_its_own(folder: Path) -> None:
    logging.getLogger("otrade").warning("a fill")
    for name in OF_THE_PAGE:
        for n in range(2 * PAGE_LINES_PER_MIN):
            logging.getLogger(f"{name}.x").error("%d %s", n, "x" * 300)
    assert lines(folder / "otrade.jsonl") == ["a fill"]
    assert len(lines(folder / "otrade-page.jsonl")) == len(OF_THE_PAGE) * PAGE_LINES_PER_MIN


def test_a_library_has_so_many_lines_a_minute_and_trading_as_many_as_it_likes(folder: Path) -> None:
    for n in range(3 * LIBRARY_LINES_PER_MIN):
        logging.getLogger("asyncio").error("SSL handshake failed %d", n)
        logging.getLogger("otrade.kite").warning("%d", n)
    found = lines(folder / "otrade.jsonl")
    assert sum("handshake" in line for line in found) == LIBRARY_LINES_PER_MIN
    assert len(found) == 4 * LIBRARY_LINES_PER_MIN


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
    for name in (*OF_THE_PAGE, *OTHERS, "otrade"):
        assert not any(isinstance(one, TolerantLogFile) for one in logging.getLogger(name).handlers)
    assert logging.getLogger("otrade.web").propagate
