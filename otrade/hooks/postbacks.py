"""Which postbacks are hints: proved, ours, new, and no more in a second than a broker sends.

The proof comes first. Whoever has none uses up nothing that the broker's own needs.
"""

from collections import OrderedDict
from collections.abc import Callable
from enum import Enum

from otrade.brokers.registry import part_of
from otrade.contract.hints import OrderHint
from otrade.errors import BrokerError
from otrade.guard.limits import Bucket
from otrade.hooks.settings import HookSender

PER_S = 20
"""Hints in a second: twice the order rate that a broker allows."""
BURST = 40
KNOWN_MAX = 4_096
"""Updates that are remembered: one that is posted again is none."""


class PostbackVerdict(Enum):
    """What became of a body."""

    REFUSED = 400
    TOO_MANY = 429
    KNOWN = 200
    HINT = 202


class Postbacks:
    """The orders of one sender."""

    def __init__(self, sender: HookSender, now_s: Callable[[], float]) -> None:
        self._sender = sender
        self._now_s = now_s
        self._bucket = Bucket(PER_S, BURST, now_s())
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._read = part_of(sender.broker, "postback").read_postback

    def judge(self, body: bytes) -> tuple[PostbackVerdict, OrderHint | None]:
        """Whether the engine should hear of it."""
        try:
            order_id, order_time = self._read(body, self._sender.secret, self._sender.user_id)
        except BrokerError:
            return PostbackVerdict.REFUSED, None
        if (order_id, order_time) in self._known:
            return PostbackVerdict.KNOWN, None
        if not self._bucket.has(1, self._now_s()):
            return PostbackVerdict.TOO_MANY, None
        hint = OrderHint(broker=self._sender.broker, order_id=order_id, order_time=order_time)
        return PostbackVerdict.HINT, hint

    def delivered(self, hint: OrderHint) -> None:
        """It is on its way; only now it need not come again."""
        self._known[hint.order_id, hint.order_time] = None
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
