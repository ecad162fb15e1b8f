"""Which bodies become hints: proved, ours, new; a stranger uses up nothing of the broker's."""

import hashlib
import json
from typing import Any

import pytest

from otrade.contract.hints import OrderHint
from otrade.hooks.postbacks import BURST, KNOWN_MAX, Postbacks, PostbackVerdict
from otrade.hooks.settings import HookSender

SECRET = "an app's secret"
SENDER = HookSender("kite", SECRET, "AB1234")


def body(order_id: str = "221111000000001", secret: str = SECRET, **changes: Any) -> bytes:
    row = {"order_id": order_id, "order_timestamp": "2026-11-19 09:30:01", "user_id": "AB1234"}
    row |= changes
    seed = f"{row['order_id']}{row['order_timestamp']}{secret}"
    return json.dumps({"checksum": hashlib.sha256(seed.encode()).hexdigest()} | row).encode()


class PostbackClock:
    s = 100.0

    def __call__(self) -> float:
        return self.s


def test_a_proved_one_is_a_hint_once() -> None:
    postbacks = Postbacks(SENDER, PostbackClock())
    verdict, hint = postbacks.judge(body(status="COMPLETE", filled_quantity=10))
    assert verdict is PostbackVerdict.HINT
    assert hint == OrderHint(
        broker="kite", order_id="221111000000001", order_time="2026-11-19 09:30:01"
    )
    assert postbacks.judge(body())[0] is PostbackVerdict.HINT, (
        "until it is on its way it may come again"
    )
    postbacks.delivered(hint)
    assert postbacks.judge(body(status="REJECTED")) == (PostbackVerdict.KNOWN, None)
    assert postbacks.judge(body(order_timestamp="2026-11-19 09:30:02"))[0] is PostbackVerdict.HINT


@pytest.mark.parametrize(
    "bad",
    [
        b"", b"[]", b"null", b"{", b"<html>", b"\xff" * 9, b"[" * 60_000, body(secret="another"),
        body(checksum=None), body(checksum="0" * 64), body(user_id="ZZ9999"), body(user_id=None),
        body("x" * 65), body(order_timestamp="x" * 65), body(order_id=5),
    ],
)  # fmt: skip
def test_what_proves_nothing_is_refused(bad: bytes) -> None:
    assert Postbacks(SENDER, PostbackClock()).judge(bad) == (PostbackVerdict.REFUSED, None)


def test_strangers_use_up_nothing() -> None:
    clock = PostbackClock()
    postbacks = Postbacks(SENDER, clock)
    for _ in range(10 * BURST):
        assert postbacks.judge(body(secret="another"))[0] is PostbackVerdict.REFUSED
    taken = [postbacks.judge(body(str(n)))[0] for n in range(BURST + 3)]
    assert taken == [PostbackVerdict.HINT] * BURST + [PostbackVerdict.TOO_MANY] * 3
    clock.s += 1
    assert postbacks.judge(body("after a second"))[0] is PostbackVerdict.HINT


def test_what_is_remembered_has_a_bound() -> None:
    postbacks = Postbacks(SENDER, PostbackClock())
    for n in range(2 * KNOWN_MAX):
        postbacks.delivered(OrderHint(broker="kite", order_id=str(n), order_time=""))
    assert len(postbacks._known) == KNOWN_MAX
