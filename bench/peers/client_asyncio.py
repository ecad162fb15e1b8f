"""What a careful Python programmer would write today: websockets and aiohttp under uvloop, orjson,
only the two fields that are needed decoded. The order is sent in the very turn that read the tick,
the next tick waits for its answer: the fastest way to the wire that these libraries offer. Prints
"ready".
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
from struct import Struct

import aiohttp
import orjson
import uvloop
import websockets

from bench.peers.market import ACCESS_TOKEN, API_KEY, Where, form, level_paise, read_arguments

PACKET = Struct(">HII").unpack_from
COUNT = Struct(">H").unpack_from


async def main(where: Where) -> None:
    tls = ssl.create_default_context(cafile=where.ca_file) if where.ca_file else None
    levels = {token: level_paise(i) for i, token in enumerate(where.tokens)}
    number = {token: i for i, token in enumerate(where.tokens)}
    sides: dict[int, int] = {}
    tags = itertools.count()
    headers = {"X-Kite-Version": "3", "Authorization": f"token {API_KEY}:{ACCESS_TOKEN}"}
    session = aiohttp.ClientSession(
        where.rest_root, headers=headers, connector=aiohttp.TCPConnector(ssl=tls if tls else True)
    )
    url = f"{where.feed_root}/?api_key={API_KEY}&access_token={ACCESS_TOKEN}"
    async with (
        session,
        websockets.connect(url, ssl=tls, compression=None, ping_interval=None) as feed,
    ):
        async with session.get(
            "/user/profile"
        ) as answer:  # the connection is warm before the first order
            await answer.read()
        await feed.send(orjson.dumps({"a": "subscribe", "v": where.tokens}).decode())
        await feed.send(orjson.dumps({"a": "mode", "v": [where.mode, where.tokens]}).decode())
        print("ready", flush=True)
        async for message in feed:
            if isinstance(message, str):
                orjson.loads(message)
                continue
            at = 2
            for _ in range(COUNT(message)[0]):
                size, token, paise = PACKET(message, at)
                at += 2 + size
                side = 1 if paise > levels[token] else -1
                before = sides.get(token, side)
                sides[token] = side
                if side != before:
                    async with session.post(
                        "/orders/regular", data=form(number[token], side, f"AIO{next(tags)}")
                    ) as answer:
                        assert (await answer.json(loads=orjson.loads))["status"] == "success"


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(read_arguments()))
