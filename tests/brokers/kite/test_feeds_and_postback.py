"""Kite's feed over several connections, and its postback."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from otrade.brokers.kite.feeds import KiteFeeds
from otrade.brokers.kite.postback import BODY_BYTES_MAX, read_postback
from otrade.brokers.kite.stream import TOKENS_MAX, StreamCallbacks
from otrade.errors import BrokerError
from tests.brokers.kite.test_reports import ROW

FIXTURE = Path(__file__).parents[3].parent / "shared" / "fixtures" / "kite" / "postback.json"
SECRET = "s3cret"


class ManualStream:
    """A connection that a test opens and closes."""

    def __init__(self, calls: StreamCallbacks, name: str) -> None:
        self.calls, self.name = calls, name
        self.wanted: dict[int, str] = {}
        self.is_up = self.is_connecting = self.started = False
        self.latency: Any = None
        self.token = ""

    def start(self) -> None:
        self.started = True

    async def stop(self) -> None:
        self.started = False

    def subscribe(self, wanted: Any) -> None:
        self.wanted.update(wanted)

    def unsubscribe(self, tokens: Any) -> None:
        for token in tokens:
            self.wanted.pop(token, None)

    def set_access_token(self, token: str) -> None:
        self.token = token

    def up(self) -> None:
        self.is_up = True
        self.calls.on_up()

    def down(self, why: str) -> None:
        self.is_up = False
        self.calls.on_down(why)


class FeedsSetup:
    def __init__(self) -> None:
        self.said: list[Any] = []
        self.streams: list[ManualStream] = []
        calls = StreamCallbacks(
            on_up=lambda: self.said.append("up"),
            on_down=self.said.append,
            on_token_dead=lambda: self.said.append("token"),
            on_commands=lambda: None,
            on_order=lambda row: self.said.append(row),
            on_message=lambda kind, text: self.said.append((kind, text)),
        )
        self.feeds = KiteFeeds(calls, self.make)

    def make(self, calls: StreamCallbacks, name: str) -> ManualStream:
        self.streams.append(ManualStream(calls, name))
        return self.streams[-1]


def test_3000_instruments_fit_one_connection_and_the_next_one_opens_another() -> None:
    bench = FeedsSetup()
    bench.feeds.start()
    bench.feeds.subscribe([(token, "full") for token in range(TOKENS_MAX)])
    assert [len(s.wanted) for s in bench.streams] == [3000]
    bench.feeds.subscribe([(token, "ltp") for token in range(2_990, 3_010)])
    assert [len(s.wanted) for s in bench.streams] == [3000, 10] and bench.streams[1].started
    assert bench.streams[0].wanted[2_995] == "ltp", "a mode is changed where the instrument is"
    bench.feeds.subscribe([(token, "ltp") for token in range(9_000)])
    assert [len(s.wanted) for s in bench.streams] == [3000, 3000, 3000] == [TOKENS_MAX] * 3


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ([(token, "ltp") for token in range(9_001)], "9001 instruments are more"),
        ([(1, "fast")], "'fast' is not one of"),
    ],
)
def test_what_cannot_be_carried_changes_nothing(wanted: list[tuple[int, str]], words: str) -> None:
    bench = FeedsSetup()
    with pytest.raises(ValueError, match=words):
        bench.feeds.subscribe(wanted)
    assert [len(s.wanted) for s in bench.streams] == [0]


def test_room_that_is_given_back_is_used_again() -> None:
    bench = FeedsSetup()
    bench.feeds.subscribe([(token, "ltp") for token in range(9_000)])
    bench.feeds.unsubscribe(range(100))
    bench.feeds.subscribe([(token, "ltp") for token in range(9_000, 9_100)])
    assert [len(s.wanted) for s in bench.streams] == [3000] * 3


def test_the_feed_is_up_when_all_of_it_is_and_orders_are_told_once() -> None:
    bench = FeedsSetup()
    bench.feeds.start()
    bench.feeds.subscribe([(token, "ltp") for token in range(3_001)])
    one, two = bench.streams
    one.up()
    assert bench.said == [] and not bench.feeds.is_up
    two.up()
    assert bench.said == ["up"] and bench.feeds.is_up
    two.down("gone")
    one.down("gone too")
    assert bench.said == ["up", "gone"], "it went down once"
    for stream in bench.streams:
        stream.calls.on_order({"order_id": "1"})
        stream.calls.on_message("message", "hello")
    assert bench.said[2:] == [{"order_id": "1"}, ("message", "hello")]
    bench.feeds.set_access_token("T")
    assert {s.token for s in bench.streams} == {"T"} and len(
        {id(s.latency) for s in bench.streams}
    ) == 1
    asyncio.run(bench.feeds.stop())
    assert not one.started and not two.started


# --------------------------------------------------------------------------------------------------------------
# postback
def postback(secret: str = SECRET, **changes: Any) -> bytes:
    row = (
        ROW
        | {
            "order_timestamp": "2026-11-23 09:24:24",
            "status": "COMPLETE",
            "filled_quantity": 75,
            "average_price": 1500.0,
        }
        | changes
    )
    checksum = hashlib.sha256(
        f"{row['order_id']}{row['order_timestamp']}{secret}".encode()
    ).hexdigest()
    return json.dumps({"checksum": checksum} | row).encode()


def test_of_a_postback_its_id_and_time_are_believed_and_nothing_else() -> None:
    assert read_postback(postback(), SECRET, "") == (ROW["order_id"], "2026-11-23 09:24:24")
    assert read_postback(postback(user_id="AB1234", quantity="many"), SECRET, "AB1234")
    for other in ({"user_id": "ZZ9999"}, {"user_id": ""}):
        with pytest.raises(BrokerError, match="another user"):
            read_postback(postback(**other), SECRET, "AB1234")


@pytest.mark.parametrize(
    "body",
    [
        postback("another"), postback(checksum=""), postback(checksum=None), postback(checksum=7), postback(checksum="é"), b"", b"[]",
        b"null",
        b"{", b"<html>", b"\xff\xfe", b"{" + b" " * BODY_BYTES_MAX + b"}",
    ],
)  # fmt: skip
def test_what_is_not_kites_is_refused_by_name_and_tells_no_secret(body: bytes) -> None:
    with pytest.raises(BrokerError) as caught:
        read_postback(body, SECRET, "")
    assert SECRET not in str(caught.value)


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(BrokerError, match="checksum"):
        read_postback(postback(""), "", "")


def test_the_published_postback_is_read() -> None:
    if not FIXTURE.exists():
        pytest.skip("the published fixtures are not here: the postback that they hold is not read")
    row = json.loads(FIXTURE.read_text())
    seed = f"{row['order_id']}{row['order_timestamp']}{SECRET}"
    row["checksum"] = hashlib.sha256(seed.encode()).hexdigest()
    assert read_postback(json.dumps(row).encode(), SECRET, "")[0] == row["order_id"]
