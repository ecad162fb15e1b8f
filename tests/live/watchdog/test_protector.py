"""The rescue against a scripted broker: each look at the book is what the test says, so nothing
depends on time.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
import pytest

from otrade._core.types import Ev, Leg, OrdType, Reason, Severity
from otrade.brokers.kite.reports import report_of
from otrade.brokers.session import (
    Answer,
    BrokerPosition,
    BrokerQuote,
    BrokerRows,
    EmergencyClient,
    OrderReport,
    OrderTerms,
    Source,
)
from otrade.live.oms.cl_ord_id import ClOrdId, make
from otrade.live.watchdog.heartbeat import ProtectedBracket, ProtectionFile
from otrade.live.watchdog.protection_plan import ProtectionAct, groups_of, most_of, needs_of
from otrade.live.watchdog.protector import ProtectionOutcome, Protector

SYMBOL = "INFY"
LEVEL = ProtectedBracket("NSE", SYMBOL, 408_065, "MIS", 1, 10, 14_500_000, 14_450_000, 1_000, 7, 1)
ENTRY = make(ClOrdId(7, 1, Leg.ENTRY, 0, 0))


def row(
    tag: str, side: str, status: str, filled: int = 0, *, kind: str = "LIMIT", trigger: float = 0.0
) -> dict[str, Any]:
    return {
        "order_id": f"1{tag}",
        "tag": tag,
        "status": status,
        "transaction_type": side,
        "quantity": 10,
        "filled_quantity": filled,
        "average_price": 1500.0,
        "price": 1445.0 if trigger else 1500.0,
        "trigger_price": trigger,
        "order_type": kind,
        "product": "MIS",
        "exchange": "NSE",
        "tradingsymbol": SYMBOL,
        "instrument_token": 408_065,
        "variety": "regular",
    }


class ScriptedBroker:
    """A broker whose answers and delays are given. An order that is placed is in the book `hidden`
    looks later, or never (-1).
    """

    def __init__(self, outcomes: list[Ev], hidden: list[int]) -> None:
        self.rows: list[dict[str, Any]] = [row(ENTRY, "BUY", "COMPLETE", 10)]
        self.late: list[tuple[int, dict[str, Any]]] = []
        self.outcomes = outcomes
        self.hidden = hidden
        self.n_looks = 0
        self.lacking: set[int] = set()
        """Looks that are answered with an empty book."""
        self.bare: set[int] = set()
        """Those after which there are no positions."""
        self.placed: list[str] = []
        self.changed: list[tuple[str, str]] = []

    async def order_book(self) -> BrokerRows[OrderReport]:
        self.n_looks += 1
        if self.n_looks in self.lacking:
            return BrokerRows()
        rows = self.rows + [found for at, found in self.late if at <= self.n_looks]
        return BrokerRows(report_of(found, Source.BOOK, 0) for found in rows)

    async def positions(self) -> BrokerRows[BrokerPosition]:
        if self.n_looks in self.bare:
            return BrokerRows()
        return BrokerRows([BrokerPosition(408_065, "NSE", SYMBOL, "MIS", 10, 10, 0, 0, 0, 0, 1)])

    async def quote(self, like: OrderReport) -> BrokerQuote:
        return BrokerQuote(15_000_000, 0, 0, 13_500_000, 16_500_000)

    async def modify(self, order: OrderReport, terms: OrderTerms) -> Answer:
        self.changed.append(("PUT", order.broker_order_id))
        return Answer(Ev.ACK)

    async def cancel(self, order: OrderReport) -> Answer:
        self.changed.append(("DELETE", order.broker_order_id))
        return Answer(Ev.ACK)

    async def place(self, like: OrderReport, side: int, terms: OrderTerms, tag: str) -> Answer:
        n = len(self.placed)
        self.placed.append(tag)
        if self.hidden[n] >= 0:
            side_word = "BUY" if side > 0 else "SELL"
            found = row(
                tag, side_word, "TRIGGER PENDING", kind="SL", trigger=terms.trigger_e4 / 10_000
            )
            self.late.append((self.n_looks + 1 + self.hidden[n], found | {"quantity": terms.qty}))
        return Answer(
            self.outcomes[n], "", Reason.OK if self.outcomes[n] == Ev.ACK else Reason.TIMED_OUT, ""
        )


def rescue(
    broker: ScriptedBroker, said: list[str] | None = None, level: ProtectedBracket = LEVEL
) -> ProtectionOutcome:
    def say(severity: Severity, code: str, text: str) -> None:
        if said is not None:
            said.append(text)

    async def work() -> ProtectionOutcome:
        found = Protector(cast(EmergencyClient, broker), say, gap_s=0.0)
        return await found.protect(
            ProtectionFile(1, "2026-11-18", [level]), flatten=False, give_up_s=30.0
        )

    return asyncio.run(work())


def test_one_look_is_not_enough_to_place_an_order() -> None:
    broker = ScriptedBroker([], [])
    stop = make(ClOrdId(7, 1, Leg.STOP, 0, 1))
    broker.late.append((2, row(stop, "SELL", "TRIGGER PENDING", kind="SL", trigger=1450.0)))
    assert rescue(broker).is_safe
    assert broker.placed == [] and broker.changed == []


@pytest.mark.parametrize("hidden", [0, 1])
def test_an_order_in_doubt_that_shows_by_the_second_look_is_not_sent_again(hidden: int) -> None:
    broker = ScriptedBroker([Ev.TIMEOUT, Ev.ACK], [hidden, 0])
    outcome = rescue(broker)
    assert outcome.is_safe and not outcome.is_flat and len(broker.placed) == 1


def test_an_order_in_doubt_that_two_looks_do_not_show_is_sent_once_more_under_another_tag() -> None:
    broker, said = ScriptedBroker([Ev.TIMEOUT, Ev.ACK], [-1, 0]), list[str]()
    assert rescue(broker, said).is_safe
    assert len(set(broker.placed)) == len(broker.placed) == 2
    assert any(broker.placed[0] in text and "never arrived" in text for text in said)


def test_a_late_acceptance_after_the_proof_is_taken_out() -> None:
    broker = ScriptedBroker([Ev.TIMEOUT, Ev.ACK], [6, 0])
    ended = {"n": 0}

    async def cancelling(order: OrderReport) -> Answer:
        ended["n"] += 1
        for _, found in broker.late:
            if order.broker_order_id == found["order_id"]:
                found["status"] = "CANCELLED"
        return Answer(Ev.ACK)

    broker.cancel = cancelling
    # Calm comes only after the late one has shown: it must be seen to be taken out.
    first = rescue(broker)
    assert first.is_safe
    if ended["n"] == 0:
        broker.n_looks += 10
        assert rescue(broker).is_safe
    live = [found for _, found in broker.late if found["status"] == "TRIGGER PENDING"]
    assert len(broker.placed) == 2 and ended["n"] == 1 and len(live) == 1


@pytest.mark.parametrize("hidden", [1, 5, 20])
def test_an_order_that_was_taken_is_waited_for_however_old_the_book_is(hidden: int) -> None:
    broker = ScriptedBroker([Ev.ACK, Ev.ACK], [hidden, 0])
    assert rescue(broker).is_safe
    assert len(broker.placed) == 1


def test_an_order_that_was_refused_is_tried_again() -> None:
    broker = ScriptedBroker([Ev.REFUSED, Ev.ACK], [-1, 0])
    assert rescue(broker).is_safe
    assert len(set(broker.placed)) == 2


@pytest.mark.parametrize("lacking", [{1, 2}, {2, 3}, {3, 4}, {2, 4}])
def test_an_empty_book_does_not_prove_that_an_order_in_doubt_never_arrived(
    lacking: set[int],
) -> None:
    broker, said = ScriptedBroker([Ev.TIMEOUT, Ev.ACK], [0, 0]), list[str]()
    broker.lacking = lacking
    outcome = rescue(broker, said)
    assert outcome.is_safe and not outcome.is_flat and len(broker.placed) == 1
    assert any("the book lacks" in text for text in said)


def test_what_the_engine_left_open_is_a_risk_though_the_book_is_empty() -> None:
    broker = ScriptedBroker([], [])
    broker.rows = []
    found = Protector(cast(EmergencyClient, broker), lambda severity, code, text: None, gap_s=0.0)
    assert asyncio.run(found.has_risk(ProtectionFile(1, "2026-11-18", [LEVEL])))
    assert not asyncio.run(found.has_risk(ProtectionFile(1, "2026-11-18", [])))


def test_positions_that_lack_what_is_open_do_not_leave_it_without_a_stop() -> None:
    broker, said = ScriptedBroker([Ev.ACK], [0]), list[str]()
    broker.bare = {1, 2, 3}
    outcome = rescue(broker, said)
    assert outcome.is_safe and len(broker.placed) == 1
    assert any(f"the positions lack {SYMBOL}" in text for text in said)


class FreezingBroker(ScriptedBroker):
    """It fills what it takes, and rejects an order above the freeze quantity of 1,800."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        super().__init__([], [])
        self.rows = rows
        self.sent: list[tuple[int, int]] = []

    @property
    def net_qty(self) -> int:
        return sum(
            found["filled_quantity"] * (1 if found["transaction_type"] == "BUY" else -1)
            for found in self.rows
        )

    async def positions(self) -> BrokerRows[BrokerPosition]:
        net = self.net_qty
        return BrokerRows([BrokerPosition(408_065, "NSE", SYMBOL, "MIS", net, net, 0, 0, 0, 0, 1)])

    async def place(self, like: OrderReport, side: int, terms: OrderTerms, tag: str) -> Answer:
        self.sent.append((side, terms.qty))
        is_taken, is_stop = terms.qty <= 1_800, terms.ord_type == OrdType.SL
        word = "REJECTED" if not is_taken else "TRIGGER PENDING" if is_stop else "COMPLETE"
        filled = terms.qty if is_taken and not is_stop else 0
        kind, trigger = ("SL", terms.trigger_e4 / 10_000) if is_stop else ("LIMIT", 0.0)
        found = row(tag, "BUY" if side > 0 else "SELL", word, kind=kind, trigger=trigger)
        self.rows.append(found | {"quantity": terms.qty, "filled_quantity": filled})
        return Answer(Ev.ACK)


def test_what_went_out_too_often_goes_back_in_parts_that_the_exchange_takes() -> None:
    """An entry of 1,755, and a stop, a target and an order in doubt that have all traded: 3,510 too
    many. One order for them is above the freeze quantity and was rejected again and again.
    """
    exits = [
        make(ClOrdId(7, 1, leg, n, 0)) for n, leg in enumerate((Leg.STOP, Leg.TARGET, Leg.STOP))
    ]
    whole = {"quantity": 1_755, "filled_quantity": 1_755}
    broker = FreezingBroker(
        [row(ENTRY, "BUY", "COMPLETE") | whole]
        + [row(tag, "SELL", "COMPLETE") | whole for tag in exits]
    )
    outcome = rescue(broker)
    assert broker.sent == [(1, 1_755), (1, 1_755)]
    assert outcome.is_flat and broker.net_qty == 0


@pytest.mark.parametrize(
    ("freeze_qty", "parts"), [(0, [1_200, 1_200, 1_110]), (1_800, [1_800, 1_710])]
)
def test_stops_for_more_than_the_freeze_quantity_are_placed_in_parts(
    freeze_qty: int, parts: list[int]
) -> None:
    """An entry that was in doubt and sent again, and both have traded: 3,510 are open under one tag's
    bracket. One stop for them is above the freeze quantity: it was rejected, and what was to be
    protected was closed. What the engine has not left word of is no more than an order has had.
    """
    again = make(ClOrdId(7, 1, Leg.ENTRY, 1, 0))
    more = make(ClOrdId(7, 1, Leg.ENTRY, 2, 0))
    bought = {"quantity": 1_200, "filled_quantity": 1_200}
    broker = FreezingBroker(
        [row(tag, "BUY", "COMPLETE") | bought for tag in (ENTRY, again)]
        + [row(more, "BUY", "COMPLETE") | {"quantity": 1_110, "filled_quantity": 1_110}]
    )
    level = msgspec.structs.replace(LEVEL, freeze_qty=freeze_qty)
    outcome = rescue(broker, level=level)
    assert broker.sent == [(-1, qty) for qty in parts]
    assert outcome.is_safe and not outcome.is_flat
    stops = [found for found in broker.rows if found["status"] == "TRIGGER PENDING"]
    assert sum(found["quantity"] for found in stops) == 3_510


def test_a_resting_exit_becomes_no_stop_above_the_freeze_quantity() -> None:
    """A target that rests for 1,200 of 2,400 becomes a stop again, and the rest gets one of its own."""
    rest = make(ClOrdId(7, 1, Leg.TARGET, 0, 0))
    again = make(ClOrdId(7, 1, Leg.ENTRY, 1, 0))
    bought = {"quantity": 1_200, "filled_quantity": 1_200}
    rows = [row(tag, "BUY", "COMPLETE") | bought for tag in (ENTRY, again)]
    rows += [row(rest, "SELL", "OPEN") | {"quantity": 1_200}]
    groups = groups_of(report_of(found, Source.BOOK, 0) for found in rows)
    for most_qty, whole_qty in ((1_200, 1_200), (1_800, 1_800), (5_000, 2_400)):
        (need,) = needs_of(
            groups[7, 1], is_wanted_out=lambda group: False, room=2_400, most_qty=most_qty
        )
        assert (need.act, need.qty) == (ProtectionAct.RESTOP, whole_qty)


def test_an_exit_that_stands_is_made_no_larger_than_the_exchange_takes() -> None:
    """Of a way back of 1,755 a part has traded when more goes out: what is left of all of it is not
    put into the one order.
    """
    back = make(ClOrdId(7, 1, Leg.FIX, 0, 0))
    sold = [make(ClOrdId(7, 1, Leg.STOP, n, 0)) for n in range(3)]
    rows = [row(ENTRY, "BUY", "COMPLETE", 1_755) | {"quantity": 1_755}]
    rows += [row(tag, "SELL", "COMPLETE", 1_755) | {"quantity": 1_755} for tag in sold]
    rows += [row(back, "BUY", "OPEN", 1_000) | {"quantity": 1_755}]
    groups = groups_of(report_of(found, Source.BOOK, 0) for found in rows)
    group = groups[7, 1]
    (need,) = needs_of(
        group, is_wanted_out=lambda group: False, room=2_510, most_qty=most_of(group, None)
    )
    assert (need.act, need.qty) == (ProtectionAct.EXIT, 1_755)
