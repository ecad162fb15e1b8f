"""An exchange that agrees with everything at once, for benchmarks whose orders must trade: limits
fill at their price, stops rest.
"""

from __future__ import annotations

from typing import Any

from otrade._core.engine.engine import Engine
from otrade._core.types import Cmd, Ev, OrdType, Source
from otrade.brokers.session import OrderReport


class InstantExchange:
    """Called with the time when requests wait, and now and then."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._orders: dict[str, dict[str, Any]] = {}
        self.n_requests = 0
        self.n_fills = 0

    def __call__(self, ts_ns: int) -> None:
        self._engine.on_timer(ts_ns)
        while (command := self._engine.take_command()) is not None:
            if command.kind == Cmd.LOOK:
                continue
            self.n_requests += 1
            number = command.broker_order_id or str(10**15 + self.n_requests)
            self._engine.on_answer(command.seq, Ev.ACK, broker_order_id=number, ts_ns=ts_ns)
            order = self._orders.setdefault(
                number, {"tag": command.cl_ord_id, "side": command.side}
            )
            if command.kind == Cmd.CANCEL:
                self._say(number, order, Ev.CANCELED, 0, ts_ns)
                continue
            order.update(
                qty=command.qty,
                price=command.price_e4,
                trigger=command.trigger_e4,
                kind=command.ord_type,
            )
            rests = command.ord_type == OrdType.SL
            self.n_fills += not rests
            self._say(
                number,
                order,
                Ev.WORKING if rests else Ev.FILL_FULL,
                0 if rests else command.qty,
                ts_ns,
            )

    def _say(self, number: str, order: dict[str, Any], ev: Ev, cum: int, ts_ns: int) -> None:
        self._engine.on_report(
            OrderReport(
                cl_ord_id=order["tag"],
                broker_order_id=number,
                ev=ev,
                source=Source.PUSH,
                order_qty=order["qty"],
                cum_qty=cum,
                cum_value_e4=cum * order["price"],
                price_e4=order["price"],
                trigger_e4=order["trigger"],
                ord_type=order["kind"],
                triggered=False,
                reason=0,
                ts_update_ns=ts_ns,
                ts_recv_ns=ts_ns,
                side=order["side"],
            )
        )
