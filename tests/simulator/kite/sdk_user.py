"""A user of the vendor's own SDK, as its documentation shows it. Run: `python sdk_user.py REST_URL
FEED_URL`; prints JSON.
"""

import json
import queue
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from kiteconnect import KiteConnect, KiteTicker, exceptions

PATIENCE_S = 30.0


class Updates:
    """Order updates and ticks of the streaming thread."""

    def __init__(self, ticker: KiteTicker, token: int) -> None:
        self.orders: queue.Queue[dict[str, Any]] = queue.Queue()
        self.ticks: queue.Queue[list[dict[str, Any]]] = queue.Queue()

        def on_connect(ws: Any, response: Any) -> None:
            ws.subscribe([token])
            ws.set_mode(ws.MODE_FULL, [token])

        ticker.on_connect = on_connect
        ticker.on_ticks = lambda ws, ticks: self.ticks.put(ticks)
        ticker.on_order_update = lambda ws, data: self.orders.put(data)
        ticker.connect(threaded=True)

    def wait(self, order_id: str, status: str) -> dict[str, Any]:
        while True:
            data = self.orders.get(timeout=PATIENCE_S)
            if data["order_id"] == order_id and data["status"] == status:
                return data


def main(rest_url: str, feed_url: str) -> dict[str, Any]:
    kite = KiteConnect("paper", root=rest_url)
    kite._default_login_uri = f"{rest_url}/connect/login"
    page = requests.get(kite.login_url(), allow_redirects=False, timeout=PATIENCE_S)
    request_token = parse_qs(urlsplit(page.headers["location"]).query)["request_token"][0]
    session = kite.generate_session(request_token, api_secret="paper-secret")
    kite.set_access_token(session["access_token"])
    result: dict[str, Any] = {
        "user": kite.profile()["user_id"],
        "login_time": str(session["login_time"]),
    }

    instruments = kite.instruments()
    future = next(i for i in instruments if i["name"] == "NIFTY" and i["instrument_type"] == "FUT")
    result["instruments"] = len(instruments)
    result["future"] = [future["tradingsymbol"], future["lot_size"], str(future["expiry"])]
    symbol, lot, token = future["tradingsymbol"], future["lot_size"], future["instrument_token"]

    updates = Updates(KiteTicker("paper", session["access_token"], root=feed_url), token)
    tick = next(
        t
        for ticks in iter(lambda: updates.ticks.get(timeout=PATIENCE_S), None)
        for t in ticks
        if t["mode"] == "full"
    )
    result["tick"] = [
        tick["instrument_token"] == token,
        tick["mode"],
        len(tick["depth"]["buy"]),
        tick["tradable"],
    ]
    ltp = tick["last_price"]

    common = {
        "variety": kite.VARIETY_REGULAR,
        "exchange": kite.EXCHANGE_NFO,
        "tradingsymbol": symbol,
        "product": kite.PRODUCT_MIS,
    }
    resting = kite.place_order(
        **common,
        transaction_type=kite.TRANSACTION_TYPE_BUY,
        quantity=lot,
        order_type=kite.ORDER_TYPE_LIMIT,
        price=round(ltp * 0.95),
        tag="sdk1",
    )
    updates.wait(resting, "OPEN")
    kite.modify_order(kite.VARIETY_REGULAR, resting, quantity=2 * lot, price=round(ltp * 0.94))
    updates.wait(resting, "UPDATE")
    kite.cancel_order(kite.VARIETY_REGULAR, resting)
    result["cancelled"] = updates.wait(resting, "CANCELLED")["cancelled_quantity"]
    result["history"] = [row["status"] for row in kite.order_history(resting)]

    bought = kite.place_order(
        **common,
        transaction_type=kite.TRANSACTION_TYPE_BUY,
        quantity=lot,
        order_type=kite.ORDER_TYPE_MARKET,
        market_protection=2,
    )
    result["bought"] = updates.wait(bought, "COMPLETE")["filled_quantity"]
    try:
        kite.place_order(**common, transaction_type="SELL", quantity=lot, order_type="MARKET")
    except exceptions.InputException as exc:
        result["refused"] = str(exc)

    book = kite.orders()
    result["book"] = [(row["order_id"] == resting, row["status"], row["tag"]) for row in book]
    (trade,) = kite.trades()
    result["trade"] = [trade["order_id"] == bought, trade["quantity"]]
    (position,) = kite.positions()["net"]
    result["position"] = [position["quantity"], position["average_price"] == trade["average_price"]]
    result["quote"] = list(kite.quote(f"NFO:{symbol}"))
    result["blocked"] = kite.margins("equity")["utilised"]["span"] > 0
    result["holdings"], result["gtts"] = kite.holdings(), kite.get_gtts()
    day = session["login_time"].strftime("%Y-%m-%d")
    candles = kite.historical_data(token, f"{day} 09:15:00", f"{day} 15:30:00", "minute")
    result["candles"] = [len(candles) > 0, str(candles[0]["date"])]
    kite.invalidate_access_token()
    try:
        kite.orders()
    except exceptions.TokenException:
        result["logged_out"] = True
    return result


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:3])))
