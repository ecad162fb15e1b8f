"""What is streamed of an engine: read in its own process by the stream, and in the server's from the
copy that the stream keeps there.

Views are read in a loop, at most 20 times a second and only while somebody looks, and return
quickly. Rows are built as they are asked for, and the engine may go on between two of them. Nothing
that is returned is changed afterwards.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from otrade.contract.views import (
    BracketView,
    InstrumentView,
    NoticeView,
    OrderView,
    PositionView,
    SignalView,
    Status,
    StrategyView,
    TradeView,
)


class EngineViews(Protocol):
    """What is streamed."""

    def status(self) -> Status: ...

    def instruments(self) -> Iterator[InstrumentView]: ...

    def strategies(self) -> Iterator[StrategyView]: ...

    def brackets(self) -> Iterator[BracketView]: ...

    def orders(self) -> Iterator[OrderView]: ...

    def positions(self) -> Iterator[PositionView]: ...

    def trades(self) -> Iterator[TradeView]: ...

    def signals(self, since_seq: int) -> Sequence[SignalView]:
        """Those with a number above `since_seq` (0: all that are kept), oldest first."""
        ...

    def notices(self, since_seq: int) -> Sequence[NoticeView]:
        """Those with a number above `since_seq` (0: all that are kept), oldest first."""
        ...
