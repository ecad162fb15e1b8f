from collections.abc import Callable

class OrderEncoder: ...
class FrameSink: ...

class CallbackSink(FrameSink):
    def __init__(
        self,
        callback: Callable[[bytes, int], int],
        waiting: Callable[[], tuple[int, bytes] | None] | None = None,
    ) -> None: ...
