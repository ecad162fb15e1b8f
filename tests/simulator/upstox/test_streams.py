"""Upstox's market data feed over a real socket, read by the vendor's generated module."""

import asyncio
import datetime as dt
import json
import math
import subprocess
import sys
from collections import Counter
from functools import partial
from statistics import NormalDist
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from picows import WSHandshakeError, WSMsgType, ws_connect
from upstox_client.feeder.proto import MarketDataFeedV3_pb2

from otrade.simulator.base.config import NS_PER_S, SimConfig
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.exchange.greeks import greeks
from otrade.simulator.exchange.market_data import MarketSnapshot
from otrade.simulator.prices.option_value import OptionOutlook
from otrade.simulator.simulator import Simulator
from otrade.simulator.upstox.rest.settings import UpstoxLimits, UpstoxSettings
from otrade.simulator.upstox.streams import proto
from tests.simulator.scripted_market import DATE
from tests.simulator.upstox.upstox_account import INFY, UpstoxAccount, upstox_account
from tests.simulator.upstox.upstox_feed_client import (
    MARKET,
    UpstoxFeedRecorder,
    address,
    dial,
    listen,
    url_of,
)

NIFTY = "NSE_INDEX|Nifty 50"
SBIN = "NSE_EQ|INE062A01020"


def quote_of(s: UpstoxAccount, key: str) -> MarketSnapshot:
    exchange = s.sim.exchange
    return exchange.market.quote(exchange.market.universe.resolve(key))


def option_key(s: UpstoxAccount) -> tuple[str, str]:
    """(model's, Upstox's) key of an option at the money."""
    options = [
        c
        for c in s.sim.exchange.market.universe.contracts
        if c.instrument_type == "CE" and c.name == "NIFTY"
    ]
    contract = options[len(options) // 2]
    return contract.key, f"NSE_FO|{contract.token >> 8}"


def test_the_schema_is_the_vendors() -> None:
    """Every message, field, number and type of the SDK's compiled descriptor."""

    def shape(file: Any) -> dict[str, Any]:
        def fields(message: Any) -> Any:
            unions = [oneof.name for oneof in message.oneof_decl]
            union_of = {
                f.name: unions[f.oneof_index] for f in message.field if f.HasField("oneof_index")
            }
            return [
                {
                    (f.name, f.number, f.label, f.type, f.type_name, union_of.get(f.name))
                    for f in message.field
                },
                {entry.name: fields(entry) for entry in message.nested_type},
                message.options.map_entry,
            ]

        shapes = {message.name: fields(message) for message in file.message_type}
        return shapes | {
            enum.name: [(v.name, v.number) for v in enum.value] for enum in file.enum_type
        }

    theirs = descriptor_pb2.FileDescriptorProto()
    MarketDataFeedV3_pb2.DESCRIPTOR.CopyToProto(theirs)
    ours = proto._file()
    assert shape(ours) == shape(theirs) and (ours.package, ours.syntax) == (
        theirs.package,
        theirs.syntax,
    )


def test_state_of_the_market_then_a_snapshot_then_what_has_changed() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, MARKET)
        await s.wait(0.5)
        (first,) = recorder.dicts
        assert first["type"] == "market_info" and "feeds" not in first
        assert first["marketInfo"]["segmentStatus"] == dict.fromkeys(
            (
                *("NSE_EQ", "NSE_INDEX", "NSE_FO", "BSE_EQ", "BSE_INDEX", "BSE_FO"),
                *("NCD_FO", "MCX_FO"),
            ),
            "NORMAL_OPEN",
        )
        recorder.say("sub", [INFY, NIFTY, "NSE_EQ|UNKNOWN"], "ltpc")
        await s.wait(10)
        second = recorder.messages[1]
        assert second.type == 0 and set(second.feeds) == {INFY, NIFTY}
        later = recorder.dicts[2:]
        assert {message["type"] for message in later} == {"live_feed"}
        assert sum(INFY in message["feeds"] for message in later) == 10, "one trade a second"
        for message, at_ns in zip(recorder.messages, recorder.times_ns, strict=True):
            assert message.currentTs * 1_000_000 <= at_ns
        assert recorder.kinds == {WSMsgType.BINARY}

    upstox_account(work)


def test_only_what_changed() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, MARKET)
        recorder.say("sub", [INFY, NIFTY], "ltpc")
        await s.sim.run_until(
            ist_ns(DATE, "15:20")
        )  # shares with derivatives have stopped, the index goes on
        assert set(recorder.messages[-1].feeds) == {NIFTY}
        assert len(recorder.messages[1].feeds) == 2

    upstox_account(work, at="15:14")


def test_full_says_what_the_quote_says() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, MARKET)
        recorder.say("sub", [INFY], "full")
        books = []  # at each trade: they move on before the next one
        s.sim.exchange.market.on_trades.append(lambda quotes: books.append(quotes[0].depth()))
        await s.wait(95)
        quote = quote_of(s, "NSE:INFY")
        last = recorder.messages[-1].feeds[INFY]
        assert last.WhichOneof("FeedUnion") == "fullFeed" and last.requestMode == 1
        full = last.fullFeed.marketFF
        assert (full.ltpc.ltp, full.ltpc.ltq, full.ltpc.cp) == (
            quote.ltp_e4 / 1e4,
            quote.last_qty,
            quote.prev_close_e4 / 1e4,
        )
        assert full.ltpc.ltt * 1_000_000 == quote.ts_ns and full.vtt == quote.volume
        assert (full.tbq, full.tsq) == quote.totals() and full.atp == pytest.approx(
            quote.average_price
        )
        bids, asks = books[-1]
        shown = [
            (level.bidQ, level.bidP, level.askQ, level.askP)
            for level in full.marketLevel.bidAskQuote
        ]
        assert (
            shown
            == [
                (b.qty, b.price_e4 / 1e4, a.qty, a.price_e4 / 1e4)
                for b, a in zip(bids, asks, strict=True)
            ]
            and len(shown) == 5
        )
        assert full.casEligible and full.oi == 0 and not full.HasField("optionGreeks")
        day, minute = full.marketOHLC.ohlc
        assert (day.interval, day.open, day.high, day.low, day.close, day.vol) == (
            "1d",
            quote.open_e4 / 1e4,
            quote.high_e4 / 1e4,
            quote.low_e4 / 1e4,
            quote.ltp_e4 / 1e4,
            quote.volume,
        )
        assert day.ts * 1_000_000 == ist_ns(DATE, "00:00")
        bar = (
            await s.data(
                "GET", f"/v3/historical-candle/intraday/{INFY.replace('|', '%7C')}/minutes/1"
            )
        )["candles"][0]
        assert [minute.open, minute.high, minute.low, minute.close, minute.vol] == bar[
            1:6
        ] and minute.interval == "I1"
        assert minute.ts == dt.datetime.fromisoformat(bar[0]).timestamp() * 1000

    upstox_account(work)


def test_the_minute_under_way_is_whole_from_the_first_message() -> None:
    async def work(s: UpstoxAccount) -> None:
        await s.wait(42)
        recorder = await listen(s, MARKET)
        recorder.say("sub", [INFY], "full")
        await s.wait(0.01)
        minute = recorder.messages[-1].feeds[INFY].fullFeed.marketFF.marketOHLC.ohlc[1]
        bar = (
            await s.data(
                "GET", f"/v3/historical-candle/intraday/{INFY.replace('|', '%7C')}/minutes/1"
            )
        )["candles"][0]
        assert [minute.open, minute.high, minute.low, minute.close, minute.vol] == bar[1:6]

    upstox_account(work)


def test_an_index_and_an_option_in_full() -> None:
    async def work(s: UpstoxAccount) -> None:
        name, key = option_key(s)
        recorder = await listen(s, MARKET)
        recorder.say("sub", [NIFTY, key], "full")
        await s.wait(3)
        feeds: dict[str, Any] = {}
        for message in recorder.messages:
            feeds |= dict(message.feeds)
        index = feeds[NIFTY].fullFeed
        assert index.WhichOneof("FullFeedUnion") == "indexFF" and index.indexFF.ltpc.ltp > 0
        assert [bar.interval for bar in index.indexFF.marketOHLC.ohlc] == ["1d", "I1"]
        full = feeds[key].fullFeed.marketFF
        assert (
            0 < full.optionGreeks.delta < 1
            and full.optionGreeks.theta < 0
            and full.iv > 0
            and full.oi > 0
        )
        assert not full.casEligible

    upstox_account(work)


def option_price(
    now: OptionOutlook,
    strike: float,
    kind: str,
    move: float = 0.0,
    later: float = 0.0,
    wider: float = 0.0,
) -> float:
    """Bachelier's, in rupees, with the future `move` rupees higher, `later` by days, at an iv that is
    `wider`.
    """
    sd = now.sd * math.sqrt(1 - later * 22 / 7 / now.units) * (1 + wider / now.iv)
    inside = (now.forward + move - strike) * (1 if kind == "CE" else -1)
    return inside * NormalDist().cdf(inside / sd) + sd * NormalDist().pdf(inside / sd)


def test_greeks_are_the_slopes_of_the_models_price() -> None:
    async def work(s: UpstoxAccount) -> None:
        for kind in ("CE", "PE"):
            name = option_key(s)[0].removesuffix("CE") + kind
            market = s.sim.exchange.market
            contract = market.universe.by_key[name]
            now = market.outlook(contract)
            got = greeks(now, contract)

            price = partial(option_price, now, contract.strike_e4 / 1e4, kind)

            assert got.delta == pytest.approx((price(0.5) - price(-0.5)), rel=1e-4)
            assert got.gamma == pytest.approx(price(1) - 2 * price() + price(-1), rel=1e-3)
            assert got.theta == pytest.approx(
                (price(later=0.01) - price(later=-0.01)) / 0.02, rel=1e-3
            )
            assert got.vega == pytest.approx(
                (price(wider=0.001) - price(wider=-0.001)) / 0.2, rel=1e-3
            )
            assert got.iv == pytest.approx(contract.day_sigma * math.sqrt(252) * 1.1)
            asked = quote_of(s, name)
            spread = asked.depth()[1][0].price_e4 - asked.depth()[0][0].price_e4
            assert abs(asked.ltp_e4 / 1e4 - price()) < spread / 1e4 + 0.1, "what it trades at"

    upstox_account(work)


def test_greeks_mode() -> None:
    async def work(s: UpstoxAccount) -> None:
        _, key = option_key(s)
        recorder = await listen(s, MARKET)
        recorder.say("sub", [INFY, key, NIFTY], "option_greeks")
        await s.wait(1)
        feeds = recorder.messages[1].feeds
        assert {feed.WhichOneof("FeedUnion") for feed in feeds.values()} == {"firstLevelWithGreeks"}
        assert {feed.requestMode for feed in feeds.values()} == {2}
        option, share = feeds[key].firstLevelWithGreeks, feeds[INFY].firstLevelWithGreeks
        assert option.HasField("optionGreeks") and option.firstDepth.bidP < option.firstDepth.askP
        assert not share.HasField("optionGreeks") and share.vtt > 0 and share.firstDepth.bidQ > 0
        assert not feeds[NIFTY].firstLevelWithGreeks.HasField("firstDepth")

    upstox_account(work)


def test_modes_change_and_end() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, MARKET)
        recorder.say("sub", [INFY])
        await s.wait(1)
        assert recorder.messages[1].feeds[INFY].WhichOneof("FeedUnion") == "ltpc", "the default"
        recorder.say("change_mode", [INFY, SBIN], "full")
        await s.wait(1.1)
        assert recorder.messages[-1].feeds[INFY].WhichOneof("FeedUnion") == "fullFeed"
        assert all(SBIN not in message.feeds for message in recorder.messages), (
            "it was not subscribed"
        )
        recorder.say("sub", [INFY], "option_greeks")
        await s.wait(1.1)
        assert recorder.messages[-1].feeds[INFY].WhichOneof("FeedUnion") == "firstLevelWithGreeks"
        recorder.say("unsub", [INFY, SBIN])
        await s.wait(0.1)
        n_before = len(recorder.raw)
        await s.wait(5)
        assert len(recorder.raw) == n_before
        market = s.sim.exchange.market
        assert market._watched == {}
        recorder.say("sub", [INFY], "full")
        await s.wait(2)
        assert len(recorder.raw) > n_before

    upstox_account(work)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'{"guid":"g","method":"sub"}',
        b'{"method":"sub","data":{"instrumentKeys":["' + INFY.encode() + b'"]}}',
        b'{"guid":"g","method":"sub","data":{"instrumentKeys":"' + INFY.encode() + b'"}}',
        b'{"guid":"g","method":"sub","data":{"instrumentKeys":[1]}}',
        b'{"guid":"g","method":"subscribe","data":{"instrumentKeys":["' + INFY.encode() + b'"]}}',
        b'{"guid":"g","method":"sub","data":{"instrumentKeys":["'
        + INFY.encode()
        + b'"],"mode":"full_d30"}}',
        b'{"guid":"g","method":"change_mode","data":{"instrumentKeys":["' + INFY.encode() + b'"]}}',
        b"\xff\xfe",
    ],
)
def test_requests_of_which_no_notice_is_taken(payload: bytes) -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, MARKET)
        recorder.send(payload)
        recorder.say("sub", [INFY], "ltpc", kind=WSMsgType.TEXT)
        await s.wait(2)
        assert len(recorder.raw) == 1 and recorder.is_up
        recorder.say("sub", [INFY], "ltpc")
        await s.wait(2)
        assert len(recorder.raw) > 2

    upstox_account(work)


def test_full_d30_is_refused_in_words_without_plus_and_served_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def without(s: UpstoxAccount) -> None:
        recorder = await listen(s, MARKET)
        recorder.say("sub", [INFY], "full_d30")
        await s.wait(2)
        assert len(recorder.raw) == 1 and recorder.is_up
        assert (
            "Upstox Plus"
            in s.sim.feed_of("upstox").streams["/v3/feed/market-data-feed"].refusals[-1]
        )

    async def with_plus(s: UpstoxAccount) -> None:
        recorder = await listen(s, MARKET)
        recorder.say("sub", [INFY], "full_d30")
        await s.wait(2)
        newest = recorder.messages[-1].feeds[INFY]
        assert newest.requestMode == 3
        assert len(newest.fullFeed.marketFF.marketLevel.bidAskQuote) == 5
        assert "five levels that a simulated order book has, not thirty" in caplog.text

    upstox_account(without)
    assert "not thirty" not in caplog.text
    upstox_account(with_plus, servers={"upstox": UpstoxSettings(has_plus=True)})


def test_keys_of_a_connection_are_limited_by_mode() -> None:
    limits = UpstoxLimits(full_keys=3, full_keys_combined=2, ltpc_keys=5, ltpc_keys_combined=2)

    async def work(s: UpstoxAccount) -> None:
        keys = [
            f"NSE_FO|{c.token >> 8}"
            for c in s.sim.exchange.market.universe.contracts
            if c.exchange == "NFO"
        ]
        recorder = await listen(s, MARKET)

        async def count(method: str, some: list[str], mode: str | None = None) -> int:
            recorder.raw.clear()
            recorder.say(method, some, mode)
            await s.wait(0.2)
            return max(
                (len(message.feeds) for message in recorder.messages if not message.type), default=0
            )

        assert await count("sub", keys[:3], "full") == 3
        assert await count("sub", keys[3:4], "full") == 0, "a fourth"
        assert await count("sub", keys[3:4], "ltpc") == 0, "three in full, and another mode"
        await count("unsub", keys[2:3])
        assert await count("sub", keys[3:5], "ltpc") == 2
        assert await count("sub", keys[5:6], "ltpc") == 0
        await count("unsub", keys[:3])
        assert await count("sub", keys[5:8], "ltpc") == 3
        assert await count("sub", keys[8:9], "ltpc") == 0

    upstox_account(work, servers={"upstox": UpstoxSettings(limits=limits)})


def test_the_limits_of_the_real_feed() -> None:
    limits = UpstoxLimits()
    assert (
        limits.feed_connections,
        limits.ltpc_keys,
        limits.option_greeks_keys,
        limits.full_keys,
    ) == (2, 5000, 3000, 2000)
    assert (
        limits.ltpc_keys_combined,
        limits.option_greeks_keys_combined,
        limits.full_keys_combined,
    ) == (2000, 2000, 1500)


async def refusal(s: UpstoxAccount, url: str, **options: Any) -> int:
    with pytest.raises(WSHandshakeError) as caught:
        await dial(s, url, **options)
    assert caught.value.response is not None
    return int(caught.value.response.status)


def test_addresses_work_once() -> None:
    async def work(s: UpstoxAccount) -> None:
        url = await address(s, MARKET)
        recorder = await dial(s, url)
        assert await refusal(s, url) == 403
        assert await refusal(s, f"{s.ports.upstox_feed_url}/") == 404
        left_over = await address(s, MARKET)
        s.sim.expire_tokens()
        assert await refusal(s, left_over) == 403
        await s.wait(3)
        assert recorder.is_up, "a dead token does not end a feed"

    upstox_account(work)


def test_with_the_token_in_the_header_the_way_is_a_redirect() -> None:
    async def work(s: UpstoxAccount) -> None:
        bearer = {"Authorization": f"Bearer {s.token}"}
        assert await refusal(s, url_of(s, MARKET), extra_headers=bearer, max_redirects=0) == 302
        recorder = await dial(s, url_of(s, MARKET), extra_headers=bearer)
        rest = f"ws://127.0.0.1:{s.ports.upstox_rest}{MARKET}"
        other = await dial(
            s, rest, extra_headers=bearer
        )  # where the real one is, feeds and requests share a host
        await s.wait(0.1)
        assert len(recorder.raw) == len(other.raw) == 1
        for wrong in ({}, {"Authorization": "Bearer x"}, {"Authorization": s.token}):
            assert await refusal(s, url_of(s, MARKET), extra_headers=wrong) == 401

    upstox_account(work)


def test_two_connections_and_no_more() -> None:
    async def work(s: UpstoxAccount) -> None:
        first, second = await listen(s, MARKET), await listen(s, MARKET)
        assert await refusal(s, await address(s, MARKET)) == 403
        assert first.is_up and second.is_up
        assert first.transport is not None
        first.transport.disconnect()
        await s.wait(0.1)
        third = await listen(s, MARKET)
        for recorder in (second, third):
            recorder.say("sub", [INFY], "ltpc")
        await s.wait(2.5)
        assert second.raw[-2:] == third.raw[-2:], "what one is told, the other is"

    upstox_account(work)


def test_changes_of_the_markets_state_are_told() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, MARKET)
        await s.sim.run_until(ist_ns(DATE, "15:50"))
        infos = [
            (message["marketInfo"]["segmentStatus"], int(message["currentTs"]))
            for message in recorder.dicts
        ]
        cash = [(status.get("NSE_EQ"), at) for status, at in infos]
        changes = [cash[0], *(b for a, b in zip(cash, cash[1:], strict=False) if a[0] != b[0])]
        assert [word for word, _ in changes] == [
            "PRE_OPEN_START",
            "PRE_OPEN_END",
            "NORMAL_OPEN",
            "NORMAL_CLOSE",
        ]
        assert [at * 1_000_000 for _, at in changes[1:]] == [
            ist_ns(DATE, clock) for clock in ("09:08", "09:15", "15:30")
        ]
        assert infos[-1][0]["NSE_FO"] == "NORMAL_CLOSE" and infos[-1][1] * 1_000_000 == ist_ns(
            DATE, "15:40"
        )

    upstox_account(work, at="09:02")


def test_a_quiet_line_is_pinged() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, MARKET)
        await s.wait(10)
        seconds = Counter(at_ns // NS_PER_S for at_ns in recorder.pings_ns)
        assert len(seconds) >= 10 and len(recorder.raw) == 1
        s.faults.silence_feed(5 * NS_PER_S)
        await s.wait(0.1)
        n_before = len(recorder.pings_ns)
        await s.data("GET", "/v2/user/profile")
        await s.wait(4)
        assert len(recorder.pings_ns) == n_before, (
            "a silent feed does not ping, whatever else is answered"
        )
        await s.wait(3)
        assert len(recorder.pings_ns) > n_before and recorder.is_up

    upstox_account(work)


@pytest.mark.parametrize("mid_frame", [False, True])
def test_a_feed_is_cut(mid_frame: bool) -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, MARKET)
        recorder.say("sub", [INFY], "full")
        await s.wait(2)
        n_before = len(recorder.raw)
        (s.faults.cut_mid_frame if mid_frame else s.faults.cut_feed)()
        await s.wait(2)
        assert not recorder.is_up and len(recorder.raw) == n_before, "half a frame is none"
        assert s.sim.exchange.market._watched == {}
        again = await listen(s, MARKET)
        again.say("sub", [INFY], "full")
        await s.wait(3)
        assert again.is_up and len(again.raw) > 3
        assert s.faults.seen == {"cut_mid_frame" if mid_frame else "cut_feed": 1}

    upstox_account(work)


def test_a_silent_feed_and_a_half_open_one() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, MARKET)
        recorder.say("sub", [INFY], "ltpc")
        await s.wait(3)
        url = await address(s, MARKET)
        s.faults.silence_feed(5 * NS_PER_S)
        n_before = len(recorder.raw)
        await s.wait(4.9)
        assert len(recorder.raw) == n_before and recorder.is_up
        await s.wait(3)
        assert len(recorder.raw) > n_before
        s.faults.half_open(10 * NS_PER_S)
        new = await dial(s, url)
        new.say("sub", [INFY], "ltpc")
        n_before = len(recorder.raw)
        await s.wait(9)
        assert new.is_up and recorder.is_up and new.raw == [] and len(recorder.raw) == n_before
        await s.wait(5)
        assert len(recorder.raw) > n_before and len(new.raw) > 1
        assert new.messages[0].type == 1, "what was not sent is lost, the snapshot too"

    upstox_account(work)


def test_subscriptions_outlive_the_day() -> None:
    async def work(s: UpstoxAccount) -> None:
        days = s.sim.dates()
        recorder = await listen(s, MARKET)
        share, future = (
            INFY,
            "NSE_FO|" + str(s.sim.exchange.market.universe.resolve("NFO:NIFTY.FUT").token >> 8),
        )
        recorder.say("sub", [share, future], "full")
        await s.sim.run_day(days[0])
        n_before = len(recorder.raw)
        await s.sim.run_day(days[1])
        feeds = [
            message.feeds[share].fullFeed.marketFF
            for message in recorder.messages[n_before:]
            if share in message.feeds
        ]
        assert len(feeds) == 301, "the first was on its way when the day ended"
        assert {feed.marketOHLC.ohlc[0].ts for feed in feeds[1:]} == {
            ist_ns(days[1], "00:00") // 1_000_000
        }
        assert recorder.messages[-1].feeds[share].fullFeed.marketFF.marketOHLC.ohlc[1].vol > 0

    upstox_account(work, at="09:16", dates=(DATE, dt.date(2026, 11, 19)), day_end="09:20")


# ---- lockstep


class Reactor(UpstoxFeedRecorder):
    """Places an order on every tenth message, at the price it has just seen."""

    def __init__(self, s: UpstoxAccount) -> None:
        super().__init__(s)
        self.tasks: set[asyncio.Task[Any]] = set()

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        before = len(self.raw)
        super().on_ws_frame(transport, frame)
        if len(self.raw) == before or len(self.raw) % 10:
            return
        ltp = self.messages[-1].feeds[INFY].ltpc.ltp if INFY in self.messages[-1].feeds else 0
        if ltp:
            side = "BUY" if len(self.raw) % 20 else "SELL"
            terms = self._account.terms(5, transaction_type=side, price=ltp)
            task = asyncio.ensure_future(
                self._account.http.ask("POST", "/v3/order/place", body=terms)
            )
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)


def trades_of(**config: Any) -> tuple[list[Any], list[bytes]]:
    found: list[Any] = []

    async def work(s: UpstoxAccount) -> None:
        url = await address(s, MARKET)
        recorder = Reactor(s)
        await s.sim.during(ws_connect(lambda: recorder, url, enable_auto_pong=False))
        recorder.say("sub", [INFY], "ltpc")
        await s.wait(600)
        found.append(
            [(t.order.order_id, t.ts_ns, t.qty, t.price_e4) for t in s.sim.exchange.trades()]
        )
        found.append(recorder.raw)

    upstox_account(work, **config)
    return found[0], found[1]


def test_the_same_seed_gives_the_same_bytes_and_the_same_trades() -> None:
    first = trades_of(seed=5)
    assert len(first[0]) > 10 and len(first[1]) > 600
    assert trades_of(seed=5) == first
    assert trades_of(seed=5, speed=2000.0) == first
    assert trades_of(seed=6) != first


@pytest.mark.parametrize(
    ("broker", "kite", "upstox"),
    [("kite", True, False), ("upstox", False, True), ("both", True, True)],
)
def test_ports_of_what_is_served(broker: Any, kite: bool, upstox: bool) -> None:
    async def main() -> None:
        sim = Simulator(SimConfig(broker=broker, dates=(DATE,)))
        ports = await sim.start()
        await sim.stop()
        assert (ports.rest > 0, ports.feed > 0) == (kite, kite)
        assert (ports.upstox_rest > 0, ports.upstox_feed > 0) == (upstox, upstox)
        if upstox:
            assert ports.upstox_rest_url == f"http://127.0.0.1:{ports.upstox_rest}"
            assert ports.upstox_feed_url == f"ws://127.0.0.1:{ports.upstox_feed}"

    asyncio.run(main())


def test_kite_alone_needs_no_protobuf() -> None:
    code = (
        "import sys; from otrade.simulator.simulator import Simulator; from otrade.simulator.base.config import SimConfig; "
        "Simulator(SimConfig()); import json; print(json.dumps([m for m in sys.modules if 'protobuf' in m or 'upstox' in m]))"
    )
    assert (
        json.loads(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, check=True, text=True
            ).stdout
        )
        == []
    )
