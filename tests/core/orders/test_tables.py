"""Tables and rings of the core: tags that name orders, orders that are found by them, what a full table
does, and what a ring keeps.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from otrade._core.types import Cmd, Ev, Leg, Note, OrdStatus, Reason, Side
from tests.core.orders.test_adopted_first import RecoveredDriver
from tests.core.orders.test_bands import BandDriver
from tests.core.orders.test_brackets import EngineDriver
from tests.core.orders.test_counts_and_words import told
from tests.core.orders.test_refusals import requests
from tests.harness.core_engine import MS, SECOND, frame, packet, token_of

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def base36(value: int, width: int) -> str:
    return "".join(DIGITS[value // 36**i % 36] for i in range(width - 1, -1, -1))


@pytest.mark.parametrize("run", [0, 7, 35, 36, 36**6 - 1])
def test_a_tag_names_run_bracket_leg_attempt_and_slot(run: int) -> None:
    d = EngineDriver(run_id=run, plan={"exit_mode": 1})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    target = d.take()
    tags = [cmd.cl_ord_id for cmd in (entry, stop, target)]
    head = "OT" + base36(run, 6) + "0000"
    assert tags == [head + leg + base36(n, 2) + base36(n, 4) for n, leg in enumerate("EST")]


def test_tags_of_a_bracket_go_on_and_those_of_the_next_begin_anew() -> None:
    d = EngineDriver(plan={"target_kind": 0}, params={"side_mask": 1})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    tags = []
    for _ in range(3):
        while not (found := requests(d)):
            d.wait(SECOND)
        tags.append(found[0].cl_ord_id)
        if len(tags) < 3:
            d.refuse(found[0])
    assert [tag[12:] for tag in tags] == [f"S0{n}000{n}" for n in (1, 2, 3)]
    d.ack(found[0])
    d.say(found[0], Ev.FILL_FULL, 10, 980_000)
    d.price(9_990).price(10_005)
    (second,) = requests(d)
    assert second.cl_ord_id[8:] == "0001" + "E" + "00" + "0004"


@pytest.mark.parametrize(
    ("tag", "number", "slot"),
    [
        ("OT0000070000E000000", "", 0),
        ("OT0000070000E000000", "another", 0),
        ("OT0000070000E000001", "", -1),  # another's
        ("OT0000070000E00000", "N0", -1),  # too short to be a tag: nobody's
        ("OT0000080000E000000", "N0", -1),  # of another run
        ("OT0000070000E00ZZZZ", "N0", -1),  # no such slot
        ("OT0000070000E00000!", "N0", -1),
        ("OT0000070000E00000a", "N0", -1),
        ("OT", "N0", 0),  # no tag: by the broker's own id
        ("", "N0", 0),
        ("mine", "N0", 0),
        ("", "", -1),
        ("", "N1", -1),
    ],
)
def test_an_order_is_found_by_its_tag_else_by_the_brokers_id(
    tag: str, number: str, slot: int
) -> None:
    d = EngineDriver()
    d.ack(d.enter())
    assert d.e.find_order(tag, number) == slot


def test_an_order_of_an_earlier_run_is_found_though_its_tag_has_another_slot() -> None:
    d = RecoveredDriver(Side.BUY, Leg.ENTRY)
    d.e.adopt_order(
        0, Leg.STOP, 7, OrdStatus.PENDING_NEW, cl_ord_id="OT0000090000S070ABC", broker_order_id="B9",
        ts_ns=d.now, **d.terms(Leg.STOP),
    )  # fmt: skip
    assert d.e.find_order("OT0000090000S070ABC", "") == 1
    assert d.e.find_order("OT0000090000S070ABD", "B9") == -1
    assert d.e.find_order("", "B9") == 1
    assert d.e.find_order("OT0000090000E000000", "") == 0


def test_a_bracket_has_so_many_orders_and_then_says_that_it_has_no_more() -> None:
    """Numbers from 1,152 on are the watchdog's."""
    d = BandDriver(plan={"target_kind": 0})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    tags = [entry.cl_ord_id]
    for _ in range(1_300):
        d.wait(31 * SECOND)
        for cmd in requests(d):
            if cmd.kind == Cmd.NEW:
                tags.append(cmd.cl_ord_id)
                d.refuse(cmd, Reason.BROKER_NETWORK)
        if told(d, Note.CAPACITY):
            break
    else:
        pytest.fail("it goes on for ever")
    assert len(set(tags)) == len(tags) == d.b["n_orders"] == 1_024 < 1_152
    assert [d.e.find_order(tag, "") for tag in tags] == list(range(1_024)), "each by its tag"


def test_a_full_table_of_orders_says_so_and_leaves_the_rest_as_it_is() -> None:
    d = EngineDriver(orders=12, plan={"target_kind": 0})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    n = 1
    for _ in range(40):
        for cmd in requests(d):
            n += 1
            d.refuse(cmd, Reason.BROKER_NETWORK)
        d.wait(5 * SECOND)
    assert n == d.e.n_orders == 12 and told(d, Note.CAPACITY)
    assert (d.b["open_qty"], d.b["protected_qty"]) == (10, 0)


# ------------------------------------------------------------------------------------------------------------------------
# rings
def test_bars_that_nobody_takes_make_room_the_oldest_first() -> None:
    d = EngineDriver(params={"side_mask": 0})
    n = 8_200
    for i in range(n):
        d.price(9_000 + i % 50, after=60 * SECOND)
        d.e.take_notices()
    bars = d.e.take_bars()
    assert len(bars) == 8_192 < n - 1, "the ring has been full"
    times = [bar[1] for bar in bars]
    gaps = {b - a for a, b in itertools.pairwise(times)}
    assert gaps == {60 * SECOND}, "each once, none left out, in their order"
    assert {bar[0] for bar in bars} == {0}
    assert d.e.take_bars() == []
    d.price(9_000, after=60 * SECOND)
    (bar,) = d.e.take_bars()
    assert bar[1] == times[-1] + 60 * SECOND


def test_a_ring_of_requests_that_is_full_takes_no_more() -> None:
    d = EngineDriver(commands=2, instruments=3, plan={"entry_timeout_ns": 0})
    d.price(9_990).price(10_005)
    first = d.take()
    d.ack(first)
    d.say(first, Ev.FILL_FULL, 10, 1_000_000)
    d.e.on_halt(0, 0, d.now)
    assert d.b["naked_since_ns"] > 0
    stop = d.take()
    assert stop.seq == first.seq + 1 and d.e.counters()["orders"] == 2
    d.lose(stop)
    for _ in range(5):
        d.wait(3 * SECOND)
    kinds = [cmd.kind for cmd in iter(d.e.take_command, None)]
    assert kinds == [Cmd.LOOK] * 2, "the ring holds two; a third look was not needed"


def test_a_notice_names_what_it_is_about() -> None:
    d = EngineDriver(strategies=1, instruments=2)
    d.enter()
    rows = d.e.take_notices()
    sent = next(row for row in rows if row["note"] == Note.ENTRY_SENT)
    assert (sent["instrument_id"], sent["bracket_id"], sent["strategy_id"], sent["order_slot"]) == (
        0, 0, 0, 0,
    )  # fmt: skip
    assert (sent["ts_ns"], sent["side"], sent["qty"]) == (d.now, Side.BUY, 10)
    d.e.on_halt(1, 0, d.now + MS)
    halt = next(row for row in d.e.take_notices() if row["note"] == Note.HALT_CHANGED)
    assert (halt["instrument_id"], halt["bracket_id"], halt["strategy_id"], halt["order_slot"]) == (
        -1, -1, -1, -1,
    )  # fmt: skip
    numbers = [row["seq"] for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(rows))) and halt["side"] == 0


def test_what_a_new_order_begins_with() -> None:
    d = EngineDriver(plan={"protection_e2": 250})
    entry = d.enter()
    o: dict[str, Any] = d.e.order(0)
    assert (o["ord_status"], o["pending"], o["leg"], o["side"]) == (
        OrdStatus.PENDING_NEW, 1, Leg.ENTRY, Side.BUY,
    )  # fmt: skip
    assert (o["bracket_id"], o["instrument_id"], o["attempt"], o["next"]) == (0, 0, 0, -1)
    assert (o["order_qty"], o["req_qty"], o["cum_qty"], o["n_modifies"]) == (10, 10, 0, 0)
    assert o["price_e4"] == o["req_price_e4"] == entry.price_e4
    assert (o["protection_e2"], o["request_seq"]) == (250, entry.seq)
    assert d.b["order_head"] == 0 and d.b["n_orders"] == d.b["next_attempt"] == 1
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    assert d.b["order_head"] == 1 and d.e.order(1)["next"] == 0 and d.b["n_orders"] == 2


def test_an_answer_is_for_its_own_request_though_the_ring_has_gone_round() -> None:
    d = EngineDriver(commands=2, instruments=3, plan={"entry_timeout_ns": 0})
    sent = []
    for i in range(3):
        for paise in (9_990, 10_005):
            d.now += MS
            d.e.on_frame_bytes(frame(packet(token_of(i), paise)), d.now)
        sent += requests(d)
    assert [cmd.seq for cmd in sent] == [1, 2, 3]
    d.e.on_answer(1, Ev.ACK, broker_order_id="FIRST", ts_ns=d.now)
    assert [d.e.order(i)["broker_order_id"] for i in range(3)] == ["FIRST", "", ""]


def test_a_signal_is_told_as_taken_or_as_refused() -> None:
    d = EngineDriver()
    d.enter()
    rows = d.e.take_notices()
    (row,) = [r for r in rows if r["note"] in (Note.SIGNAL_TAKEN, Note.SIGNAL_REFUSED)]
    assert (row["note"], row["reason"], row["side"], row["price_e4"]) == (
        Note.SIGNAL_TAKEN, Reason.OK, Side.BUY, 1_000_500,
    )  # fmt: skip
    d = EngineDriver(max_order_qty=9)
    d.price(9_990).price(10_005)
    rows = d.e.take_notices()
    (row,) = [r for r in rows if r["note"] in (Note.SIGNAL_TAKEN, Note.SIGNAL_REFUSED)]
    assert (row["note"], row["reason"], row["strategy_id"]) == (
        Note.SIGNAL_REFUSED,
        Reason.MAX_QTY,
        0,
    )


def test_a_bracket_that_came_back_does_not_hide_the_others_from_their_end() -> None:
    d = EngineDriver(plan={"target_kind": 0}, params={"side_mask": 1})
    first = d.enter()
    d.ack(first)
    d.say(first, Ev.CANCELED)
    d.price(9_990).price(10_005)
    (second,) = requests(d)
    d.ack(second)
    d.say(second, Ev.FILL_FULL, 10, 1_000_000)
    (stop,) = requests(d)
    d.ack(stop)
    d.say(first, Ev.FILL_PART, 3, 1_000_000)
    requests(d)
    assert d.e.live_brackets() == [1, 0] and d.e.instrument(0)["bracket_head"] == 0
    d.say(stop, Ev.FILL_FULL, 10, 980_000, triggered=True)
    assert d.e.live_brackets() == [0] and d.e.bracket(0)["next"] == -1


def test_a_second_word_of_no_answer_does_not_begin_the_doubt_anew() -> None:
    d = EngineDriver()
    entry = d.enter()
    d.lose(entry)
    at = d.now
    d.e.on_book_begin(d.now)
    d.e.on_book_end(d.now)
    d.now += SECOND
    d.lose(entry)
    assert (d.e.order(0)["ts_doubt_ns"], d.e.order(0)["looks"]) == (at, 1)
