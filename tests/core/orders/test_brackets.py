"""Lives of brackets, worked by hand: what is asked of the exchange after each word from it."""

import pytest

from otrade._core.types import (
    BracketState,
    Cmd,
    Ev,
    ExitReason,
    Halt,
    Lane,
    Leg,
    Note,
    OrdStatus,
    OrdType,
    Pending,
    Reason,
    Side,
)
from tests.harness.core_engine import (
    HOUR,
    MS,
    OPEN_NS,
    SECOND,
    frame,
    make_engine,
    order_report,
    packet,
    token_of,
)

T = token_of(0)
START = OPEN_NS + 10 * SECOND


class EngineDriver:
    """One engine, its clock, and short words for what the world says to it."""

    def __init__(self, **kw):
        # The level of 100 is crossed by many of these stories; only the story about that lets it
        # matter.
        plan = {"on_opposite": 0, **kw.pop("plan", {})}
        self.e = make_engine(plan=plan, **kw)
        self.now = START

    def price(self, paise, after=MS):
        self.now += after
        self.e.on_frame_bytes(frame(packet(T, paise)), self.now)
        return self

    def wait(self, ns):
        self.now += ns
        self.e.on_timer(self.now)
        return self

    def take(self):
        cmd = self.e.take_command()
        assert cmd is not None, "nothing was asked"
        return cmd

    def quiet(self):
        cmd = self.e.take_command()
        assert cmd is None, f"unexpected request: kind {cmd.kind} leg {cmd.cl_ord_id}"

    def ack(self, cmd, number="", after=MS):
        self.now += after
        self.e.on_sent(cmd.seq, self.now)
        self.e.on_answer(
            cmd.seq, Ev.ACK, broker_order_id=number or f"N{cmd.order_slot}", ts_ns=self.now
        )

    def refuse(self, cmd, reason=Reason.BROKER_ORDER):
        self.now += MS
        self.e.on_answer(cmd.seq, Ev.REFUSED, reason=reason, ts_ns=self.now)

    def lose(self, cmd):
        self.now += MS
        self.e.on_answer(cmd.seq, Ev.TIMEOUT, ts_ns=self.now)

    def say(self, cmd, ev, cum=0, px=0, *, qty=None, after=MS, source=1, value=None, **kw):
        """A report on the order of `cmd`, in the terms that `cmd` asked for."""
        self.now += after
        body = dict(
            cl_ord_id=cmd.cl_ord_id,
            broker_order_id=f"N{cmd.order_slot}",
            ev=ev,
            source=source,
            order_qty=qty or cmd.qty,
            cum_qty=cum,
            cum_value_e4=cum * px if value is None else value,
            price_e4=cmd.price_e4,
            trigger_e4=cmd.trigger_e4,
            ord_type=cmd.ord_type,
            triggered=False,
            reason=0,
            ts_update_ns=self.now,
            ts_recv_ns=self.now,
        )
        return self.e.on_report(order_report(**{**body, **kw}))

    def closed_by_other(self, side, qty, px, *, by_broker=False, number="X1"):
        """An order that is not ours closes a part of bracket 0: it is adopted, and told as filled."""
        terms = dict(order_qty=qty, price_e4=px, trigger_e4=0, ord_type=OrdType.LIMIT, side=side)
        self.e.adopt_order(
            0,
            Leg.TARGET,
            0,
            OrdStatus.PENDING_NEW,
            cl_ord_id="",
            broker_order_id=number,
            ts_ns=self.now,
            by_broker=by_broker,
            **terms,
        )
        self.e.on_report(
            order_report(
                cl_ord_id="",
                broker_order_id=number,
                ev=Ev.FILL_FULL,
                source=2,
                cum_qty=qty,
                cum_value_e4=qty * px,
                triggered=False,
                reason=0,
                ts_update_ns=0,
                ts_recv_ns=self.now,
                **terms,
            )
        )

    def book(self, *rows, asked=None):
        """An order book asked for now and answered at once."""
        self.e.on_book_begin(self.now if asked is None else asked)
        for cmd, ev, kw in rows:
            self.say(cmd, ev, source=2, **kw)
        self.now += MS
        self.e.on_book_end(self.now)

    def enter(self, side=Side.BUY):
        """A signal, and its entry request."""
        self.price(9_990 if side == Side.BUY else 10_010)
        self.price(10_005 if side == Side.BUY else 9_995)
        return self.take()

    def opened(self, side=Side.BUY, px=1_000_000):
        """An entry of 10 filled whole at 100 rupees, and its working stop."""
        entry = self.enter(side)
        self.ack(entry)
        self.say(entry, Ev.FILL_FULL, 10, px)
        stop = self.take()
        self.ack(stop)
        self.say(stop, Ev.WORKING)
        self.quiet()
        return stop

    def opened_oco(self, *, refused):
        """The same with a target beside the stop, or with one that the broker refuses."""
        entry = self.enter()
        self.ack(entry)
        self.say(entry, Ev.FILL_FULL, 10, 1_000_000)
        stop = self.take()
        self.ack(stop)
        self.say(stop, Ev.WORKING)
        target = self.take()
        if refused:
            self.refuse(target)
        else:
            self.ack(target)
            self.say(target, Ev.WORKING)
        self.quiet()
        return stop

    @property
    def b(self):
        return self.e.bracket(0)

    def notes(self):
        return [n["note"] for n in self.e.take_notices()]


@pytest.mark.parametrize(
    ("side", "stop", "limit", "target"),
    [
        # 2 rupees of stop and 4 of target from 100; the stop's limit is 20 bps beyond its trigger,
        # to the tick
        (Side.BUY, 980_000, 978_000, 1_040_000),
        (Side.SELL, 1_020_000, 1_022_500, 960_000),
    ],
)
def test_a_filled_entry_is_covered_by_a_stop_of_its_quantity(side, stop, limit, target):
    d = EngineDriver()
    entry = d.enter(side)
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    cmd = d.take()
    assert (cmd.kind, cmd.lane, cmd.ord_type, cmd.side, cmd.qty) == (
        Cmd.NEW,
        Lane.PROTECT,
        OrdType.SL,
        -side,
        10,
    )
    assert (cmd.trigger_e4, cmd.price_e4) == (stop, limit)
    assert d.b["target_e4"] == target
    assert d.b["protected_qty"] == 0 and d.b["naked_since_ns"] > 0
    naked_from = d.b["naked_since_ns"]
    d.ack(cmd)
    assert d.b["protected_qty"] == 0, "an answer is not the exchange's word"
    d.say(cmd, Ev.WORKING)
    assert d.b["protected_qty"] == 10
    assert d.b["naked_total_ns"] == d.now - naked_from
    d.quiet()


def test_the_stop_follows_partial_fills():
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_PART, 3, 1_000_000)
    stop = d.take()
    assert (stop.kind, stop.qty) == (Cmd.NEW, 3)
    d.say(entry, Ev.FILL_PART, 5, 1_000_000)
    d.quiet()  # one request at a time
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    more = d.take()
    assert (more.kind, more.qty, more.broker_order_id) == (Cmd.REPLACE, 5, "N1")
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    d.ack(more)
    d.say(more, Ev.REPLACED)
    assert d.b["protected_qty"] == 5
    last = d.take()
    assert (last.kind, last.qty) == (Cmd.REPLACE, 10)
    d.ack(last)
    d.say(last, Ev.WORKING)  # Kite says OPEN or TRIGGER PENDING with the new terms
    assert (d.b["protected_qty"], d.b["open_qty"]) == (10, 10)
    d.quiet()


def test_a_stop_that_fills_closes_the_bracket_with_exact_profit():
    d = EngineDriver()
    stop = d.opened()
    d.say(stop, Ev.FILL_PART, 4, 979_500, triggered=True)
    d.say(stop, Ev.FILL_FULL, 10, 0, value=4 * 979_500 + 6 * 979_000, triggered=True)
    assert d.b["state"] == BracketState.CLOSED
    assert d.b["exit_reason"] == ExitReason.STOP
    assert d.b["pnl_e4"] == 4 * 979_500 + 6 * 979_000 - 10 * 1_000_000
    assert d.e.risk()["pnl_e4"] == d.b["pnl_e4"]
    assert d.e.position(0)["net_qty"] == 0
    d.quiet()


def test_the_target_is_the_same_order_changed():
    d = EngineDriver()
    stop = d.opened()
    d.price(10_399).quiet()
    d.price(10_400)
    target = d.take()
    assert (target.kind, target.ord_type, target.price_e4, target.qty) == (
        Cmd.REPLACE,
        OrdType.LIMIT,
        1_040_000,
        10,
    )
    assert target.order_slot == stop.order_slot
    d.ack(target)
    d.say(target, Ev.WORKING)
    assert d.b["protected_qty"] == 0, "a target is no stop"
    assert d.b["target_since_ns"] == d.now and d.b["naked_since_ns"] == 0, (
        "by design, and not a failure"
    )
    naked_ns = d.b["naked_total_ns"]
    d.say(target, Ev.FILL_FULL, 10, 1_040_000, after=200 * MS)
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.CLOSED, ExitReason.TARGET)
    assert (d.b["target_total_ns"], d.b["target_worst_ns"], d.b["naked_total_ns"]) == (
        200 * MS,
        200 * MS,
        naked_ns,
    )
    counters = d.e.counters()
    assert (
        counters["target_ns_total"],
        counters["target_ns_worst"],
        counters["naked_ns_total"],
    ) == (200 * MS, 200 * MS, naked_ns)
    said = {n["note"]: n for n in d.e.take_notices()}
    assert said[Note.BRACKET_CLOSED]["naked_ns"] == naked_ns
    assert said[Note.AT_TARGET]["total_ns"] == 200 * MS
    assert d.b["pnl_e4"] == 10 * 40_000


def test_a_target_that_slips_away_becomes_the_stop_again():
    d = EngineDriver()
    d.opened()
    d.price(10_400)
    target = d.take()
    d.ack(target)
    d.say(target, Ev.WORKING)
    d.price(10_395).quiet()  # hysteresis: 10 bps of 104 is 10.4 paise
    d.price(10_380)
    back = d.take()
    assert (back.kind, back.ord_type, back.trigger_e4) == (Cmd.REPLACE, OrdType.SL, 980_000)
    d.ack(back)
    d.say(back, Ev.WORKING)
    assert d.b["protected_qty"] == 10


def test_a_target_that_rests_unfilled_is_taken_at_the_market():
    d = EngineDriver()
    d.opened()
    d.price(10_400)
    target = d.take()
    d.ack(target)
    d.say(target, Ev.WORKING)
    d.say(target, Ev.FILL_PART, 4, 1_040_000)
    d.wait(400 * MS).quiet()
    d.price(10_398)
    d.wait(100 * MS)
    out = d.take()
    assert (out.kind, out.ord_type, out.qty) == (Cmd.REPLACE, OrdType.LIMIT, 10)
    assert out.price_e4 < 1_039_800
    assert d.b["exit_reason"] == ExitReason.TARGET


def test_trailing_moves_in_steps_and_never_back():
    d = EngineDriver(
        plan={"trail_kind": 2, "trail_value": 2.0, "trail_step_value": 0.5, "target_kind": 0}
    )
    d.opened()
    d.price(10_040).quiet()  # 40 paise better than 100: less than a step
    d.price(10_050)
    moved = d.take()
    assert (moved.kind, moved.trigger_e4) == (Cmd.REPLACE, 985_000)
    d.ack(moved)
    d.say(moved, Ev.REPLACED)
    d.price(9_900).price(10_045).quiet()
    d.price(10_120)
    assert d.take().trigger_e4 == 992_000


@pytest.mark.parametrize("side", [1, -1])
def test_trailing_begins_when_price_has_gone_its_activation_distance(side: int) -> None:
    """Entry 100, stop 2 rupees away; the trail of 1 rupee begins 3 rupees on, and from there on
    follows every step, however far price has come back meanwhile.
    """
    d = EngineDriver(
        plan={
            "trail_kind": 2,
            "trail_value": 1.0,
            "trail_step_value": 0.5,
            "trail_from_value": 3.0,
            "target_kind": 0,
        }
    )
    d.opened(side)

    def at(paise: int) -> int:
        return 10_000 + side * paise

    for paise in (50, 150, 299, 250, 299):
        d.price(at(paise)).quiet()
    d.price(at(300))
    moved = d.take()
    assert (moved.kind, moved.trigger_e4) == (Cmd.REPLACE, at(200) * 100)
    d.ack(moved)
    d.say(moved, Ev.REPLACED)
    d.price(at(260)).quiet()
    d.price(at(360))
    assert d.take().trigger_e4 == at(260) * 100


TRAIL = {"trail_kind": 2, "trail_value": 2.0, "trail_step_value": 0.5, "target_kind": 0}


def trailed(d, moves, px=10_000):
    """Price rises by a step at a time; every change is carried out. (price in paise, the changes
    that were asked for).
    """
    asked = []
    for _ in range(moves):
        px += 50
        d.price(px, after=SECOND)
        while (cmd := d.e.take_command()) is not None:
            asked.append(cmd)
            d.ack(cmd)
            d.say(
                cmd,
                {Cmd.NEW: Ev.WORKING, Cmd.REPLACE: Ev.REPLACED, Cmd.CANCEL: Ev.CANCELED}[cmd.kind],
            )
    return px, asked


def test_trailing_goes_on_at_the_modification_cap_by_a_new_stop():
    """Six changes of an order are kept for protection and for the way out; then it is cancelled,
    and a new one takes its place.
    """
    d = EngineDriver(plan=TRAIL)
    d.e.set_budget(modifies_per_order=10)
    d.opened()
    px, asked = trailed(d, 4)
    assert [cmd.kind for cmd in asked] == [Cmd.REPLACE] * 4
    before = d.b["naked_total_ns"]
    d.notes()
    px, asked = trailed(d, 1, px)
    assert [cmd.kind for cmd in asked] == [Cmd.CANCEL, Cmd.NEW]
    assert (asked[1].ord_type, asked[1].qty, asked[1].trigger_e4) == (
        OrdType.SL,
        10,
        (px - 200) * 100,
    )
    assert Note.STOP_RENEWED in d.notes()
    # From the cancel's sending to the new stop's standing nothing counts as cover.
    assert d.b["protected_qty"] == 10 and d.b["naked_total_ns"] - before == 4 * MS
    px, asked = trailed(d, 34, px)
    assert d.b["stop_e4"] == (px - 200) * 100, "the trail's level is never given up"
    assert d.e.order(d.b["stop_slot"])["trigger_e4"] == (px - 200) * 100, (
        "and the exchange's stop stands there"
    )
    # Four changes, then half a minute at least between two renewals: cover is not given up for
    # every step.
    assert sum(cmd.kind == Cmd.CANCEL for cmd in asked) == 1


def test_a_stop_is_not_renewed_where_the_second_request_might_wait():
    d = EngineDriver(plan=TRAIL)
    d.e.set_budget(modifies_per_order=7, per_day=5, reserve_day=3)
    d.opened()
    px, asked = trailed(d, 1)
    assert [cmd.kind for cmd in asked] == [Cmd.REPLACE]
    d.notes()
    px, asked = trailed(d, 40, px)
    assert asked == [] and d.b["protected_qty"] == 10
    waits = [n for n in d.e.take_notices() if n["note"] == Note.TRAIL_WAITS]
    assert [(n["severity"], n["trigger_e4"], n["reason"]) for n in waits] == [
        (3, 985_000, Reason.RATE_DAY)
    ], "said once, as an alarm"
    # The engine leaves where the stop should stand.
    d.price(px - 210)
    out = d.take()
    assert (out.kind, out.ord_type, out.qty) == (Cmd.REPLACE, OrdType.LIMIT, 10)
    assert d.b["exit_reason"] == ExitReason.TRAIL


def test_a_stop_is_not_renewed_after_the_entry_hours():
    """A broker takes no new order of the day's product after its own cut-off: what stands is not
    given up for what may be refused.
    """
    d = EngineDriver(plan=TRAIL)
    d.e.set_budget(modifies_per_order=7)
    d.opened()
    close = START + HOUR
    d.e.set_session(
        0,
        open_ns=OPEN_NS,
        entry_from_ns=OPEN_NS,
        entry_until_ns=d.now,
        square_off_ns=close - SECOND,
        close_ns=close,
    )
    d.notes()
    _, asked = trailed(d, 40)
    assert [cmd.kind for cmd in asked] == [Cmd.REPLACE]
    waits = [n["reason"] for n in d.e.take_notices() if n["note"] == Note.TRAIL_WAITS]
    assert waits == [Reason.SESSION] and d.b["protected_qty"] == 10


def test_a_stop_is_not_renewed_while_price_is_near_it():
    d = EngineDriver(plan=TRAIL)
    d.e.set_budget(modifies_per_order=7)
    d.opened()
    px, _ = trailed(d, 2)  # the second step is a renewal
    px, _ = trailed(d, 2, px)  # one change, and one that waits its half minute
    d.quiet()
    d.price(px - 120)
    d.wait(40 * SECOND).quiet()
    d.price(px - 90)
    d.wait(100 * MS)
    assert d.take().kind == Cmd.CANCEL


def test_the_brokers_own_cap_is_taken_as_the_cap():
    """Its count may be another than ours: one refusal in these words is enough, and no pause is
    made of it.
    """
    d = EngineDriver(plan=TRAIL)
    d.opened()
    d.price(10_050)
    moved = d.take()
    d.refuse(moved, Reason.MODIFY_CAP)
    cancel = d.take()
    assert cancel.kind == Cmd.CANCEL and d.b["n_rejects"] == 0
    d.ack(cancel)
    d.say(cancel, Ev.CANCELED)
    new = d.take()
    assert (new.kind, new.ord_type, new.trigger_e4) == (Cmd.NEW, OrdType.SL, 985_000)


def test_a_rejected_stop_is_loud_and_comes_again():
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    d.notes()
    d.refuse(d.take())
    assert Note.EXIT_REJECTED in d.notes()
    d.quiet()
    d.wait(1_100 * MS)
    again = d.take()
    assert (again.kind, again.ord_type) == (Cmd.NEW, OrdType.SL)
    d.ack(again)
    d.say(again, Ev.REJECTED, reason=Reason.EXCHANGE_REJECT)
    d.wait(2_100 * MS)
    third = d.take()
    d.refuse(third)
    # three refusals of protection: leave
    assert d.b["state"] == BracketState.EXITING
    d.wait(5 * SECOND)
    out = d.take()
    assert (out.ord_type, out.side, out.qty) == (OrdType.LIMIT, Side.SELL, 10)


def test_a_larger_stop_that_the_price_has_passed_is_not_asked_for_twice():
    """A rest of the entry that trades far above the market moves the stop above the last price: no
    broker takes it there.
    """
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_PART, 4, 1_000_000)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.say(entry, Ev.FILL_FULL, 10, value=4 * 1_000_000 + 6 * 1_100_000)
    larger = d.take()
    assert (larger.kind, larger.qty) == (Cmd.REPLACE, 10) and larger.trigger_e4 > 1_000_000
    d.refuse(larger, Reason.BROKER_INPUT)
    out = d.take()
    assert (out.kind, out.ord_type, out.side, out.qty) == (
        Cmd.REPLACE,
        OrdType.LIMIT,
        Side.SELL,
        10,
    )
    assert d.b["exit_reason"] == ExitReason.STOP


def test_a_stop_whose_price_has_traded_is_not_sent_but_left_by_a_limit():
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.price(9_790)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    out = d.take()
    assert (out.kind, out.ord_type, out.side) == (Cmd.NEW, OrdType.LIMIT, Side.SELL)
    assert out.price_e4 <= 979_000
    assert d.b["exit_reason"] == ExitReason.STOP


def test_an_exit_left_resting_is_chased_and_the_last_step_is_an_alarm():
    d = EngineDriver(plan={"ladder_max_steps": 2})
    stop = d.opened()
    d.price(9_700)  # through the trigger and its limit in one jump
    assert d.b["protected_qty"] == 0 and d.b["naked_since_ns"] == d.now, (
        "whose price has traded is no stop that waits"
    )
    naked_from = d.now
    d.say(stop, Ev.WORKING, triggered=True)
    prices = []
    for step, px in enumerate((9_700, 9_650, 9_600, 9_550)):
        if step:
            d.price(px)
            d.wait(2_100 * MS)
        cmd = d.take()
        assert (cmd.kind, cmd.ord_type) == (Cmd.REPLACE, OrdType.LIMIT)
        prices.append(cmd.price_e4)
        d.ack(cmd)
        d.say(cmd, Ev.WORKING)
        assert d.b["naked_since_ns"] == naked_from
    assert prices[0] < 970_000 and prices == sorted(prices, reverse=True)
    chased = [n for n in d.e.take_notices() if n["note"] == Note.EXIT_CHASED]
    assert [n["severity"] for n in chased] == [1, 3, 3]


def test_an_exit_in_doubt_is_not_said_to_be_repriced():
    """Nothing can be sent before the book tells what became of the last request."""
    d = EngineDriver(plan={"ladder_max_steps": 2})
    d.opened()
    d.e.on_flatten(0, d.now + MS)
    d.lose(d.take())
    d.e.take_notices()
    for px in (9_650, 9_600, 9_550):
        d.price(px)
        d.wait(2_100 * MS)
    assert not [n for n in d.e.take_notices() if n["note"] == Note.EXIT_CHASED]


def test_in_doubt_is_not_sent_again_until_two_looks_prove_it_absent():
    d = EngineDriver()
    entry = d.enter()
    d.lose(entry)
    assert d.e.order(0)["in_doubt"] == 1
    d.wait(10 * MS)
    assert d.take().kind == Cmd.LOOK
    d.book()
    assert d.e.order(0)["in_doubt"] == 1, "one look proves nothing"
    d.wait(SECOND)
    d.book(asked=d.now)
    assert d.e.order(0)["in_doubt"] == 1, "two looks a second apart prove nothing either"
    d.wait(1_500 * MS)
    assert d.take().kind == Cmd.LOOK
    d.book()
    assert d.e.order(0)["ord_status"] == OrdStatus.ABSENT
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.CLOSED, ExitReason.ENTRY_FAILED)


def test_a_book_from_before_the_doubt_proves_nothing():
    d = EngineDriver()
    entry = d.enter()
    asked = d.now
    d.lose(entry)
    d.book(asked=asked)
    d.wait(3 * SECOND)
    d.book()
    assert d.e.order(0)["in_doubt"] == 1


def test_a_doubtful_stop_found_in_the_book_protects():
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    stop = d.take()
    d.lose(stop)
    d.wait(500 * MS)
    d.take()
    d.book((stop, Ev.WORKING, {}))
    assert d.b["protected_qty"] == 10
    assert d.e.order(stop.order_slot)["in_doubt"] == 0
    d.wait(10 * SECOND).quiet()


def test_an_order_accepted_after_its_absence_was_proved_is_taken_out_loudly():
    d = EngineDriver()
    entry = d.enter()
    d.lose(entry)
    for _ in range(3):
        d.wait(2_100 * MS)
        d.book()
    while d.e.take_command() is not None:
        pass
    assert d.b["state"] == BracketState.CLOSED
    d.notes()
    d.say(entry, Ev.WORKING)
    assert Note.LATE_FILL in d.notes()
    out = d.take()
    assert (out.kind, out.order_slot) == (Cmd.CANCEL, entry.order_slot)
    # the exchange wins: it fills, and the extra is exited
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    d.refuse(out)
    d.wait(2 * SECOND)
    exits = [c for c in iter(d.e.take_command, None) if c.kind == Cmd.NEW]
    assert [(c.side, c.qty) for c in exits] == [(Side.SELL, 10)]


def test_a_fill_after_a_cancel_counts():
    d = EngineDriver(plan={"entry_timeout_ns": 5 * SECOND})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    d.wait(6 * SECOND)
    cancel = d.take()
    assert cancel.kind == Cmd.CANCEL
    d.ack(cancel)
    d.say(entry, Ev.CANCELED)
    assert d.b["state"] == BracketState.CLOSED
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    assert d.b["open_qty"] == 10
    out = d.take()
    assert (out.side, out.qty, out.ord_type) == (Side.SELL, 10, OrdType.LIMIT)


def test_two_exits_that_both_fill_are_put_right():
    d = EngineDriver(plan={"exit_mode": 1})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    target = d.take()
    assert (target.ord_type, target.price_e4, target.qty) == (OrdType.LIMIT, 1_040_000, 10)
    d.ack(target)
    d.say(target, Ev.WORKING)
    d.say(target, Ev.FILL_FULL, 10, 1_040_000)
    cancel = d.take()
    assert (cancel.kind, cancel.order_slot) == (Cmd.CANCEL, stop.order_slot)
    d.say(stop, Ev.FILL_FULL, 10, 979_500, triggered=True)  # the race is lost: short 10
    assert d.b["open_qty"] == -10
    assert Note.OVER_EXIT in d.notes()
    fix = d.take()
    assert (fix.kind, fix.side, fix.qty) == (Cmd.NEW, Side.BUY, 10)
    d.ack(fix)
    d.say(fix, Ev.FILL_FULL, 10, 980_000)
    assert (d.b["state"], d.b["open_qty"]) == (BracketState.CLOSED, 0)
    assert d.e.position(0)["net_qty"] == 0
    assert d.b["pnl_e4"] == 10 * (1_040_000 + 979_500 - 980_000 - 1_000_000)


def test_an_oco_target_shrinks_with_the_stop():
    d = EngineDriver(plan={"exit_mode": 1})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    target = d.take()
    d.ack(target)
    d.say(target, Ev.WORKING)
    d.say(target, Ev.FILL_PART, 4, 1_040_000)
    less = d.take()
    assert (less.kind, less.order_slot, less.qty) == (Cmd.REPLACE, stop.order_slot, 6)


def test_square_off_comes_before_the_end_of_the_instruments_own_session():
    d = EngineDriver()
    close = START + HOUR
    d.e.set_session(
        0,
        open_ns=OPEN_NS,
        entry_from_ns=OPEN_NS,
        entry_until_ns=close - 900 * SECOND,
        square_off_ns=close - 300 * SECOND,
        close_ns=close,
    )
    d.opened()
    d.wait(HOUR - 301 * SECOND - (d.now - START)).quiet()
    d.wait(SECOND)
    out = d.take()
    assert (out.kind, out.ord_type, out.side) == (Cmd.REPLACE, OrdType.LIMIT, Side.SELL)
    assert d.b["exit_reason"] == ExitReason.SQUARE_OFF


def test_time_exit():
    d = EngineDriver(plan={"time_exit_ns": 60 * SECOND})
    d.opened()
    d.wait(59 * SECOND).quiet()
    d.wait(2 * SECOND)
    assert d.take().ord_type == OrdType.LIMIT
    assert d.b["exit_reason"] == ExitReason.TIME


@pytest.mark.parametrize(("mode", "reverses"), [(0, None), (1, False), (2, True)])
def test_an_opposite_signal_is_ignored_exits_or_reverses(mode, reverses):
    d = EngineDriver(plan={"on_opposite": mode, "target_kind": 0})
    d.opened()
    d.price(9_990)
    if reverses is None:
        d.quiet()
        return
    out = d.take()
    assert (out.kind, out.side, out.ord_type) == (Cmd.REPLACE, Side.SELL, OrdType.LIMIT)
    d.ack(out)
    d.say(out, Ev.FILL_FULL, 10, 999_000)
    assert d.b["exit_reason"] == ExitReason.SIGNAL
    if reverses:
        entry = d.take()
        assert (entry.kind, entry.side, entry.cl_ord_id[12]) == (Cmd.NEW, Side.SELL, "E")
    else:
        d.quiet()


def test_freeze_quantity_slices_into_whole_brackets():
    d = EngineDriver(freeze_qty=4, plan={"size_value": 10.0})
    d.price(9_990).price(10_005)
    entries = [d.take() for _ in range(3)]
    d.quiet()
    assert [c.qty for c in entries] == [4, 4, 2]
    assert len({c.cl_ord_id for c in entries}) == 3
    assert d.e.risk()["open_positions"] == 1
    for c in entries:
        d.ack(c)
        d.say(c, Ev.FILL_FULL, c.qty, 1_000_000)
    assert [d.take().qty for _ in range(3)] == [4, 4, 2]


def test_a_halt_cancels_entries_and_keeps_stops():
    d = EngineDriver(instruments=2)
    d.opened()
    d.now += SECOND
    for px in (9_990, 10_005):
        d.e.on_frame_bytes(frame(packet(token_of(1), px)), d.now)
    entry = d.take()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    d.e.on_halt(Halt.HALTED, 0, d.now)
    cancel = d.take()
    assert (cancel.kind, cancel.order_slot) == (Cmd.CANCEL, entry.order_slot)
    d.quiet()
    assert d.e.bracket(0)["protected_qty"] == 10


def test_a_stop_cancelled_by_another_hand_is_put_back():
    d = EngineDriver()
    stop = d.opened()
    d.notes()
    d.say(stop, Ev.CANCELED)
    assert Note.EXIT_REJECTED in d.notes()
    d.wait(1_100 * MS)
    again = d.take()
    assert (again.kind, again.ord_type, again.qty) == (Cmd.NEW, OrdType.SL, 10)


def test_what_the_broker_stored_is_what_we_know():
    d = EngineDriver()
    stop = d.opened()
    d.notes()
    d.say(stop, Ev.WORKING, qty=8)
    assert Note.READ_BACK in d.notes()
    assert d.b["protected_qty"] == 8
    assert d.take().qty == 10


def test_an_unknown_status_word_is_shown_and_looked_into():
    d = EngineDriver()
    stop = d.opened()
    d.notes()
    d.say(stop, Ev.UNKNOWN)
    assert Note.UNKNOWN_STATUS in d.notes()
    assert d.b["protected_qty"] == 0, "unknown is not protected"
    d.wait(100 * MS)
    assert d.take().kind == Cmd.LOOK
    d.book((stop, Ev.WORKING, {}))
    assert d.b["protected_qty"] == 10


def test_a_report_of_a_foreign_order_changes_nothing():
    d = EngineDriver()
    d.opened()
    before = d.b
    r = d.e.on_report(
        order_report(
            cl_ord_id="somebody",
            broker_order_id="X",
            ev=Ev.FILL_FULL,
            source=1,
            order_qty=5,
            cum_qty=5,
            cum_value_e4=5,
            price_e4=1,
            trigger_e4=0,
            ord_type=2,
            triggered=False,
            reason=0,
            ts_update_ns=0,
            ts_recv_ns=d.now,
        )
    )
    assert r == Reason.UNKNOWN_ORDER
    assert d.b == before


def test_a_changed_order_at_the_cap_is_replaced_by_a_new_one():
    d = EngineDriver()
    d.e.set_budget(modifies_per_order=0)
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_PART, 4, 1_000_000)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    cancel = d.take()
    assert (cancel.kind, cancel.order_slot) == (Cmd.CANCEL, stop.order_slot)
    d.ack(cancel)
    d.say(stop, Ev.CANCELED)
    new = d.take()
    assert (new.kind, new.qty, new.ord_type) == (Cmd.NEW, 10, OrdType.SL)


def test_tags_are_unique_and_fit_the_broker():
    d = EngineDriver(freeze_qty=1, plan={"size_value": 10.0})
    d.price(9_990).price(10_005)
    tags = [c.cl_ord_id for c in iter(d.e.take_command, None)]
    assert len(tags) == len(set(tags)) == 10
    assert all(len(t) == 19 and t.isalnum() and t.isupper() for t in tags)


def test_an_answer_that_nobody_gave_becomes_a_doubt():
    d = EngineDriver()
    d.enter()
    d.wait(9 * SECOND)
    assert d.e.order(0)["in_doubt"] == 0
    d.wait(2 * SECOND)
    assert (d.e.order(0)["in_doubt"], d.e.order(0)["pending"]) == (1, Pending.NEW)
    assert d.take().kind == Cmd.LOOK


def test_the_legs_are_told_by_the_tag():
    d = EngineDriver()
    stop = d.opened()
    assert d.e.order(0)["leg"] == Leg.ENTRY and d.e.order(0)["cl_ord_id"][12] == "E"
    assert d.e.order(stop.order_slot)["leg"] == Leg.STOP and stop.cl_ord_id[12] == "S"


def test_a_triggered_stop_that_trades_where_the_market_is_gets_a_moment():
    """Its fill is under way, and a change would only meet an order that has ended; a moment later
    it is chased.
    """
    d = EngineDriver()
    stop = d.opened()
    d.price(9_795)
    d.say(stop, Ev.WORKING, triggered=True)
    assert d.b["state"] == BracketState.EXITING
    d.wait(200 * MS).quiet()
    d.wait(200 * MS)
    assert d.take().ord_type == OrdType.LIMIT


def test_a_stop_whose_price_has_traded_is_chased_though_nobody_says_that_it_was_triggered():
    d = EngineDriver()
    d.opened()
    d.price(9_795)
    assert (d.b["protected_qty"], d.b["naked_since_ns"]) == (0, d.now)
    d.wait(400 * MS).quiet()
    d.wait(100 * MS)
    out = d.take()
    assert (out.kind, out.ord_type, out.qty) == (Cmd.REPLACE, OrdType.LIMIT, 10)


def test_time_without_a_stop_that_has_not_ended_is_told():
    """What never ends is the worst of all: every view has it, though no event has closed it."""
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    since = d.now
    d.wait(7 * SECOND)
    assert d.b["naked_total_ns"] == d.b["naked_worst_ns"] == d.now - since == 7 * SECOND
    counters = d.e.counters()
    assert counters["naked_ns_total"] == counters["naked_ns_worst"] == 7 * SECOND


def test_refusals_minutes_apart_are_not_in_a_row():
    """An entry that fills in pieces, each covered by a change; one change in several minutes is
    refused and then taken.
    """
    d = EngineDriver(plan={"entry_timeout_ns": 0})
    entry = d.enter()
    d.ack(entry)
    for filled in range(1, 7):
        d.say(entry, Ev.FILL_PART, filled, 1_000_000, after=60 * SECOND)
        cmd = d.take()
        if filled > 1:
            d.refuse(cmd)
            assert d.b["n_rejects"] == 1
            d.wait(1_100 * MS)
            cmd = d.take()
            assert (cmd.kind, cmd.qty) == (Cmd.REPLACE, filled)
        d.ack(cmd)
        d.say(cmd, Ev.WORKING)
        assert (d.b["n_rejects"], d.b["protected_qty"], d.b["state"]) == (
            0,
            filled,
            BracketState.OPEN,
        )


def test_placements_refused_minutes_apart_do_not_close_the_position():
    d = EngineDriver()
    stop = d.opened()
    for _ in range(4):
        d.say(stop, Ev.CANCELED, after=60 * SECOND)  # another hand
        d.wait(1_100 * MS)
        stop = d.take()
        assert (stop.kind, stop.ord_type) == (Cmd.NEW, OrdType.SL)
        d.ack(stop)
        d.say(stop, Ev.WORKING)
    assert d.b["state"] == BracketState.OPEN


def test_a_refused_target_neither_closes_a_covered_position_nor_delays_its_stop():
    d = EngineDriver(plan={"exit_mode": 1, "entry_timeout_ns": 0})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_PART, 4, 1_000_000)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    for n in range(1, 6):
        target = d.take()
        assert target.cl_ord_id[12] == "T"
        d.notes()
        d.refuse(target)
        assert d.notes() == [Note.TARGET_REFUSED], "the stop stands: no alarm that nothing protects"
        assert (d.b["n_target_rejects"], d.b["n_rejects"], d.b["state"]) == (
            n,
            0,
            BracketState.OPEN,
        )
        if n == 2:
            d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
            more = d.take()
            assert (more.kind, more.order_slot, more.qty) == (Cmd.REPLACE, stop.order_slot, 10), (
                "at once, whatever the target waits for"
            )
            d.ack(more)
            d.say(more, Ev.REPLACED)
            d.quiet()
        d.wait(30 * SECOND)
    target = d.take()
    d.ack(target)
    d.say(target, Ev.WORKING)
    assert d.b["n_target_rejects"] == 0


def test_a_target_that_the_broker_will_not_take_is_taken_by_the_stops_order():
    d = EngineDriver(plan={"exit_mode": 1})
    stop = d.opened_oco(refused=True)
    d.price(10_400)
    out = d.take()
    assert (out.kind, out.order_slot, out.ord_type) == (Cmd.REPLACE, stop.order_slot, OrdType.LIMIT)
    d.ack(out)
    d.say(out, Ev.FILL_FULL, 10, 1_040_000)
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.CLOSED, ExitReason.TARGET)


def test_being_processed_is_no_refusal_but_a_look_at_the_book():
    d = EngineDriver(plan=TRAIL)
    stop = d.opened()
    d.price(10_050)
    d.refuse(d.take(), Reason.BROKER_BUSY)
    assert (d.b["n_rejects"], d.b["retry_ns"], d.b["state"]) == (0, 0, BracketState.OPEN)
    d.quiet()  # nothing more is asked of the order
    d.wait(100 * MS)
    assert d.take().kind == Cmd.LOOK
    d.wait(100 * MS).quiet()
    d.book((stop, Ev.WORKING, {}))
    again = d.take()
    assert (again.kind, again.trigger_e4) == (Cmd.REPLACE, 985_000)
    # Or it has ended: then there is nothing to change.
    d.refuse(again, Reason.BROKER_BUSY)
    d.wait(2_100 * MS)
    assert d.take().kind == Cmd.LOOK
    d.book((stop, Ev.FILL_FULL, {"cum": 10, "px": 979_500, "triggered": True}))
    assert d.b["state"] == BracketState.CLOSED
    d.quiet()


def test_a_book_that_cannot_be_read_does_not_keep_a_busy_order_for_ever():
    d = EngineDriver(plan=TRAIL)
    d.opened()
    d.price(10_050)
    d.refuse(d.take(), Reason.BROKER_BUSY)
    d.wait(2_600 * MS)
    asked = [d.take(), d.take()]
    assert {cmd.kind for cmd in asked} == {Cmd.LOOK, Cmd.REPLACE}


def test_a_refused_cancel_is_not_sent_again_before_the_book_is_read():
    d = EngineDriver(plan={"entry_timeout_ns": 5 * SECOND})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    d.wait(6 * SECOND)
    d.refuse(d.take(), Reason.BROKER_BUSY)
    d.quiet()
    d.wait(100 * MS)
    assert d.take().kind == Cmd.LOOK
    d.book((entry, Ev.WORKING, {}))
    assert d.take().kind == Cmd.CANCEL


def reversing(d):
    """A position whose opposite signal waits for its exit."""
    d.opened()
    d.price(9_990)
    out = d.take()
    d.ack(out)
    return out


def test_a_waiting_reversal_expires():
    d = EngineDriver(
        plan={"on_opposite": 2, "target_kind": 0, "ladder_interval_ns": HOUR}
    )  # as long as an entry may wait to be filled
    out = reversing(d)
    d.notes()
    d.say(out, Ev.FILL_FULL, 10, 999_000, after=31 * SECOND)
    assert d.b["state"] == BracketState.CLOSED
    refused = [n for n in d.e.take_notices() if n["note"] == Note.SIGNAL_REFUSED]
    assert [(n["reason"], n["side"]) for n in refused] == [(Reason.REVERSE_EXPIRED, Side.SELL)]
    assert all(cmd.kind == Cmd.LOOK for cmd in iter(d.e.take_command, None))


@pytest.mark.parametrize(
    ("by", "why"), [("switch", Reason.DISABLED), ("pause", Reason.HALTED), ("halt", None)]
)
def test_a_waiting_reversal_obeys_switch_pause_and_halt(by, why):
    d = EngineDriver(plan={"on_opposite": 2, "target_kind": 0})
    out = reversing(d)
    if by == "switch":
        d.e.set_strategy_enabled(0, False)
    elif by == "pause":
        d.e.on_pause(True, d.now)
    else:
        d.e.on_halt(Halt.REDUCING, 0, d.now)
    d.notes()
    d.say(out, Ev.FILL_FULL, 10, 999_000)
    assert d.b["state"] == BracketState.CLOSED
    d.quiet()
    said = (Note.SIGNAL_REFUSED, Note.ENTRY_DROPPED)
    assert [n["reason"] for n in d.e.take_notices() if n["note"] in said] == ([why] if why else [])


def rejected(d, reason=Reason.EXCHANGE_REJECT):
    """A signal, and its entry rejected; False when nothing was sent."""
    d.price(9_990, after=SECOND)
    d.price(10_005)
    cmd = d.e.take_command()
    if cmd is None:
        return False
    d.ack(cmd)
    d.say(cmd, Ev.REJECTED, reason=reason)
    return True


def test_a_run_of_rejected_entries_has_a_brake():
    d = EngineDriver(params={"side_mask": 1})
    d.notes()
    sent = sum(rejected(d) for _ in range(400))  # 400 seconds in a ban
    assert sent == 3 + 2, "three, then one after a minute and one after two more"
    brakes = [n for n in d.e.take_notices() if n["note"] == Note.ENTRY_BRAKE]
    assert [(n["severity"], n["n_rejected"], n["pause_ns"]) for n in brakes] == [
        (3, 3, 60 * SECOND),
        (1, 4, 120 * SECOND),
        (1, 5, 240 * SECOND),
    ]
    assert d.e.take_signals()[-1]["reason"] == Reason.ENTRY_BRAKE
    # The ban is over: the first entry that the exchange takes ends all of it.
    d.wait(240 * SECOND)
    while d.e.take_command() is not None:
        pass
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    assert (d.e.strategy(0)["entry_rejects"], d.e.strategy(0)["brake_until_ns"]) == (0, 0)


def test_slices_of_one_decision_are_one_step_of_the_brake():
    d = EngineDriver(freeze_qty=1, params={"side_mask": 1})
    d.price(9_990).price(10_005)
    entries = list(iter(d.e.take_command, None))
    assert len(entries) == 10
    for cmd in entries:
        d.ack(cmd)
        d.say(cmd, Ev.REJECTED, reason=Reason.EXCHANGE_REJECT)
    assert d.e.strategy(0)["brake_until_ns"] - d.now < 60 * SECOND


def test_another_instruments_entries_are_not_braked():
    d = EngineDriver(instruments=2, params={"side_mask": 1})
    while rejected(d):
        pass
    for px in (9_990, 10_005):
        d.e.on_frame_bytes(frame(packet(token_of(1), px)), d.now)
    assert d.take().instrument_id == 1


def test_the_reason_is_that_of_the_fill_that_closed():
    """A target in part, and then the stop: that is the stop, with its cool-down."""
    d = EngineDriver(plan={"cooldown_ns": 60 * SECOND})
    d.opened()
    d.price(10_400)
    target = d.take()
    d.ack(target)
    d.say(target, Ev.WORKING)
    d.say(target, Ev.FILL_PART, 4, 1_040_000)
    d.price(10_380)
    back = d.take()
    d.ack(back)
    d.say(back, Ev.WORKING, cum=4, px=1_040_000)
    d.say(back, Ev.FILL_FULL, 10, 0, value=4 * 1_040_000 + 6 * 979_500, triggered=True)
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.CLOSED, ExitReason.STOP)
    assert d.e.strategy(0)["cooldown_until_ns"] == d.now + 60 * SECOND


def test_a_target_in_part_and_then_a_flatten_is_a_flatten():
    d = EngineDriver()
    d.opened()
    d.price(10_400)
    target = d.take()
    d.ack(target)
    d.say(target, Ev.WORKING)
    d.say(target, Ev.FILL_PART, 4, 1_040_000)
    d.e.on_flatten(-1, d.now)
    out = d.take()
    d.ack(out)
    d.say(out, Ev.FILL_FULL, 10, 0, value=4 * 1_040_000 + 6 * 1_039_000)
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.CLOSED, ExitReason.FLATTEN)
