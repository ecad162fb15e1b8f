"""A user of Upstox's own SDK, as its documentation shows it. Run: `python sdk_user.py REST_URL`;
prints JSON.

Its hosts are set where that can be done; the addresses of its streams are literals, and are changed
as they are dialled.
"""

import gzip
import json
import os
import queue
import sys
import traceback
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import upstox_client
import websocket
from upstox_client.rest import ApiException

PATIENCE_S = 30.0
REDIRECT = "http://127.0.0.1:8700/login/upstox"
VERSION = "2.0"


def divert(rest_url: str) -> None:
    """Streams are dialled at the simulator's address."""
    plain = websocket.WebSocketApp

    def dial(url: str, *args: Any, **kwargs: Any) -> websocket.WebSocketApp:
        return plain(
            url.replace("wss://api.upstox.com", rest_url.replace("http", "ws")), *args, **kwargs
        )

    websocket.WebSocketApp = dial


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


def login(rest_url: str) -> str:
    """What the browser does: the code with which the login page sends it back."""
    query = f"response_type=code&client_id=paper&redirect_uri={quote(REDIRECT, safe='')}&state=s1"
    try:
        urllib.request.build_opener(NoRedirect).open(
            f"{rest_url}/v2/login/authorization/dialog?{query}", timeout=PATIENCE_S
        )
    except urllib.error.HTTPError as redirect:
        found = parse_qs(urlsplit(redirect.headers["location"]).query)
        redirect.close()
        assert found["state"] == ["s1"]
        return found["code"][0]
    raise AssertionError("the login page did not redirect")


def instruments(rest_url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(
        f"{rest_url}/market-quote/instruments/exchange/complete.json.gz", timeout=PATIENCE_S
    ) as reply:
        return list(json.loads(gzip.decompress(reply.read())))


class SdkStream:
    """Messages of one streamer's thread."""

    def __init__(self, streamer: Any) -> None:
        self.streamer = streamer
        self.messages: queue.Queue[Any] = queue.Queue()
        self.others: list[dict[str, Any]] = []
        self.positions: list[dict[str, Any]] = []
        opened: queue.Queue[None] = queue.Queue()
        streamer.auto_reconnect(False)
        streamer.on("open", lambda: opened.put(None))
        streamer.on("message", self.messages.put)
        streamer.connect()
        opened.get(timeout=PATIENCE_S)

    def get(self) -> Any:
        return self.messages.get(timeout=PATIENCE_S)

    def wait(self, order_id: str, status: str) -> dict[str, Any]:
        """The next message of that order with that status; those of other orders are kept for
        later.
        """
        for row in self.others:
            if (row["order_id"], row["status"]) == (order_id, status):
                self.others.remove(row)
                return row
        while True:
            row = dict(json.loads(self.get()))
            if row["update_type"] != "order":
                self.positions.append(row)
            elif (row["order_id"], row["status"]) == (order_id, status):
                return row
            elif row["order_id"] != order_id:
                self.others.append(row)

    def close(self) -> None:
        """Not waited for: its thread may take ten seconds to notice."""
        self.streamer.disconnect()


def code_of(call: Any, *args: Any, **kwargs: Any) -> list[Any]:
    """[HTTP status, code] with which a call is refused."""
    try:
        call(*args, **kwargs)
    except ApiException as exc:
        return [exc.status, json.loads(exc.body)["errors"][0]["errorCode"]]
    raise AssertionError("it was not refused")


def older(client: Any, key: str, lot: int, ltp: float) -> dict[str, Any]:
    """The second version's calls, and those about contracts and segments."""
    books, quotes = upstox_client.OrderApi(client), upstox_client.MarketQuoteApi(client)
    result: dict[str, Any] = {}
    terms = upstox_client.PlaceOrderRequest(
        quantity=lot,
        product="D",
        validity="DAY",
        price=round(ltp * 0.98),
        tag="v2",
        instrument_token=key,
        order_type="LIMIT",
        transaction_type="BUY",
        disclosed_quantity=0,
        trigger_price=0.0,
        is_amo=False,
    )
    order_id = books.place_order(terms, VERSION).data.order_id
    change = upstox_client.ModifyOrderRequest(
        validity="DAY",
        price=round(ltp * 0.981),
        order_id=order_id,
        order_type="LIMIT",
        trigger_price=0.0,
    )
    while True:  # until the exchange has it
        try:
            changed = books.modify_order(change, VERSION).data.order_id
            break
        except ApiException as exc:
            assert "being processed" in exc.body, exc.body
    while books.get_order_details(VERSION, order_id=order_id).data[-1].status != "open":
        pass
    while True:
        try:
            cancelled = books.cancel_order(order_id, VERSION).data.order_id
            break
        except ApiException as exc:
            assert "being processed" in exc.body, exc.body
    result["v2 order"] = [changed == order_id, cancelled == order_id]
    terms.order_type, terms.price = "MARKET", 0.0
    result["v2 refused"] = code_of(books.place_order, terms, VERSION)
    (ltp_row,) = quotes.ltp(key, VERSION).data.values()
    (ohlc_row,) = quotes.get_market_quote_ohlc(key, "1d", VERSION).data.values()
    result["v2 quotes"] = [ltp_row.instrument_token == key, ohlc_row.ohlc.high >= ohlc_row.ohlc.low]
    candles = upstox_client.HistoryApi(client)
    days = candles.get_historical_candle_data1(key, "day", "2026-11-17", "2026-11-10", VERSION)
    now = candles.get_intra_day_candle_data(key, "1minute", VERSION)
    result["v2 candles"] = [len(days.data.candles), len(now.data.candles) > 0]
    options = upstox_client.OptionsApi(client)
    index = "NSE_INDEX|Nifty 50"
    contracts = options.get_option_contracts(index).data
    chain = options.get_put_call_option_chain(index, "2026-11-23").data
    row = chain[len(chain) // 2]
    result["options"] = [
        len(contracts),
        len(chain),
        contracts[0].underlying_symbol,
        row.call_options.market_data.ltp > 0,
        0 < row.call_options.option_greeks.delta < 1,
        row.underlying_spot_price > 0,
    ]
    newer = upstox_client.MarketQuoteV3Api(client)
    call = row.call_options.instrument_key
    (greek,) = newer.get_market_quote_option_greek(instrument_key=call).data.values()
    (whole,) = newer.get_full_market_quote_v3(instrument_key=call).data.values()
    result["v3 quotes"] = [greek.iv > 0, whole.prev_close_price > 0, len(whole.depth.buy)]
    found = upstox_client.InstrumentsApi(client).search_instrument("INFY")
    result["search"] = [row["trading_symbol"] for row in found.data]
    users = upstox_client.UserApi(client)
    shut = users.update_kill_switch([{"segment": "NCD_FO", "action": "DISABLE"}]).data
    result["kill switch"] = [
        row["segment"] for row in shut if row["kill_switch_enabled"]
    ] + code_of(users.update_kill_switch, [{"segment": "NCD_FO", "action": "ENABLE"}])[:1]
    result["mtf"] = upstox_client.PortfolioApi(client).get_mtf_positions().data
    expired = upstox_client.ExpiredInstrumentApi(client)
    result["expired"] = code_of(expired.get_expiries, index)
    return result


def main(rest_url: str) -> dict[str, Any]:
    divert(rest_url)
    conf = upstox_client.Configuration()
    conf.host = conf.order_host = rest_url
    client = upstox_client.ApiClient(conf)
    token = upstox_client.LoginApi(client).token(
        VERSION,
        code=login(rest_url),
        client_id="paper",
        client_secret="paper-secret",
        redirect_uri=REDIRECT,
        grant_type="authorization_code",
    )
    conf.access_token = token.access_token
    users, orders = upstox_client.UserApi(client), upstox_client.OrderApiV3(client)
    books, portfolio = upstox_client.OrderApi(client), upstox_client.PortfolioApi(client)
    result: dict[str, Any] = {"user": [token.user_id, users.get_profile(VERSION).data.user_id]}

    rows = instruments(rest_url)
    future = next(
        row
        for row in rows
        if row.get("underlying_symbol") == "NIFTY" and row["instrument_type"] == "FUT"
    )
    key, lot = future["instrument_key"], future["lot_size"]
    result["future"] = [future["trading_symbol"], lot, future["tick_size"]]

    ticks = SdkStream(
        upstox_client.MarketDataStreamerV3(client, [key, "NSE_INDEX|Nifty 50"], "full")
    )
    updates = SdkStream(
        upstox_client.PortfolioDataStreamer(client, order_update=True, position_update=True)
    )
    first, second = ticks.get(), ticks.get()
    result["market"] = [first["type"], first["marketInfo"]["segmentStatus"]["NSE_FO"]]
    full = second["feeds"][key]["fullFeed"]["marketFF"]
    # The generated conversion leaves zero values out: the first kind of message has no type.
    both = sorted(second["feeds"]) == sorted([key, "NSE_INDEX|Nifty 50"])
    result["snapshot"] = [second.get("type"), both, len(full["marketLevel"]["bidAskQuote"])]
    ltp = full["ltpc"]["ltp"]
    while "feeds" not in (live := ticks.get()) or key not in live["feeds"]:
        pass
    result["live"] = [live["type"], live["feeds"][key]["requestMode"]]
    ticks.streamer.change_mode([key], "ltpc")
    while "ltpc" not in ticks.get().get("feeds", {}).get(key, {}):
        pass

    buy = {
        "quantity": lot,
        "product": "I",
        "validity": "DAY",
        "price": 0.0,
        "tag": "sdk 1",
        "instrument_token": key,
        "order_type": "LIMIT",
        "transaction_type": "BUY",
        "disclosed_quantity": 0,
        "trigger_price": 0.0,
        "is_amo": False,
        "slice": False,
    }

    def terms(**changed: Any) -> Any:
        return upstox_client.PlaceOrderV3Request(**(buy | changed))

    placed = orders.place_order(terms(price=float(round(ltp * 0.95))))
    (resting,) = placed.data.order_ids
    result["latency"] = placed.metadata.latency > 0
    updates.wait(resting, "open")
    change = upstox_client.ModifyOrderRequest(
        quantity=2 * lot,
        validity="DAY",
        price=float(round(ltp * 0.94)),
        order_id=resting,
        order_type="LIMIT",
        disclosed_quantity=0,
        trigger_price=0.0,
    )
    orders.modify_order(change)
    updates.wait(resting, "modified")
    updates.wait(resting, "open")
    orders.cancel_order(resting)
    result["cancelled"] = updates.wait(resting, "cancelled")["quantity"] == 2 * lot
    result["history"] = [
        row.status for row in books.get_order_details(VERSION, order_id=resting).data
    ]
    result["by_tag"] = len(books.get_order_details(VERSION, tag="sdk 1").data)

    (bought,) = orders.place_order(
        terms(order_type="MARKET", market_protection=2, tag="sdk 2")
    ).data.order_ids
    result["bought"] = updates.wait(bought, "complete")["filled_quantity"]
    position = json.loads(updates.get())
    result["position_update"] = [
        position["update_type"],
        position["exchange"],
        position["quantity"],
    ]
    result["refused"] = [
        code_of(orders.place_order, terms(order_type="MARKET")),
        code_of(orders.place_order, terms(quantity=0, price=ltp)),
        code_of(orders.cancel_order, resting),
        code_of(books.get_order_status, order_id="1"),
    ]
    book = books.get_order_book(VERSION).data
    result["book"] = [[row.order_id == resting, row.status, row.tag] for row in book]
    result["status"] = books.get_order_status(order_id=bought).data.status
    trades = books.get_trade_history(VERSION).data
    result["trades"] = [
        sum(trade.quantity for trade in trades),
        len(books.get_trades_by_order(bought, VERSION).data) == len(trades),
    ]
    (row,) = portfolio.get_positions(VERSION).data
    result["position"] = [
        row.quantity,
        row.instrument_token == key,
        abs(row.average_price * lot - row.buy_value) < 1e-3,
    ]
    result["holdings"] = portfolio.get_holdings(VERSION).data
    equity = users.get_user_fund_margin(VERSION, segment="SEC").data["equity"]
    tree = users.get_user_fund_margin_v3().data.available_to_trade
    result["funds"] = [equity.used_margin > 0, tree.total == equity.available_margin]
    line = buy | {"price": float(round(ltp * 0.95)), "tag": "multi"}
    many = books.place_multi_order(
        [upstox_client.MultiOrderRequest(correlation_id=f"c{i}", **line) for i in range(2)]
    )
    result["many"] = [
        many.status,
        [item.correlation_id for item in many.data],
        many.summary.success,
    ]
    for item in many.data:
        updates.wait(item.order_id, "open")
    result["cancelled_many"] = books.cancel_multi_order(tag="multi").summary.success
    (exit_id,) = books.exit_positions().data.order_ids
    updates.wait(exit_id, "complete")

    quotes, quotes_3 = upstox_client.MarketQuoteApi(client), upstox_client.MarketQuoteV3Api(client)
    (quote_row,) = quotes.get_full_market_quote(key, VERSION).data.values()
    (ltp_row,) = quotes_3.get_ltp(instrument_key=key).data.values()
    (ohlc_row,) = quotes_3.get_market_quote_ohlc("1d", instrument_key=key).data.values()
    day = ohlc_row.live_ohlc
    result["quotes"] = [
        quote_row.instrument_token == key,
        len(quote_row.depth.buy),
        ltp_row.volume > 0,
        day.high >= day.low,
    ]
    history = upstox_client.HistoryV3Api(client)
    candles = history.get_historical_candle_data1(
        key, "minutes", "1", "2026-11-17", "2026-11-17"
    ).data.candles
    today = history.get_intra_day_candle_data(key, "minutes", "1").data.candles
    result["candles"] = [len(candles) > 100, candles[0][0] > candles[-1][0], len(today) > 0]
    result |= older(client, key, lot, ltp)

    charges = upstox_client.ChargeApi(client)
    result["brokerage"] = (
        charges.get_brokerage(key, lot, "I", "BUY", ltp, VERSION).data.charges.total > 0
    )
    margin = upstox_client.MarginRequest([upstox_client.Instrument(key, lot, "I", "BUY", ltp)])
    result["margin"] = charges.post_margin(margin).data.required_margin > 0
    days = upstox_client.MarketHolidaysAndTimingsApi(client)
    timings = days.get_exchange_timings("2026-11-18").data
    result["calendar"] = [
        len(days.get_holidays().data) > 5,
        days.get_market_status("NSE").data.status,
        len(timings),
    ]
    result["gtts"] = orders.get_gtt_order_details().data
    result["ip"] = users.get_user_ips().data.primary_ip
    uri = (
        upstox_client.WebsocketApi(client)
        .get_market_data_feed_authorize_v3()
        .data.authorized_redirect_uri
    )
    result["authorized"] = uri.startswith("ws://127.0.0.1:") and "code=" in uri

    ticks.close()
    updates.close()
    upstox_client.LoginApi(client).logout(VERSION)
    result["logged_out"] = code_of(books.get_order_book, VERSION)
    return result


if __name__ == "__main__":
    failed = 1
    try:
        print(json.dumps(main(sys.argv[1])), flush=True)
        failed = 0
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(failed)  # the streams' threads are no daemons and would hold the process
