from collections.abc import Callable

import picows

from otrade._core.codecs.interface import FrameSink
from otrade._core.histogram import LatencyHistogram
from otrade.brokers.transport.fast_path import FastPath

class FrameClock:
    def set(self, anchor_ns: int, anchor_mono_ns: int) -> None: ...
    def __call__(self) -> int: ...

class FeedLatency:
    begun: int
    frame: LatencyHistogram
    core: LatencyHistogram
    order: LatencyHistogram
    def __init__(self) -> None: ...

class FeedListener(picows.WSListener):
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
        on_open: Callable[[FeedListener], None],
        on_close: Callable[[FeedListener], None],
        on_error: Callable[[Exception], None],
        fast_path: FastPath | None = None,
    ) -> None: ...
    def send_text(self, message: bytes) -> None: ...
    def send_binary(self, message: bytes) -> None: ...
    def ask_life(self) -> None: ...
    def drop(self) -> None: ...
