from collections.abc import Callable

import picows

from otrade._core.histogram import LatencyHistogram
from otrade._core.wire import FrameSink

class FeedLatency:
    frame: LatencyHistogram
    order: LatencyHistogram
    def __init__(self) -> None: ...

class KiteListener(picows.WSListener):
    transport: picows.WSTransport | None
    ts_recv_ns: int
    n_frames: int
    def __init__(
        self,
        sink: FrameSink,
        latency: FeedLatency,
        now_ns: Callable[[], int] | None,
        *,
        on_text: Callable[[bytes], None],
        on_commands: Callable[[], None],
        on_open: Callable[[KiteListener], None],
        on_close: Callable[[KiteListener], None],
        on_error: Callable[[Exception], None],
    ) -> None: ...
    def send_text(self, message: bytes) -> None: ...
    def drop(self) -> None: ...
