"""Kite's wire against oracles that are not ours: the vendor's own parser, an HTTP parser, urllib,
Decimal.
"""

import json
import random
import struct
import warnings
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httptools
import pytest

from otrade._core.codecs.kite import (
    KiteEncoder,
    decode_frame,
    encode_command,
    subscribe_message,
    unsubscribe_message,
)
from otrade._core.types import Cmd, OrdType, Product, Reason, Side, Tif
from tests.core.codecs import fuzz_wire

SEED = 20261123
PACKETS = 100_000
BATCH = 2_000
SEGMENTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12)
SCALE = {3: 10**7, 6: 10**4, 12: 10**4}
FIXTURES = Path(__file__).parents[3].parent / "shared" / "fixtures"


def frame_of(packets: list[bytes]) -> bytes:
    return struct.pack(">H", len(packets)) + b"".join(
        struct.pack(">H", len(p)) + p for p in packets
    )


@pytest.fixture(scope="module")
def vendor() -> Any:
    """The vendor's parser, without a connection."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ticker = pytest.importorskip(
            "kiteconnect", reason="the vendor SDK is the oracle of this test"
        ).KiteTicker
    return ticker.__new__(ticker)


def ns(when: Any) -> int:
    return int(when.timestamp()) * 10**9 if when is not None else 0


def flat(tick: dict[str, Any]) -> list[Any]:
    """The vendor's tick in our words and order; prices still in rupees."""
    mode, ohlc, depth = tick["mode"], tick.get("ohlc"), tick.get("depth")
    out = [tick["instrument_token"], tick["tradable"], tick["last_price"]]
    if ohlc:
        out += [ohlc["open"], ohlc["high"], ohlc["low"], ohlc["close"]]
    if "volume_traded" in tick:
        out.append(tick["average_traded_price"])
        out += [tick["volume_traded"], tick["last_traded_quantity"]]
        out += [tick["total_buy_quantity"], tick["total_sell_quantity"]]
    if mode == "full":
        out.append(ns(tick["exchange_timestamp"]))
    if depth:
        out += [ns(tick["last_trade_time"]), tick["oi"], tick["oi_day_high"], tick["oi_day_low"]]
        for side in ("buy", "sell"):
            out += [level["price"] for level in depth[side]]
            out += [level["quantity"] for level in depth[side]]
            out += [level["orders"] for level in depth[side]]
    return out


def _e4_rupees(px_e4: int) -> float:
    return px_e4 / 10_000.0


def _wire_rupees(scale: int, px_e4: int) -> float:
    """Back to the wire's integer, then the vendor's own division."""
    return px_e4 * scale // 10_000 / float(scale)


def ours_flat(tick: dict[str, Any], rupees: Callable[[int], float]) -> list[Any]:
    """Our tick in the same order; `rupees` turns an e4 price into the vendor's float."""
    kind = tick["kind"]
    out = [tick["token"], bool(tick["tradable"]), rupees(tick["ltp_e4"])]
    if kind > 8:
        out += [rupees(tick[name]) for name in ("open_e4", "high_e4", "low_e4", "close_e4")]
    if kind in (44, 184):
        out.append(rupees(tick["avg_px_e4"]))
        out += [tick["volume"], tick["ltq"], tick["buy_qty"], tick["sell_qty"]]
    if kind in (32, 184):
        out.append(tick["ts_exch_ns"])
    if kind == 184:
        out += [tick["ts_trade_ns"], tick["oi"], tick["oi_high"], tick["oi_low"]]
        for side in ("bid", "ask"):
            out += [rupees(px) for px in tick[f"{side}_px_e4"]]
            out += tick[f"{side}_qty"]
            out += tick[f"{side}_orders"]
    return out


@pytest.mark.parametrize("kind", fuzz_wire.KINDS)
def test_decoder_agrees_with_the_vendors_parser(kind: int, vendor: Any) -> None:
    rng = random.Random(SEED + kind)
    for start in range(0, PACKETS, BATCH):
        segment = SEGMENTS[start // BATCH % len(SEGMENTS)]
        scale = SCALE.get(segment, 100)
        packets = []
        for _ in range(BATCH):
            body = bytearray(rng.randbytes(kind))
            body[3] = segment
            packets.append(bytes(body))
        if segment == 3:
            # The vendor keeps 1e-7 rupee; ours is the same number rounded half up to e4.
            frame = frame_of([_rounded_cds(p) for p in packets])
            rupees: Callable[[int], float] = _e4_rupees
        else:
            frame = frame_of(packets)
            rupees = partial(_wire_rupees, scale)
        theirs = vendor._parse_binary(frame)
        ours = decode_frame(frame_of(packets))
        assert len(ours) == len(theirs) == BATCH
        for mine, its in zip(ours, theirs, strict=True):
            assert mine["reason"] in (Reason.OK, Reason.PRICE_ZERO)
            assert ours_flat(mine, rupees) == flat(its), f"seed {SEED + kind}"


_PRICES = {
    8: (4,),
    28: (4, 8, 12, 16, 20),
    32: (4, 8, 12, 16, 20),
    44: (4, 12, 28, 32, 36, 40),
    184: (4, 12, 28, 32, 36, 40, *range(68, 184, 12)),
}


def _rounded_cds(packet: bytes) -> bytes:
    """A CDS packet whose prices were rounded to e4 before the vendor reads them: Decimal does the
    rounding.
    """
    out = bytearray(packet)
    for offset in _PRICES[len(packet)]:
        raw = Decimal(struct.unpack_from(">I", packet, offset)[0])
        rounded = int((raw / 1000).to_integral_value("ROUND_HALF_UP")) * 1000
        struct.pack_into(">I", out, offset, min(rounded, 4_294_967_000))
    return bytes(out)


def test_fuzz_of_both_directions() -> None:
    assert fuzz_wire.run(SEED, 20_000) == 20_000


@pytest.mark.parametrize(
    ("segment", "raw", "ltp_e4"),
    [
        (1, 150_025, 15_002_500),
        (3, 835_025_000, 835_025),
        (3, 835_025_499, 835_025),
        (3, 835_025_500, 835_026),
        (6, 835_025, 835_025),
        (9, 2_512_345, 251_234_500),
        (12, 1_234_567, 1_234_567),
        (1, 0xFFFFFFFF, 429_496_729_500),
    ],
)
def test_price_scale_by_segment(segment: int, raw: int, ltp_e4: int) -> None:
    (tick,) = decode_frame(frame_of([struct.pack(">II", 256 * 77 + segment, raw)]))
    assert (tick["ltp_e4"], tick["reason"], tick["segment"]) == (ltp_e4, Reason.OK, segment)


def test_refusals() -> None:
    def reasons(frame: bytes) -> list[int]:
        return [tick["reason"] for tick in decode_frame(frame)]

    good = struct.pack(">II", 257, 100)
    assert reasons(b"") == [Reason.FRAME_SHORT]
    assert reasons(b"\x00") == [Reason.FRAME_HEARTBEAT]
    assert reasons(b"\x00\x00") == []
    assert reasons(frame_of([good])) == [Reason.OK]
    assert reasons(frame_of([good]) + b"x") == [Reason.OK, Reason.FRAME_LENGTH]
    assert reasons(frame_of([good])[:-1]) == [Reason.FRAME_LENGTH]
    assert reasons(b"\x00\x02" + frame_of([good])[2:]) == [Reason.OK, Reason.FRAME_SHORT]
    assert reasons(frame_of([good[:7]])) == [Reason.PACKET_KIND]
    assert reasons(frame_of([b""])) == [Reason.PACKET_KIND]
    assert reasons(frame_of([struct.pack(">II", 257, 0)])) == [Reason.PRICE_ZERO]
    for segment in set(range(256)) - set(SEGMENTS):
        assert reasons(frame_of([struct.pack(">II", 256 + segment, 5)])) == [Reason.SEGMENT_UNKNOWN]


def test_recorded_packets_of_the_publisher() -> None:
    packets = sorted(FIXTURES.glob("kite/ticker_*.packet"))
    if not packets:
        pytest.skip(
            "NO RECORDED PACKETS beside the repository: ../shared/fixtures/kite/ticker_*.packet"
        )
    for path in packets:
        expected = json.loads(path.with_suffix(".json").read_text())
        (tick,) = decode_frame(frame_of([path.read_bytes()]))
        assert tick["token"] == expected["instrument_token"]
        assert tick["ltp_e4"] == round(expected["last_price"] * 10_000)


# ---------------------------------------------------------------------------- encoder
class ParsedKiteTick:
    """httptools reads the request as a server would."""

    def __init__(self, request: bytes) -> None:
        self.headers: dict[str, str] = {}
        self.url = b""
        self.body = b""
        self.complete = 0
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(request)
        self.method = parser.get_method().decode()
        self.keep_alive = parser.should_keep_alive()

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete += 1


HOST, TOKEN = b"api.kite.trade", b"token key:SECRETvalue"
WORDS = {OrdType.MARKET: "MARKET", OrdType.LIMIT: "LIMIT", OrdType.SL: "SL", OrdType.SL_M: "SL-M"}
SYMBOLS = (
    "INFY",
    "M&M",
    "NIFTY26NOV25000CE",
    "BAJAJ-AUTO",
    "J&KBANK",
    "L&TFH",
    "A B",
    "100%",
    "USDINR26NOVFUT",
)


def plain(e4: int, scale: int = 10_000) -> str:
    """The shortest decimal of a scaled integer, by Decimal."""
    text = format(Decimal(e4) / scale, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def random_order(rng: random.Random) -> dict[str, Any]:
    return {
        "side": rng.choice((Side.BUY, Side.SELL)),
        "ord_type": rng.choice(tuple(WORDS)),
        "tif": rng.choice(tuple(Tif)),
        "product": rng.choice(tuple(Product)),
        "qty": rng.randrange(1, 10 ** rng.randrange(1, 10)),
        "price_e4": rng.randrange(1, 10 ** rng.randrange(1, 12)),
        "trigger_e4": rng.randrange(1, 10 ** rng.randrange(1, 12)),
        "protection_e2": rng.choice((-1, 0, 1, 50, 300, 10_000)),
        "symbol": rng.choice(SYMBOLS),
        "exchange": rng.choice(("NSE", "BSE", "NFO", "MCX", "CDS")),
        "cl_ord_id": "".join(rng.choices("ABCDEFGHJKMNPQRSTVWXYZ0123456789", k=20)),
        "broker_order_id": str(rng.randrange(10**14, 10**19)),
    }


def expected_terms(order: dict[str, Any]) -> dict[str, str]:
    kind = order["ord_type"]
    form = {"quantity": str(order["qty"]), "order_type": WORDS[kind], "validity": order["tif"].name}
    if kind in (OrdType.LIMIT, OrdType.SL):
        form["price"] = plain(order["price_e4"])
    if kind in (OrdType.SL, OrdType.SL_M):
        form["trigger_price"] = plain(order["trigger_e4"])
    if kind in (OrdType.MARKET, OrdType.SL_M):
        protection = order["protection_e2"]
        form["market_protection"] = plain(protection, 100) if protection > 0 else "-1"
    return form


@pytest.mark.parametrize("prefix", [b"", b"/sim/v3"])
def test_encoder_says_what_a_server_reads(prefix: bytes) -> None:
    rng = random.Random(SEED)
    encoder = KiteEncoder(HOST, prefix, TOKEN)
    for _ in range(5_000):
        order = random_order(rng)
        new = ParsedKiteTick(encode_command(encoder, kind=Cmd.NEW, **order))
        replace = ParsedKiteTick(encode_command(encoder, kind=Cmd.REPLACE, **order))
        cancel = ParsedKiteTick(encode_command(encoder, kind=Cmd.CANCEL, **order))
        for request in (new, replace, cancel):
            assert request.complete == 1 and request.keep_alive
            assert request.headers["host"] == HOST.decode()
            assert request.headers["authorization"] == TOKEN.decode()
            assert request.headers["x-kite-version"] == "3"
        assert (new.method, new.url) == ("POST", prefix + b"/orders/regular")
        assert new.headers["content-type"] == "application/x-www-form-urlencoded"
        terms = expected_terms(order)
        form = parse_qsl(new.body.decode("ascii"), strict_parsing=True)
        assert len(form) == len(dict(form))
        assert dict(form) == terms | {
            "exchange": order["exchange"],
            "tradingsymbol": order["symbol"],
            "tag": order["cl_ord_id"],
            "transaction_type": order["side"].name,
            "product": order["product"].name,
        }
        target = f"/orders/regular/{order['broker_order_id']}".encode()
        assert (replace.method, replace.url) == ("PUT", prefix + target)
        assert dict(parse_qsl(replace.body.decode("ascii"), strict_parsing=True)) == terms
        assert (cancel.method, cancel.url, cancel.body) == ("DELETE", prefix + target, b"")


GOOD: dict[str, Any] = {
    "kind": Cmd.NEW,
    "side": Side.BUY,
    "ord_type": OrdType.SL,
    "qty": 1,
    "price_e4": 10,
    "trigger_e4": 10,
    "symbol": "INFY",
    "exchange": "NSE",
    "cl_ord_id": "A1",
    "broker_order_id": "1",
}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": 0},
        {"kind": Cmd.LOOK},
        {"side": 0},
        {"ord_type": 0},
        {"ord_type": 9},
        {"qty": 0},
        {"qty": -5},
        {"price_e4": 0},
        {"price_e4": -10},
        {"trigger_e4": 0},
        {"symbol": ""},
        {"exchange": ""},
        {"cl_ord_id": ""},
        {"product": 7},
        {"tif": 9},
        {"ord_type": OrdType.MARKET, "protection_e2": 10_001},
        {"kind": Cmd.CANCEL, "broker_order_id": ""},
        {"kind": Cmd.REPLACE, "broker_order_id": ""},
    ],
)
def test_encoder_refuses_what_it_cannot_say(change: dict[str, Any]) -> None:
    encoder = KiteEncoder(HOST, b"", TOKEN)
    assert encode_command(encoder, **GOOD)
    with pytest.raises(ValueError, match="cannot be encoded"):
        encode_command(encoder, **(GOOD | change))


def test_encoder_with_every_field_at_its_longest_fits_or_refuses() -> None:
    longest = GOOD | {
        "symbol": "&" * 31,
        "exchange": "&" * 7,
        "cl_ord_id": "&" * 23,
        "broker_order_id": "&" * 31,
    }
    short, long = KiteEncoder(HOST, b"", TOKEN), KiteEncoder(HOST, b"/" * 64, b"t" * 550)
    assert ParsedKiteTick(encode_command(short, **longest)).complete == 1
    with pytest.raises(ValueError, match="cannot be encoded"):
        encode_command(long, **longest)


def test_a_registered_algo_is_named_in_new_orders_only() -> None:
    encoder = KiteEncoder(HOST, b"", TOKEN, b"NSE123abc")
    plain = KiteEncoder(HOST, b"", TOKEN)
    for kind in (Cmd.NEW, Cmd.REPLACE, Cmd.CANCEL):
        named = ParsedKiteTick(
            encode_command(encoder, **(GOOD | {"kind": kind, "broker_order_id": "221111000000001"}))
        )
        assert named.complete == 1 and (
            dict(parse_qsl(named.body.decode())).get("algo_id") == "NSE123abc"
        ) == (kind == Cmd.NEW)
    assert b"algo_id" not in ParsedKiteTick(encode_command(plain, **GOOD)).body
    for bad in (b"a b", b"a&b", b"x" * 33, b"\xff"):
        with pytest.raises(ValueError, match="algo_id"):
            KiteEncoder(HOST, b"", TOKEN, bad)


def test_a_new_token_reaches_the_next_request_and_no_repr() -> None:
    encoder = KiteEncoder(HOST, b"", TOKEN)
    encoder.set_authorization(b"token key:OTHER")
    assert (
        ParsedKiteTick(encode_command(encoder, **GOOD)).headers["authorization"]
        == "token key:OTHER"
    )
    assert "OTHER" not in repr(encoder) and "SECRET" not in repr(encoder)
    for bad in (b"", b"token a:b\r\nX-Evil: 1", b"token \xff", b"t" * 700):
        with pytest.raises(ValueError) as caught:
            encoder.set_authorization(bad)
        assert "Evil" not in str(caught.value)
    assert (
        ParsedKiteTick(encode_command(encoder, **GOOD)).headers["authorization"]
        == "token key:OTHER"
    )


def test_feed_messages_are_the_documented_json() -> None:
    assert json.loads(subscribe_message([408065, 884737])) == {
        "a": "subscribe",
        "v": [408065, 884737],
    }
    assert json.loads(subscribe_message([408065], "full")) == {"a": "mode", "v": ["full", [408065]]}
    assert json.loads(unsubscribe_message([408065])) == {"a": "unsubscribe", "v": [408065]}
    with pytest.raises(ValueError, match="mode"):
        subscribe_message([1], "deep")
