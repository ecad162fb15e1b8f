"""What the engine has told last, kept in another process: `EngineViews` out of snapshots and deltas."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from otrade.contract import views
from otrade.stream.delta_stream import KEPT_MAX
from otrade.stream.row_tables import KEYS, Key


class Replica:
    """`take` each message. `status` is None before the first."""

    def __init__(self) -> None:
        self.last: views.Status | None = None
        self._seq: int | None = None
        self._tables: dict[str, dict[Key, Any]] = {name: {} for name in KEYS}
        self._signals: deque[views.SignalView] = deque(maxlen=KEPT_MAX)
        self._notices: deque[views.NoticeView] = deque(maxlen=KEPT_MAX)

    @property
    def is_current(self) -> bool:
        """What is here comes from the connection that stands, or stood last."""
        return self._seq is not None

    def take(self, message: views.Snapshot | views.Delta | views.NoticesMessage) -> bool:
        """False: something is missing before it, and a snapshot is wanted."""
        if isinstance(message, views.Snapshot):
            self._tables = {
                name: {key_of(row): row for row in getattr(message, name)}
                for name, key_of in KEYS.items()
            }
            self._signals = deque(message.signals, maxlen=KEPT_MAX)
            self._notices = deque(message.notices, maxlen=KEPT_MAX)
        elif self._seq is None or message.seq != self._seq + 1:
            self._seq = None
            return False
        elif isinstance(message, views.NoticesMessage):
            self._notices.extend(message.notices)
        else:
            for name, key_of in KEYS.items():
                table = self._tables[name]
                for row in getattr(message, name):
                    table[key_of(row)] = row
            self._signals.extend(message.signals)
        self._seq = message.seq
        if not isinstance(message, views.NoticesMessage):
            self.last = message.status
        return True

    def rows(self, name: str) -> Iterator[Any]:
        """Of one table, in the order in which they came."""
        return iter(list(self._tables[name].values()))

    def signals(self, since_seq: int) -> Sequence[views.SignalView]:
        return [row for row in self._signals if row.seq > since_seq]

    def notices(self, since_seq: int) -> Sequence[views.NoticeView]:
        return [row for row in self._notices if row.seq > since_seq]

    def forget_sequence(self) -> None:
        """Another connection: it begins with a snapshot."""
        self._seq = None


def gone(last: views.Status, why: views.EngineGone) -> views.Status:
    """The last word of an engine that does not answer."""
    return msgspec.structs.replace(last, lifecycle="gone", not_ready=[why.words], gone=why)
