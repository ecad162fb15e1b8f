"""Upstox's wire against oracles that are not ours: the protobuf runtime with the vendor's module,
an HTTP parser, json, Decimal.
"""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

import httptools
import numpy as np
import pytest

from otrade._core.codecs.upstox import COMMAND_BYTES, UpstoxEncoder, decode_frame, encode_command
from otrade._core.kernels.layout import dtype
from otrade._core.types import Cmd, OrdType, Product, Reason, Side, Tif
from tests.core.codecs import upstox_frames as frames
from tests.core.codecs.fuzz_wire import GuardedBuffer

SEED = 20261123
FEEDS = 100_000
BATCH = 500
TOKEN = b"Bearer eyJ0eXAi.secret"


@pytest.fixture(scope="module")
def vendor() -> Any:
    return frames.vendor()


@pytest.mark.parametrize("kind", frames.KINDS)
def test_every_field_is_what_the_protobuf_runtime_reads(vendor: Any, kind: str) -> None:
    rng = random.Random(f"{SEED}-{kind}")
    fresh = 5_000  # feeds made anew; the others are these in other company, order and frames
    made = [vendor.Feed() for _ in range(fresh)]
    for feed in made:
        frames.fill(rng, kind, feed)
    for start in range(0, FEEDS, BATCH):
        response = vendor.FeedResponse(
            type=rng.randrange(3), currentTs=rng.randrange(1, 1_900_000_000_000)
        )
        for i in range(BATCH):
            feed = made[(start + i) % fresh] if start < fresh else rng.choice(made)
            response.feeds[f"NSE_EQ|INE{start + i:09d}"].CopyFrom(feed)
        payload = response.SerializeToString()
        read = vendor.FeedResponse.FromString(payload)
        found = decode_frame(payload)
        assert len(found) == BATCH
        for tick in found:
            want = frames.expected(read.feeds[tick["key"]], read.currentTs)
            got = {name: tick[name] for name in want}
            assert got == want, f"seed {SEED}, {tick['key']}"
            assert tick["reason"] == (
                Reason.OK if want["ltp_e4"] > 0 or kind != "ltpc" else Reason.PRICE_ZERO
            )


def one(vendor: Any, rng: random.Random, kinds: tuple[str, ...] = frames.KINDS) -> Any:
    response = vendor.FeedResponse(type=1, currentTs=1_790_000_000_000)
    for i in range(rng.randrange(1, 4)):
        frames.fill(rng, rng.choice(kinds), response.feeds[f"NSE_FO|{i}"])
    return response


def test_fields_that_nobody_knows_yet_change_nothing(vendor: Any) -> None:
    rng = random.Random(SEED)
    for _ in range(300):
        feed = vendor.Feed()
        frames.fill(rng, "full", feed)
        alien = bytes((0xA2, 0x06, 3)) + b"abc" + bytes((0xA9, 0x06)) + rng.randbytes(8)
        alien += bytes((0xB0, 0x06, 0x80, 0x01, 0xBD, 0x06)) + rng.randbytes(4)
        body = feed.SerializeToString()
        entry = bytes((0x0A, 2)) + b"AB" + b"\x12" + varint(len(body + alien)) + body + alien
        payload = b"\x12" + varint(len(entry)) + entry + alien
        plain = bytes((0x0A, 2)) + b"AB" + b"\x12" + varint(len(body)) + body
        assert decode_frame(payload) == decode_frame(b"\x12" + varint(len(plain)) + plain)


def varint(n: int) -> bytes:
    out = bytearray()
    while n >= 128:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def test_a_damaged_frame_is_refused_or_read_as_the_runtime_reads_it(vendor: Any) -> None:
    """Cut, flipped and spliced frames, each up against a page that nobody may touch."""
    from google.protobuf.message import DecodeError

    print(f"seed {SEED}")
    rng = random.Random(SEED)
    guard = GuardedBuffer()
    agreed = 0
    for _ in range(20_000):
        payload = bytearray(one(vendor, rng).SerializeToString())
        for _ in range(rng.randrange(1, 4)):
            what = rng.random()
            if what < 0.4:
                payload = payload[: rng.randrange(len(payload) + 1)]
            elif payload and what < 0.8:
                payload[rng.randrange(len(payload))] = rng.randrange(256)
            elif payload:
                at = rng.randrange(len(payload))
                payload[at:at] = rng.randbytes(rng.randrange(1, 12))
        found = decode_frame(guard.hold(bytes(payload)))
        try:
            read = vendor.FeedResponse.FromString(bytes(payload))
        except DecodeError:
            continue
        if not payload:
            assert found == [{"reason": Reason.FRAME_SHORT}]
            continue
        latest = {
            tick.get("key"): tick for tick in found
        }  # of a key that comes twice the last counts
        for key, feed in read.feeds.items():
            if key not in latest or latest[key]["reason"] not in (Reason.OK, Reason.PRICE_ZERO):
                continue
            try:
                want = frames.expected(feed, read.currentTs)
            except (ArithmeticError, ValueError, OverflowError):
                # Prices that are no numbers: ours are 0 and refused, or in a field that nothing
                # uses
                continue
            tick = latest[key]
            if 0 < want["ts_trade_ns"] < 9 * 10**18 and abs(want["ltp_e4"]) < 10**15:
                assert (
                    tick["ltp_e4"] == want["ltp_e4"] and tick["ts_trade_ns"] == want["ts_trade_ns"]
                )
                agreed += 1
    assert agreed > 1_000


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.FRAME_SHORT),
        (b"\x12\x05abc", Reason.FRAME_LENGTH),  # a length that lies
        (
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
            Reason.FRAME_LENGTH,
        ),  # a length beyond 64 bits
        (b"\x0b", Reason.FRAME_LENGTH),  # a group
        (b"\x00\x01", Reason.FRAME_LENGTH),  # field number 0
        (b"\x18\x80", Reason.FRAME_LENGTH),  # a varint that does not end
    ],
)
def test_bytes_that_are_no_protobuf(payload: bytes, reason: Reason) -> None:
    assert decode_frame(payload) == [{"reason": reason}]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300, -1e12])
def test_a_price_that_is_no_price(vendor: Any, value: float) -> None:
    response = vendor.FeedResponse()
    response.feeds["NSE_EQ|A"].ltpc.ltp = value
    (tick,) = decode_frame(response.SerializeToString())
    assert tick["reason"] == Reason.PRICE_ABSURD


def test_an_entry_without_a_feed(vendor: Any) -> None:
    response = vendor.FeedResponse()
    response.feeds["NSE_EQ|A"].SetInParent()
    (tick,) = decode_frame(response.SerializeToString())
    assert tick["reason"] == Reason.PACKET_KIND


# ------------------------------------------------------------------------------------------------------------
# requests
class ParsedUpstoxTick:
    def __init__(self, request: bytes) -> None:
        self.url, self.body, self.headers, self.done = b"", b"", {}, False
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(request)
        self.method = parser.get_method().decode()

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.done = True


def text(value: bytes, n: int) -> list[int]:
    return list(value.ljust(n, b"\0"))


def command(**fields: Any) -> bytes:
    row = np.zeros(1, dtype("command_t"))
    usual = {
        "kind": Cmd.NEW,
        "side": Side.BUY,
        "ord_type": OrdType.LIMIT,
        "tif": Tif.DAY,
        "product": Product.MIS,
        "qty": 5,
        "price_e4": 12_345_500,
        "trigger_e4": 0,
        "protection_e2": -1,
        "symbol": b"NSE_EQ|INE848E01016",
        "exchange": b"NSE",
        "cl_ord_id": b"OT00002S0000E000000",
        "broker_order_id": b"240108010918222",
    }
    for name, value in (usual | fields).items():
        row[name] = text(value, row.dtype[name].shape[0]) if isinstance(value, bytes) else value
    return row.tobytes()


def encoded(encoder: UpstoxEncoder, **fields: Any) -> ParsedUpstoxTick:
    parsed = ParsedUpstoxTick(encode_command(encoder, command(**fields)))
    assert parsed.done
    return parsed


@pytest.fixture
def encoder() -> UpstoxEncoder:
    return UpstoxEncoder(b"api-hft.upstox.com", b"", TOKEN, b"crossover one")


def test_size_of_a_command_is_the_layouts() -> None:
    assert COMMAND_BYTES == dtype("command_t").itemsize


def test_a_new_order(encoder: UpstoxEncoder) -> None:
    got = encoded(encoder)
    assert (got.method, got.url) == ("POST", b"/v3/order/place")
    assert got.headers == {
        "host": "api-hft.upstox.com",
        "accept": "application/json",
        "authorization": TOKEN.decode(),
        "x-algo-name": "crossover one",
        "content-type": "application/json",
        "content-length": str(len(got.body)),
    }
    assert json.loads(got.body, parse_float=Decimal) == {
        "instrument_token": "NSE_EQ|INE848E01016",
        "transaction_type": "BUY",
        "product": "I",
        "quantity": 5,
        "order_type": "LIMIT",
        "price": Decimal("1234.55"),
        "trigger_price": 0,
        "validity": "DAY",
        "disclosed_quantity": 0,
        "is_amo": False,
        "slice": False,
        "tag": "OT00002S0000E000000",
    }


def test_a_modification_says_everything_again(encoder: UpstoxEncoder) -> None:
    got = encoded(
        encoder,
        kind=Cmd.REPLACE,
        ord_type=OrdType.SL,
        price_e4=990_500,
        trigger_e4=1_000_000,
        qty=75,
    )
    assert (got.method, got.url) == ("PUT", b"/v3/order/modify")
    assert json.loads(got.body, parse_float=Decimal) == {
        "order_id": "240108010918222",
        "quantity": 75,
        "order_type": "SL",
        "price": Decimal("99.05"),
        "trigger_price": 100,
        "validity": "DAY",
        "disclosed_quantity": 0,
    }


def test_a_cancel(encoder: UpstoxEncoder) -> None:
    got = encoded(encoder, kind=Cmd.CANCEL)
    assert (got.method, got.url, got.body) == (
        "DELETE",
        b"/v3/order/cancel?order_id=240108010918222",
        b"",
    )


@pytest.mark.parametrize(
    ("e2", "said"), [(-1, "-1"), (0, "-1"), (300, "3"), (250, "2.5"), (2500, "25")]
)
@pytest.mark.parametrize("ord_type", [OrdType.MARKET, OrdType.SL_M])
def test_a_market_order_always_has_protection(
    encoder: UpstoxEncoder, ord_type: OrdType, e2: int, said: str
) -> None:
    got = encoded(encoder, ord_type=ord_type, trigger_e4=1_000_000, protection_e2=e2)
    assert json.loads(got.body, parse_float=Decimal)["market_protection"] == Decimal(said)


@pytest.mark.parametrize(
    "odd",
    [
        {"qty": 0},
        {"price_e4": 0},
        {"ord_type": OrdType.SL, "trigger_e4": 0},
        {"ord_type": OrdType.MARKET, "protection_e2": 2501},
        {"symbol": b""},
        {"symbol": b'NSE"'},
        {"symbol": b"a\\b"},
        {"symbol": b"a\nb"},
        {"cl_ord_id": b""},
        {"side": 0},
        {"product": 9},
        {"tif": 9},
        {"ord_type": 9},
        {"kind": 9},
        {"kind": Cmd.REPLACE, "broker_order_id": b""},
        {"kind": Cmd.CANCEL, "broker_order_id": b""},
    ],
)
def test_what_cannot_be_said_is_not_sent(encoder: UpstoxEncoder, odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot be encoded"):
        encode_command(encoder, command(**odd))


def test_random_orders_read_back_exactly(encoder: UpstoxEncoder) -> None:
    rng = random.Random(SEED)
    for _ in range(5_000):
        fields = {
            "side": rng.choice((Side.BUY, Side.SELL)),
            "ord_type": rng.choice((OrdType.LIMIT, OrdType.SL)),
            "qty": rng.randrange(1, 10**7),
            "price_e4": rng.randrange(1, 10**11),
            "trigger_e4": rng.randrange(1, 10**11),
            "tif": rng.choice((Tif.DAY, Tif.IOC)),
            "product": rng.choice((Product.MIS, Product.NRML, Product.CNC)),
        }
        body = json.loads(encoded(encoder, **fields).body, parse_float=Decimal)
        assert (
            body["quantity"] == fields["qty"]
            and body["price"] == Decimal(fields["price_e4"]) / 10_000
        )
        assert body["trigger_price"] == (
            Decimal(fields["trigger_e4"]) / 10_000 if fields["ord_type"] == OrdType.SL else 0
        )
        assert (
            body["transaction_type"] == fields["side"].name
            and body["validity"] == fields["tif"].name
        )
        assert body["product"] == ("I" if fields["product"] == Product.MIS else "D")


def test_the_token_is_swapped_and_never_shown(encoder: UpstoxEncoder) -> None:
    encoder.set_authorization(b"Bearer another")
    assert encoded(encoder).headers["authorization"] == "Bearer another"
    assert "another" not in repr(encoder)
    for bad in (b"", b"Bearer a\r\nX: y", b"x" * 2000):
        with pytest.raises(ValueError) as caught:
            encoder.set_authorization(bad)
        assert "X: y" not in str(caught.value) and "xxx" not in str(caught.value)
    assert encoded(encoder).headers["authorization"] == "Bearer another"


def test_a_long_token_still_fits() -> None:
    """Upstox's tokens are signed documents of several hundred characters."""
    encoder = UpstoxEncoder(b"api-hft.upstox.com", b"", b"Bearer " + b"x" * 1200)
    assert encoded(encoder).headers["authorization"].endswith("x" * 1200)
