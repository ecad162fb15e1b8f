"""Everything that the core counts is counted again, from what was asked of the exchange and what it
said: random lives of brackets (`campaign.py`) with a second set of books beside the core's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pytest

from otrade._core.types import BracketState, Cmd, Leg, Note, OrdStatus, OrdType, Side
from tests.core.orders.campaign import FINAL, PLANS, CampaignRun
from tests.harness.core_engine import MS, PLAN, SECOND

MINUTE = 60 * SECOND
TICK = 500
SEQUENCES = 60
STEPS = 20
LEGS_IN = (Leg.ENTRY, Leg.FIX)


class WatchedEngine:
    """The engine, with every request of it and every word to it written down."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.now = 0
        self.sent: list[tuple[int, Any]] = []
        self.n_reports = 0
        self.told: dict[str, dict[int, int]] = defaultdict(dict)
        """Value by filled quantity, of each tag, as reports have told."""
        self.notices: list[dict[str, Any]] = []
        self.peak_e4 = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def _after(self) -> None:
        self.peak_e4 = max(self.peak_e4, self.engine.risk()["pnl_e4"])
        self.notices += self.engine.take_notices()

    def on_report(self, report: Any) -> int:
        self.n_reports += 1
        self.told[report.cl_ord_id][report.cum_qty] = report.cum_value_e4
        reason: int = self.engine.on_report(report)
        self._after()
        return reason

    def on_timer(self, now: int) -> None:
        self.now = now
        self.engine.on_timer(now)
        self._after()

    def on_frame_bytes(self, data: bytes, now: int) -> None:
        self.now = now
        self.engine.on_frame_bytes(data, now)
        self._after()

    def on_flatten(self, instrument_id: int, now: int) -> None:
        self.now = now
        self.engine.on_flatten(instrument_id, now)
        self._after()

    def take_command(self) -> Any:
        cmd = self.engine.take_command()
        if cmd is not None and cmd.kind != Cmd.LOOK:
            self.sent.append((cmd.order_slot, cmd))
        return cmd


class RecountedRun(CampaignRun):
    """A life in which all books are compared after every step."""

    def __init__(self, seed: int, plan: dict[str, Any], **engine: Any) -> None:
        super().__init__(seed, plan, **engine)
        self.plan = {**PLAN, **plan}
        self.engine = self.watched = WatchedEngine(self.engine)
        self.prices: list[int] = []
        self.times: list[tuple[int, int]] = []
        self.stops: dict[int, int] = {}
        self.asked: dict[int, list[Any]] = defaultdict(list)
        self.n_seen = 0
        self.slice_qty = engine.get("freeze_qty") or 10

    def begin(self, seed: int) -> None:
        self.prices = []
        super().begin(seed)

    def price(self, px_e4: int) -> None:
        super().price(px_e4)
        self.prices.append(self.ex.price)
        position = self.engine.position(0)
        assert not position["net_qty"] or position["mark_e4"] == self.ex.price

    def carry(self) -> None:
        super().carry()
        for slot, cmd in self.watched.sent[self.n_seen :]:
            self.asked[slot].append(cmd)
            self.times.append((self.engine.order(slot)["ts_intent_ns"], cmd.kind))
            self.check_request(slot, cmd)
        self.n_seen = len(self.watched.sent)

    def check_request(self, slot: int, cmd: Any) -> None:
        """What is asked, against the bracket that it is for."""
        order = self.engine.order(slot)
        b = self.engine.bracket(order["bracket_id"])
        leg = order["leg"]
        assert cmd.instrument_id == 0
        assert cmd.cl_ord_id[12] == "ESTF"[leg]
        assert cmd.side == (b["side"] if leg in LEGS_IN else -b["side"])
        if cmd.kind == Cmd.CANCEL:
            return
        if cmd.kind == Cmd.REPLACE:
            assert cmd.broker_order_id == order["broker_order_id"] != ""
        assert cmd.qty > 0 and cmd.price_e4 % TICK == 0 and cmd.trigger_e4 % TICK == 0
        if leg == Leg.ENTRY:
            left = 10 - b["slice_no"] * self.slice_qty
            assert (cmd.kind, cmd.qty) == (Cmd.NEW, min(left, self.slice_qty))
            # 5 bps through the price that was the last one then, outwards to the tick
            px = self.ex.price
            assert 0 <= (cmd.price_e4 - px) * cmd.side - px * 5 // 10_000 <= TICK
        if cmd.ord_type == OrdType.SL:
            assert leg == Leg.STOP and cmd.trigger_e4 == b["stop_e4"]
            through = (cmd.trigger_e4 - cmd.price_e4) * b["side"]
            assert 0 <= through * 10_000 - 20 * cmd.trigger_e4 < TICK * 10_000

    def check(self) -> None:
        super().check()
        e = self.watched
        orders = [e.order(slot) for slot in range(e.n_orders)]
        brackets = [e.bracket(i) for i in range(e.n_brackets)]
        self.check_orders(orders)
        self.check_money(orders, brackets)
        self.check_counts(orders, brackets)
        for i in range(self.first_bracket, e.n_brackets):
            self.check_levels(i, brackets[i])

    def check_orders(self, orders: list[dict[str, Any]]) -> None:
        """Each order: fills as the reports told, terms as they were asked for."""
        for slot, order in enumerate(orders):
            told = self.watched.told.get(order["cl_ord_id"], {0: 0})
            most = max(told)
            assert order["cum_qty"] == most
            assert order["cum_value_e4"] == told[most]
            asked = [cmd for cmd in self.asked[slot] if cmd.kind != Cmd.CANCEL]
            last = asked[-1]
            assert order["n_modifies"] == len(asked) - 1
            assert order["side"] == last.side
            terms = [order[f"req_{name}"] for name in ("qty", "price_e4", "trigger_e4", "type")]
            assert terms == [last.qty, last.price_e4, last.trigger_e4, last.ord_type]
            if order["ord_status"] == OrdStatus.FILLED:
                assert order["cum_qty"] == order["order_qty"]

    def check_money(self, orders: list[dict[str, Any]], brackets: list[dict[str, Any]]) -> None:
        """Position, brackets and the day's profit are sums over orders."""
        qty, value = Counter[int](), Counter[int]()
        of: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for order in orders:
            qty[order["side"]] += order["cum_qty"]
            value[order["side"]] += order["cum_value_e4"]
            of[order["bracket_id"]].append(order)
        position, risk = self.engine.position(0), self.engine.risk()
        net = qty[Side.BUY] - qty[Side.SELL]
        pnl = value[Side.SELL] - value[Side.BUY] + net * position["mark_e4"]
        if net:  # by the last price, or by the fill that opened it since
            assert min(self.prices) <= position["mark_e4"] <= max(self.prices)
        assert position["net_qty"] == net
        assert (position["buy_qty"], position["sell_qty"]) == (qty[Side.BUY], qty[Side.SELL])
        assert position["buy_value_e4"] == value[Side.BUY]
        assert position["sell_value_e4"] == value[Side.SELL]
        assert position["pnl_e4"] == risk["pnl_e4"] == pnl
        assert risk["peak_e4"] == self.watched.peak_e4
        assert risk["drawdown_e4"] == risk["peak_e4"] - pnl
        rounded = sum(order["cum_qty"] > 0 for order in orders)
        assert (risk["n_rounded"], risk["n_unvalued"]) == (rounded, 0)
        for i in range(self.first_bracket, len(brackets)):
            b = brackets[i]
            entries = [o for o in of[i] if o["leg"] == Leg.ENTRY]
            exits = [o for o in of[i] if o["leg"] in (Leg.STOP, Leg.TARGET)]
            fixes = [o for o in of[i] if o["leg"] == Leg.FIX]
            for name, rows, back in (("entry", entries, []), ("exit", exits, fixes)):
                for what in ("qty", "value_e4"):
                    total = sum(o[f"cum_{what}"] for o in rows)
                    total -= sum(o[f"cum_{what}"] for o in back)
                    assert b[f"{name}_{what}"] == total, (name, what)
            assert b["open_qty"] == b["entry_qty"] - b["exit_qty"]
            assert b["n_orders"] == len(of[i])

    def check_counts(self, orders: list[dict[str, Any]], brackets: list[dict[str, Any]]) -> None:
        e, now = self.watched, self.now
        risk, counters, budget = e.risk(), e.counters(), e.budget()
        live = [b for b in brackets if b["state"] != BracketState.CLOSED]
        assert e.n_live == len(live)
        assert risk["open_positions"] == bool(live)
        filled = {b["decision"] for b in brackets if b["entry_qty"] > 0}
        assert risk["trades"] == len(filled)
        doubts = sum(order["in_doubt"] for order in orders)
        assert risk["n_in_doubt"] == e.instrument(0)["n_in_doubt"] == doubts
        placed = sum(kind == Cmd.NEW for _, kind in self.times)
        assert counters["orders"] == budget["day_used"] == len(orders) == placed
        assert counters["reports"] == e.n_reports
        assert counters["illegal_events"] == 0
        recent = [at for at, _ in self.times[-400:]]
        assert budget["second_used"] == sum(at > now - SECOND for at in recent)
        assert budget["minute_used"] == sum(at > now - MINUTE for at in recent)
        minute = now // MINUTE
        window = sum(at // MINUTE >= minute - 30 for at, _ in self.times)
        assert budget["half_hour_used"] == window
        for order in orders:
            if order["ord_status"] in FINAL:
                assert not order["in_doubt"]
        strategy = e.strategy(0)
        assert strategy["n_open"] == len(live)

    def check_levels(self, i: int, b: dict[str, Any]) -> None:
        """Stop two rupees behind the entry and target four before it, as the plan of each life says;
        a stop that trails never goes back.
        """
        if not b["entry_qty"] or b["state"] == BracketState.CLOSED:
            return
        entry = (b["entry_value_e4"] + b["entry_qty"] // 2) // b["entry_qty"]
        distance = round(self.plan["stop_value"] * 10_000)
        if b["n_stop_moves"] == 0:
            off = (entry - b["stop_e4"]) * b["side"] - distance
            assert abs(off) < TICK and b["stop_e4"] % TICK == 0
            assert b["initial_stop_e4"] == b["stop_e4"]
            self.stops.pop(i, None)
        else:
            before = self.stops.get(i, b["initial_stop_e4"])
            assert (b["stop_e4"] - before) * b["side"] >= 0
            trail = round(self.plan.get("trail_value", 0) * 10_000)
            step = round(self.plan.get("trail_step_value", 0) * 10_000)
            behind = (b["best_e4"] - b["stop_e4"]) * b["side"]
            assert trail - TICK < behind < trail + step + TICK
            self.stops[i] = b["stop_e4"]
        if self.plan["target_kind"]:
            off = (b["target_e4"] - entry) * b["side"] - round(self.plan["target_value"] * 10_000)
            assert abs(off) < TICK and b["target_e4"] % TICK == 0
        else:
            assert b["target_e4"] == 0

    def finish(self) -> None:
        super().finish()
        self.check()
        e = self.watched
        told: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in e.notices:
            told[row["note"]].append(row)
        e.notices.clear()
        filled = sum(row["qty"] for row in told[Note.ENTRY_FILLED])
        closed = [e.bracket(i) for i in range(self.first_bracket, e.n_brackets)]
        assert filled == sum(b["entry_qty"] for b in closed)
        assert sum(row["value_e4"] for row in told[Note.ENTRY_FILLED]) == sum(
            b["entry_value_e4"] for b in closed
        )
        last = {row["bracket_id"]: row for row in told[Note.BRACKET_CLOSED]}
        for i, b in enumerate(closed, self.first_bracket):
            assert last[i]["pnl_e4"] == b["pnl_e4"]
            assert last[i]["exit_reason"] == b["exit_reason"]
            assert last[i]["naked_ns"] == b["naked_total_ns"]
            assert b["naked_total_ns"] >= b["naked_worst_ns"] >= 0
            assert (b["ts_close_ns"] > 0, b["open_qty"], b["naked_since_ns"]) == (True, 0, 0)
        times = [row["ts_ns"] for row in told[Note.BRACKET_CLOSED]]
        assert all(a <= b for a, b in pairwise(times))


@pytest.mark.parametrize("plan", PLANS)
def test_all_books_are_those_of_the_exchange(plan: str) -> None:
    for first in range(1, SEQUENCES, 6):
        print("seeds", first, "to", first + 5)
        world = RecountedRun(first, PLANS[plan])
        for seed in range(first, first + 6):
            world.run(seed, STEPS)


def test_slices_have_the_same_books() -> None:
    world = RecountedRun(1, PLANS["stop resting"], freeze_qty=4)
    for seed in range(1, 7):
        world.run(seed, STEPS)


def test_the_naked_clock_runs_by_the_engines_time() -> None:
    """Its worst and its sum, over a life, are the stretches between `naked_since_ns` and its end."""
    world = RecountedRun(3, PLANS["stop resting"])
    world.run(3, STEPS)
    counters = world.engine.counters()
    brackets = [world.engine.bracket(i) for i in range(world.engine.n_brackets)]
    assert counters["naked_ns_total"] == sum(b["naked_total_ns"] for b in brackets)
    assert counters["naked_ns_worst"] == max(b["naked_worst_ns"] for b in brackets)
    assert counters["target_ns_total"] == sum(b["target_total_ns"] for b in brackets)
    assert counters["naked_ns_worst"] >= MS
