"""Upstox's instrument files, quotes, candles and calendar, each against what the exchange or Kite's
servers say.
"""

import csv
import datetime as dt
import gzip
import io
from typing import Any

import orjson
import pytest

from otrade.simulator.base.hours import IST, ist_ns
from otrade.simulator.base.listings import ISINS
from tests.simulator.kite.kite_client import KiteHttpClient
from tests.simulator.upstox.upstox_account import INFY, UpstoxAccount, upstox_account

NIFTY = "NSE_INDEX|Nifty 50"


async def file_of(s: UpstoxAccount, name: str) -> list[dict[str, Any]]:
    status, headers, body = await s.raw(
        f"GET /market-quote/instruments/exchange/{name}.json.gz HTTP/1.1"
    )
    assert status == 200 and "content-encoding" not in headers
    rows = orjson.loads(gzip.decompress(body))
    assert isinstance(rows, list)
    return rows


def test_isins_have_their_check_digit() -> None:
    for isin in ISINS.values():
        digits = "".join(str(int(c, 36)) for c in isin)
        doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
        assert sum(v // 10 + v % 10 for v in doubled) % 10 == 0 and len(isin) == 12


def test_instruments_are_those_of_kite() -> None:
    """The other broker's dump of the same day is the oracle."""

    async def work(s: UpstoxAccount) -> None:
        kite = KiteHttpClient(s.ports.rest, s.sim.issue_access_token())
        _, dump = await s.sim.during(kite.ask("GET", "/instruments"))
        kite.close()
        rows = await file_of(s, "complete")
        theirs = list(csv.DictReader(io.StringIO(dump.decode())))
        assert len(rows) == len(theirs) == len({row["instrument_key"] for row in rows})
        segments = {
            "NSE": "NSE_EQ",
            "INDICES": "NSE_INDEX",
            "NFO-FUT": "NSE_FO",
            "NFO-OPT": "NSE_FO",
            "MCX-FUT": "MCX_FO",
            "CDS-FUT": "NCD_FO",
        }
        by_place = {(row["segment"], row["exchange_token"]): row for row in rows}
        for kite_row in theirs:
            row = by_place[
                segments[kite_row["segment"]], str(int(kite_row["instrument_token"]) >> 8)
            ]
            assert row["exchange_token"] == kite_row["exchange_token"]
            if row["segment"] == "NSE_INDEX":
                assert row["instrument_type"] == "INDEX" and "lot_size" not in row
                assert (
                    row["instrument_key"].upper()
                    == f"NSE_INDEX|{kite_row['tradingsymbol']}".upper()
                )
                continue
            assert row["tick_size"] == pytest.approx(float(kite_row["tick_size"]) * 100), "paise"
            assert (
                row["lot_size"] == int(kite_row["lot_size"])
                and row["instrument_type"] == kite_row["instrument_type"]
            )
            if not kite_row["expiry"]:
                assert (
                    row["instrument_key"] == f"NSE_EQ|{row['isin']}"
                    and row["trading_symbol"] == kite_row["tradingsymbol"]
                )
                continue
            assert row["instrument_key"] == f"{row['segment']}|{row['exchange_token']}"
            expiry = dt.datetime.fromtimestamp(row["expiry"] / 1000, IST)
            assert (str(expiry.date()), expiry.hour) == (kite_row["expiry"], 23)
            assert (
                row["strike_price"] == float(kite_row["strike"])
                and row["minimum_lot"] == row["lot_size"]
            )
            assert row["underlying_symbol"] == kite_row["name"] and row["freeze_quantity"] > 0
            if row["segment"] == "NSE_FO":
                assert any(other["instrument_key"] == row["underlying_key"] for other in rows)

    upstox_account(work, broker="both")


def test_files_by_exchange() -> None:
    async def work(s: UpstoxAccount) -> None:
        whole = await file_of(s, "complete")
        assert [row for row in whole if row["exchange"] == "NSE"] == await file_of(s, "NSE")
        assert [row for row in whole if row["exchange"] == "MCX"] == await file_of(s, "MCX") != []
        assert await file_of(s, "BSE") == []
        names = {row["trading_symbol"] for row in whole}
        assert {"NIFTY", "INFY", "NIFTY FUT 23 NOV 26"} <= names
        assert any(
            name.startswith("BANKNIFTY ") and name.endswith("00 CE 23 NOV 26") for name in names
        )
        for name in ("complete.csv.gz", "NASDAQ.json.gz"):
            assert (await s.refusal("GET", f"/market-quote/instruments/exchange/{name}"))[0] == 404

    upstox_account(work)


def test_quotes() -> None:
    async def work(s: UpstoxAccount) -> None:
        await s.wait(120)
        quote = s.sim.exchange.market.quote(s.sim.exchange.market.universe.by_key["NSE:INFY"])
        rows = await s.data("GET", "/v2/market-quote/quotes", {"instrument_key": f"{INFY},{NIFTY}"})
        assert set(rows) == {"NSE_EQ:INFY", "NSE_INDEX:Nifty 50"}
        row = rows["NSE_EQ:INFY"]
        assert (row["instrument_token"], row["last_price"], row["volume"]) == (
            INFY,
            quote.ltp_e4 / 10_000,
            quote.volume,
        )
        assert (row["lower_circuit_limit"], row["upper_circuit_limit"]) == (
            quote.low_band_e4 / 10_000,
            quote.high_band_e4 / 10_000,
        )
        assert (
            row["depth"]["buy"][0]["price"] < row["depth"]["sell"][0]["price"]
            and len(row["depth"]["sell"]) == 5
        )
        assert int(row["last_trade_time"]) * 1_000_000 == quote.ts_ns
        stamp = dt.datetime.fromisoformat(row["timestamp"])
        assert stamp.utcoffset() == dt.timedelta(hours=5, minutes=30)
        assert stamp.timestamp() * 1e9 == pytest.approx(s.sim.clock.now_ns(), abs=5e6)
        assert rows["NSE_INDEX:Nifty 50"]["depth"]["buy"][0]["quantity"] == 0
        assert await s.data("GET", "/v2/market-quote/quotes", {"symbol": INFY})

        ltp = (await s.data("GET", "/v3/market-quote/ltp", {"instrument_key": INFY}))["NSE_EQ:INFY"]
        assert ltp == {
            "last_price": quote.ltp_e4 / 10_000,
            "instrument_token": INFY,
            "ltq": quote.last_qty,
            "volume": quote.volume,
            "cp": quote.prev_close_e4 / 10_000,
        }
        for keys in ("NSE_EQ|X", f"{INFY},NSE:INFY"):
            assert (await s.refusal("GET", "/v3/market-quote/ltp", {"instrument_key": keys}))[
                1
            ] == "UDAPI100011"
        assert (await s.refusal("GET", "/v3/market-quote/ltp"))[1] == "UDAPI1026"
        many = {"instrument_key": ",".join(f"NSE_EQ|{i}" for i in range(501))}
        assert (await s.refusal("GET", "/v2/market-quote/quotes", many))[1] == "UDAPI100036"

    upstox_account(work)


def test_candles_in_the_making_and_the_last_finished_ones() -> None:
    async def work(s: UpstoxAccount) -> None:
        await s.wait(95)  # 09:21:35
        bars = (
            await s.data(
                "GET", f"/v3/historical-candle/intraday/{INFY.replace('|', '%7C')}/minutes/1"
            )
        )["candles"]
        row = (
            await s.data("GET", "/v3/market-quote/ohlc", {"instrument_key": INFY, "interval": "I1"})
        )["NSE_EQ:INFY"]
        for told, bar in ((row["live_ohlc"], bars[0]), (row["prev_ohlc"], bars[1])):
            assert [told[name] for name in ("open", "high", "low", "close", "volume")] == bar[1:6]
            assert told["ts"] == dt.datetime.fromisoformat(bar[0]).timestamp() * 1000
        assert bars[0][0] == "2026-11-18T09:21:00+05:30"
        day = (
            await s.data("GET", "/v3/market-quote/ohlc", {"instrument_key": INFY, "interval": "1d"})
        )["NSE_EQ:INFY"]
        assert day["live_ohlc"]["high"] == max(bar[2] for bar in bars) and day["live_ohlc"][
            "volume"
        ] == sum(bar[5] for bar in bars)
        history = (
            await s.data(
                "GET",
                f"/v3/historical-candle/{INFY.replace('|', '%7C')}/days/1/2026-11-18/2026-11-17",
            )
        )["candles"]
        assert [history[0][i] for i in (1, 2, 3, 4)] == [
            day["prev_ohlc"][name] for name in ("open", "high", "low", "close")
        ]
        assert (
            await s.refusal(
                "GET", "/v3/market-quote/ohlc", {"instrument_key": INFY, "interval": "I5"}
            )
        )[2] == "interval"

    upstox_account(work)


def test_candles_are_those_of_kite_newest_first() -> None:
    async def work(s: UpstoxAccount) -> None:
        kite = KiteHttpClient(s.ports.rest, s.sim.issue_access_token())
        key = NIFTY.replace("|", "%7C").replace(" ", "%20")

        async def theirs(interval: str, start: str, end: str) -> list[list[Any]]:
            _, body = await s.sim.during(
                kite.ask(
                    "GET", f"/instruments/historical/256265/{interval}", {"from": start, "to": end}
                )
            )
            return [
                [f"{row[0][:-2]}:{row[0][-2:]}", *row[1:6], 0] for row in body["data"]["candles"]
            ][::-1]

        for unit, interval, name in (
            ("minutes", 1, "minute"),
            ("minutes", 15, "15minute"),
            ("hours", 1, "60minute"),
            ("days", 1, "day"),
        ):
            ours = (
                await s.data(
                    "GET", f"/v3/historical-candle/{key}/{unit}/{interval}/2026-11-18/2026-11-13"
                )
            )["candles"]
            assert ours == await theirs(name, "2026-11-13 00:00:00", "2026-11-17 23:59:59") != []
            await s.wait(1)
            now = (await s.data("GET", f"/v3/historical-candle/intraday/{key}/{unit}/{interval}"))[
                "candles"
            ]
            assert now == await theirs(name, "2026-11-18 00:00:00", "2026-11-18 23:59:59") != []
        kite.close()

    upstox_account(work, broker="both", at="10:20")


def test_weeks_and_months() -> None:
    async def work(s: UpstoxAccount) -> None:
        key = INFY.replace("|", "%7C")
        days = (await s.data("GET", f"/v3/historical-candle/{key}/days/1/2026-11-17/2026-11-01"))[
            "candles"
        ]
        weeks = (await s.data("GET", f"/v3/historical-candle/{key}/weeks/1/2026-11-17/2026-11-01"))[
            "candles"
        ]
        (month,) = (
            await s.data("GET", f"/v3/historical-candle/{key}/months/1/2026-11-17/2026-11-01")
        )["candles"]
        assert [week[0][:10] for week in weeks] == ["2026-11-16", "2026-11-09", "2026-11-02"]
        assert month[0] == "2026-11-01T00:00:00+05:30"
        assert month[1:6] == [
            days[-1][1],
            max(d[2] for d in days),
            min(d[3] for d in days),
            days[0][4],
            sum(d[5] for d in days),
        ]
        assert sum(week[5] for week in weeks) == month[5]

    upstox_account(work)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("{key}/seconds/1/2026-11-17", "unit"),
        ("{key}/minutes/0/2026-11-17", "interval"),
        ("{key}/minutes/301/2026-11-17", "interval"),
        ("{key}/hours/6/2026-11-17", "interval"),
        ("{key}/days/2/2026-11-17", "interval"),
        ("{key}/minutes/1/17-11-2026", "to_date"),
        ("{key}/minutes/1/2026-11-17/x", "from_date"),
        ("{key}/minutes/1/2026-11-17/2026-11-18", "from_date"),
        ("{key}/minutes/15/2026-11-17/2026-10-01", "from_date"),
        ("{key}/minutes/16/2026-11-17/2026-08-01", "from_date"),
        ("intraday/{key}/weeks/1", "unit"),
        ("intraday/NSE_EQ%7CX/minutes/1", "instrument_key"),
    ],
)
def test_candles_that_cannot_be_had(path: str, field: str) -> None:
    async def work(s: UpstoxAccount) -> None:
        status, _, told = await s.refusal(
            "GET", f"/v3/historical-candle/{path.format(key=INFY.replace('|', '%7C'))}"
        )
        assert (status, told) == (400, field)

    upstox_account(work)


def test_calendar() -> None:
    async def work(s: UpstoxAccount) -> None:
        days = await s.data("GET", "/v2/market/holidays")
        assert [row["date"] for row in days if row["date"].startswith("2026-1")] == [
            "2026-10-02",
            "2026-10-20",
            "2026-11-08",
            "2026-11-10",
            "2026-11-24",
            "2026-12-25",
        ]
        (holiday,) = await s.data("GET", "/v2/market/holidays/2026-11-24")
        assert (
            holiday["holiday_type"] == "TRADING_HOLIDAY"
            and "NSE" in holiday["closed_exchanges"]
            and holiday["open_exchanges"] == []
        )
        (special,) = await s.data("GET", "/v2/market/holidays/2026-11-08")
        assert special["holiday_type"] == "SPECIAL_TIMING" and special["open_exchanges"]
        assert await s.data("GET", "/v2/market/holidays/2026-11-18") == []
        assert await s.data("GET", "/v2/market/timings/2026-11-24") == []
        times = {
            row["exchange"]: row for row in await s.data("GET", "/v2/market/timings/2026-11-18")
        }
        assert times["NSE"]["start_time"] * 1_000_000 == ist_ns(dt.date(2026, 11, 18), "09:15")
        assert times["NFO"]["end_time"] * 1_000_000 == ist_ns(dt.date(2026, 11, 18), "15:40")
        for path in ("timings/x", "holidays/2026", "status/NASDAQ"):
            assert (await s.refusal("GET", f"/v2/market/{path}"))[1] == "UDAPI100036"

    upstox_account(work)


@pytest.mark.parametrize(
    ("at", "nse", "nfo"),
    [
        ("09:01", "PRE_OPEN_START", "NORMAL_CLOSE"),
        ("09:10", "PRE_OPEN_END", "NORMAL_CLOSE"),
        ("09:15", "NORMAL_OPEN", "NORMAL_OPEN"),
        ("15:35", "NORMAL_CLOSE", "NORMAL_OPEN"),
        ("15:45", "NORMAL_CLOSE", "NORMAL_CLOSE"),
    ],
)
def test_status(at: str, nse: str, nfo: str) -> None:
    async def work(s: UpstoxAccount) -> None:
        told = await s.data("GET", "/v2/market/status/NSE")
        assert (told["exchange"], told["status"]) == ("NSE", nse)
        assert told["last_updated"] * 1_000_000 <= s.sim.clock.now_ns()
        assert (await s.data("GET", "/v2/market/status/NFO"))["status"] == nfo

    upstox_account(work, at=at)
