"""Many open pages in one process: each takes every message and notes how old it is.

    python -m bench.peers.viewers WS_URL TOKEN N

Prints "ready" when all have their first message; at SIGTERM one JSON object. The age of a message
is the time since the engine read the state that it shows (`now_ms`, the same computer's clock).
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import statistics
import sys
import time
from itertools import pairwise

import picows
import uvloop

NOW = re.compile(rb'"now_ms":(\d+)')
SEQ = re.compile(rb'"seq":(\d+)')


class Viewer(picows.WSListener):
    """One page."""

    def __init__(self) -> None:
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ages_ms: list[float] = []
        self.seqs: list[int] = []
        self.n_snapshots = 0

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type != picows.WSMsgType.TEXT:
            return
        text = frame.get_payload_as_memoryview()
        self.n_snapshots += bytes(text[:20]) == b'{"type":"snapshot","'
        found = SEQ.search(text)
        assert found is not None
        self.seqs.append(int(found[1]))
        now = NOW.search(text)
        if now is not None:
            self.ages_ms.append(1000 * time.time() - int(now[1]))
        if not self.first.done():
            self.first.set_result(None)


async def main(url: str, token: str, n: int) -> None:
    viewers = []
    for _ in range(n):
        _, viewer = await picows.ws_connect(
            Viewer, url, extra_headers={"Authorization": f"Bearer {token}"}
        )
        await viewer.first
        viewers.append(viewer)
    for viewer in viewers:
        viewer.ages_ms.clear()
        viewer.seqs.clear()
        viewer.n_snapshots = 0
    began_s = time.monotonic()
    print("ready", flush=True)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    seconds = time.monotonic() - began_s
    ages = sorted(age for viewer in viewers for age in viewer.ages_ms)
    said = {
        "viewers": n,
        "seconds": seconds,
        "messages_per_s_least": min(len(viewer.seqs) for viewer in viewers) / seconds,
        "messages_per_s_median": statistics.median(len(viewer.seqs) for viewer in viewers)
        / seconds,
        "age_ms_p50": ages[len(ages) // 2],
        "age_ms_p99": ages[len(ages) * 99 // 100],
        "age_ms_max": ages[-1],
        "snapshots": sum(viewer.n_snapshots for viewer in viewers),
        "out_of_order": sum(b <= a for viewer in viewers for a, b in pairwise(viewer.seqs)),
    }
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
