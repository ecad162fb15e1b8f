"""What is posted to our hooks in a session: postbacks of Kite's, and what only looks so. Whether each
is heard is known here from how it was made; of one that is, a look at the order book must come, and
nothing else: what it says of an order is a lie in every other one, and the judges see what is done.

The hooks' process and the engine's end of it are in one process here; between them stands what the
socket lets through, twenty hints a second.
"""

import hashlib
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import orjson

from otrade.contract.hints import OrderHint
from otrade.hooks.postbacks import BURST, Postbacks, PostbackVerdict
from otrade.hooks.settings import HookSender
from otrade.live.broker_io.hint_receiver import HintReceiver
from otrade.live.startup.login_flow import LoginFlow
from otrade.simulator.base.formats import stamp
from otrade.simulator.exchange.orders import Order
from otrade.simulator.simulator import Simulator

SECOND = 1_000_000_000
APART_NS = SECOND // 20
"""Between two hints on the socket."""
LATE_NS = 40 * SECOND
FLOOD = 200
LOOK_NS = 3 * SECOND
"""A look at the book is at most a second away, and waits for the next connection."""
BOOK = "/orders"
OTHER_USER = "ZZ9999"
HEARD, KNOWN, REFUSED = PostbackVerdict.HINT, PostbackVerdict.KNOWN, PostbackVerdict.REFUSED


class WrongHint(AssertionError):
    """A postback was heard that should not be, or not heard, in words."""


class PostedHints:
    """`post(way)`; `check()` at the end says what was wrong."""

    def __init__(self, broker: str, sim: Simulator, day: Callable[[], Any]) -> None:
        """`broker`: who posts. `day`: that of the process which lives, or None."""
        self._sim = sim
        self._day = day
        cfg = sim.cfg
        sender = HookSender(broker, cfg.api_secret, cfg.user_id)
        self._postbacks = Postbacks(sender, lambda: sim.clock.now_ns() / SECOND)
        self._queue: deque[OrderHint] = deque()
        self._next_ns = 0
        self._heard_ns: list[int] = []
        """When a hint has reached the engine."""
        self._wrong = ""

    def post(self, way: str) -> bool:
        """Of the order of ours that changed last. False where there is none."""
        ours = [order for order in self._sim.exchange.orders() if order.tag]
        if not ours:
            return False
        order = max(ours, key=lambda one: one.ts_update_ns)
        if way == "true":
            self._send(self._body(order), HEARD)
        elif way == "lies":
            self._send(self._body(order, self._lie_about(order)), HEARD)
        elif way == "unproved":
            self._send(self._body(order, {"checksum": "0" * 64}), REFUSED)
        elif way == "foreign":
            self._send(self._body(order, {"user_id": OTHER_USER}), REFUSED)
        elif way == "doubled":
            body = self._body(order)
            self._send(body, HEARD)
            self._send(body, KNOWN)
        elif way == "late":
            body, now_ns = self._body(order, self._lie_about(order)), self._sim.clock.now_ns()
            self._sim.clock.schedule(now_ns + LATE_NS, lambda: self._send(body, HEARD))
        else:
            self._flood(order)
        return True

    def _flood(self, order: Order) -> None:
        """So many at once, each with a time of its own: as many are heard as a burst may have."""
        n_heard = 0
        for number in range(FLOOD):
            verdict = self._judge(self._body(order, number=number))
            n_heard += verdict == HEARD
        if n_heard > BURST:
            self._wrong = f"{n_heard} of {FLOOD} postbacks at once were heard; a burst is {BURST}"

    def _lie_about(self, order: Order) -> dict[str, Any]:
        """An order that stands has traded; one that has ended stands."""
        qty = order.terms.quantity
        if order.is_final:
            return {"status": "OPEN", "filled_quantity": 0, "pending_quantity": qty}
        return {"status": "COMPLETE", "filled_quantity": qty, "average_price": 1.0}

    def _body(self, order: Order, more: dict[str, Any] | None = None, number: int = 0) -> bytes:
        """As Kite posts it: proved by order id, time and the app's secret."""
        # A number makes another update of it: none of those that come by themselves is in that year.
        time = (
            stamp(order.ts_update_ns)
            if not number
            else f"2000-01-01 00:{number // 60:02}:{number % 60:02}"
        )
        seed = f"{order.order_id}{time}{self._sim.cfg.api_secret}"
        row = {
            "order_id": order.order_id,
            "order_timestamp": time,
            "user_id": self._sim.cfg.user_id,
            "status": order.status,
            "tradingsymbol": order.contract.tradingsymbol,
            "filled_quantity": order.filled_qty,
            "guid": self._sim.clock.now_ns(),
            "checksum": hashlib.sha256(seed.encode()).hexdigest(),
        }
        return orjson.dumps({**row, **(more or {})})

    def _send(self, body: bytes, expected: PostbackVerdict) -> None:
        verdict = self._judge(body)
        # The same update may have been posted before, and a flood may have used up what a burst has.
        may_be = (KNOWN, PostbackVerdict.TOO_MANY) if expected != REFUSED else ()
        if verdict != expected and verdict not in may_be:
            self._wrong = (
                f"a postback is {verdict.name}, and must be {expected.name}: {body.decode()}"
            )

    def _judge(self, body: bytes) -> PostbackVerdict:
        verdict, hint = self._postbacks.judge(body)
        if hint is not None:
            self._postbacks.delivered(hint)
            self._queue.append(hint)
            self._next_ns = max(self._next_ns, self._sim.clock.now_ns())
            self._sim.clock.schedule(self._next_ns, self._hand_on)
            self._next_ns += APART_NS
        return verdict

    def _hand_on(self) -> None:
        hint, day = self._queue.popleft(), self._day()
        if day is None:
            return
        receiver = HintReceiver(cast(LoginFlow, None), day.board, day.clock, day.want_book)
        receiver.order(hint)
        self._heard_ns.append(self._sim.clock.now_ns())

    def check(self, *, is_calm: bool, end_ns: int) -> None:
        """WrongHint. `is_calm`: nothing has kept a look at the book from being asked, or answered."""
        if self._wrong:
            raise WrongHint(self._wrong)
        looks_ns = [ts_ns for ts_ns, _, path in self._sim.faults.asked if path == BOOK]
        for heard_ns in self._heard_ns if is_calm else ():
            is_late = heard_ns + LOOK_NS > end_ns
            if not is_late and not any(
                heard_ns <= ts_ns <= heard_ns + LOOK_NS for ts_ns in looks_ns
            ):
                raise WrongHint("a postback was heard, and the order book was not looked at")
