from collections import deque

from otrade.brokers.transport.http import HttpConnection

class EarlyWriter:
    n_written: int
    def __init__(self, idle: deque[HttpConnection]) -> None: ...
    def claim(self, seq: int) -> HttpConnection | None: ...
