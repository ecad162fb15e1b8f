from otrade._core.codecs.interface import FrameSink
from otrade._core.engine.engine import Engine
from otrade._core.engine.warmup import WarmUp

class FeedSink(FrameSink):
    def __init__(self, engine: Engine, kind: int, warm_up: WarmUp | None = None) -> None: ...
