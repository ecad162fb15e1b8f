"""The vendor's SDK as its users run it: `KiteConnect.place_order` inside `on_ticks` of a
`KiteTicker`. Prints "ready".
"""

from __future__ import annotations

import itertools
from typing import Any

from kiteconnect import KiteConnect, KiteTicker

from bench.peers.market import ACCESS_TOKEN, API_KEY, Where, form, level_paise, read_arguments


def main(where: Where) -> None:
    kite = KiteConnect(API_KEY, ACCESS_TOKEN, root=where.rest_root)
    kite.profile()  # the connection is warm before the first order
    ticker = KiteTicker(API_KEY, ACCESS_TOKEN, root=where.feed_root)
    levels = {token: level_paise(i) / 100 for i, token in enumerate(where.tokens)}
    number = {token: i for i, token in enumerate(where.tokens)}
    sides: dict[int, int] = {}
    tags = itertools.count()

    def on_connect(ws: Any, response: Any) -> None:
        ws.subscribe(where.tokens)
        ws.set_mode(where.mode, where.tokens)
        print("ready", flush=True)

    def on_ticks(ws: Any, ticks: list[dict[str, Any]]) -> None:
        for tick in ticks:
            token = tick["instrument_token"]
            side = 1 if tick["last_price"] > levels[token] else -1
            before = sides.get(token, side)
            sides[token] = side
            if side != before:
                kite.place_order(
                    variety=kite.VARIETY_REGULAR, **form(number[token], side, f"SDK{next(tags)}")
                )

    ticker.on_connect = on_connect
    ticker.on_ticks = on_ticks
    ticker.connect()


if __name__ == "__main__":
    main(read_arguments())
