"""Random event sequences against the bracket supervisor, with an exchange as the oracle. Used by
the tests and by hand:

    python -m tests.core.orders.campaign --sequences 100000 --seed 1 [--only N]

Every sequence is one life of a strategy: prices move, answers are lost, pushes are late, doubled
and out of order, orders fill in pieces, requests are refused. Checked after every event: the
exchange never holds more exits than open quantity, never two live exits of a bracket, no tag twice;
the core's books add up; whatever is open is covered, or a request is on its way, or a refusal is
being waited out. Checked at the end, once everything has been delivered: protected == open, the
position and the cash are the exchange's to the last paisa.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from typing import Any

from otrade._core.types import (
    BracketState,
    Cmd,
    Ev,
    ExitReason,
    Leg,
    OrdStatus,
    OrdType,
    Pending,
    Reason,
)
from tests.harness.core_engine import (
    MS,
    OPEN_NS,
    SECOND,
    ScriptedExchange,
    frame,
    make_engine,
    order_report,
    packet,
    token_of,
)

ROUNDS_MAX = 300
FINAL = {
    OrdStatus.FILLED,
    OrdStatus.CANCELED,
    OrdStatus.REJECTED,
    OrdStatus.EXPIRED,
    OrdStatus.DENIED,
    OrdStatus.ABSENT,
}


class CampaignRun:
    """One engine for many sequences (slots are plenty), one exchange for each."""

    def __init__(self, seed: int, plan: dict[str, Any], **engine: Any) -> None:
        self.engine = make_engine(plan=plan, **engine)
        self.oco = plan.get("exit_mode", 0) == 1
        self.now = OPEN_NS + SECOND
        self.seen = Counter[str]()
        self.first_bracket = 0
        self.ex = ScriptedExchange(random.Random(seed))
        self.rng = random.Random(seed)
        self.faults = True
        self.engine_net0 = self.engine_cash0 = 0

    def begin(self, seed: int) -> None:
        self.rng = random.Random(f"sequence {seed}")
        self.ex = ScriptedExchange(self.rng, price=1_000_000)
        self.first_bracket = self.engine.n_brackets
        self.faults = True
        position = self.engine.position(0)
        assert position["net_qty"] == 0
        self.engine_cash0 = position["sell_value_e4"] - position["buy_value_e4"]
        self.now += 60 * SECOND
        self.price(999_000 if self.rng.random() < 0.5 else 1_001_000)

    # ------------------------------------------------------------------------------------------------
    # what may happen
    def price(self, px_e4: int) -> None:
        self.seen["price"] += 1
        px_e4 = max(px_e4 // 500 * 500, 500)
        self.ex.move(px_e4)
        self.engine.on_frame_bytes(frame(packet(token_of(0), px_e4 // 100)), self.now)
        self.carry()

    def carry(self) -> None:
        """Take the engine's commands to the exchange; the answer goes into the mail, or is lost."""
        while (cmd := self.engine.take_command()) is not None:
            if cmd.kind == Cmd.LOOK:
                rows = [self.ex.say(o, source=2) for o in self.ex.orders.values()]
                self.ex.mail.append(("book", {"asked": self.now, "rows": rows}))
                continue
            roll = self.rng.random() if self.faults else 1.0
            answer = {"seq": cmd.seq, "outcome": Ev.ACK, "reason": 0, "number": cmd.broker_order_id}
            if roll < 0.03:
                self.seen["lost request"] += 1
                answer["outcome"] = Ev.TIMEOUT
            elif roll < 0.08:
                self.seen["refused"] += 1
                answer.update(outcome=Ev.REFUSED, reason=Reason.BROKER_ORDER)
            else:
                known = set(self.ex.orders)
                refusal = self.ex.take(cmd)
                if cmd.kind == Cmd.NEW:
                    answer["number"] = next(iter(set(self.ex.orders) - known))
                if refusal:
                    answer.update(outcome=Ev.REFUSED, reason=Reason.BROKER_ORDER)
                    self.seen["too late"] += 1
                elif roll < 0.13:
                    self.seen["lost answer"] += 1
                    answer.update(outcome=Ev.TIMEOUT, number="")
                elif roll < 0.15 and cmd.kind == Cmd.NEW:
                    o = self.ex.orders[answer["number"]]
                    if o.live and o.cum == 0:
                        self.seen["rejected by the exchange"] += 1
                        o.status = "REJECTED"
                        self.ex.push(o)
            self.ex.mail.append(("answer", answer))

    def deliver(self, at: int, *, keep: bool = False) -> None:
        kind, body = self.ex.mail[at] if keep else self.ex.mail.pop(at)
        engine = self.engine
        if kind == "report":
            engine.on_report(order_report(**body, ts_recv_ns=self.now))
        elif kind == "answer":
            if keep:
                return  # a broker answers once
            engine.on_sent(body["seq"], self.now)
            engine.on_answer(
                body["seq"],
                body["outcome"],
                broker_order_id=body["number"],
                reason=body["reason"],
                ts_ns=self.now,
            )
        elif not keep:
            engine.on_book_begin(body["asked"])
            for row in body["rows"]:
                engine.on_report(order_report(**row, ts_recv_ns=self.now))
            engine.on_book_end(self.now)
        self.carry()

    def tick(self, ns: int) -> None:
        self.now += ns
        self.engine.on_timer(self.now)
        self.carry()

    def step(self) -> None:
        rng, ex = self.rng, self.ex
        roll = rng.random()
        self.now += rng.randint(1, 400) * MS
        if ex.mail and roll < 0.55:
            if roll < 0.40:
                self.deliver(0)
            elif roll < 0.48:
                self.seen["out of order"] += 1
                self.deliver(rng.randrange(len(ex.mail)))
            else:
                self.seen["doubled"] += 1
                self.deliver(rng.randrange(len(ex.mail)), keep=True)
        elif roll < 0.85:
            jump = 40_000 if rng.random() < 0.05 else 8_000
            self.price(ex.price + rng.randint(-jump, jump))
        elif roll < 0.98:
            self.tick(rng.choice((100 * MS, SECOND, 3 * SECOND)))
        elif roll < 0.99:
            self.engine.on_flatten(-1, self.now)
            self.carry()
        else:
            self.engine.on_feed(rng.random() < 0.9, self.now)
            self.carry()
        self.tick(0)
        self.check()

    # ------------------------------------------------------------------------------------------------
    # what must hold
    def check(self) -> None:
        at_exchange: dict[int, list[int]] = {}
        for o in self.ex.orders.values():
            book = at_exchange.setdefault(int(o.tag[8:12], 36), [0, 0, 0])
            if o.tag[12] in "EF":
                book[0] += o.cum
            else:
                book[0] -= o.cum
                if o.live:
                    book[1] += o.qty - o.cum
                    book[2] += 1
        if not self.oco:
            for bracket, (open_qty, exits, n_exits) in at_exchange.items():
                assert open_qty >= 0, f"bracket {bracket}: more left than was open"
                assert exits <= open_qty, f"bracket {bracket}: exits for {exits} of {open_qty} open"
                assert n_exits <= 1, f"bracket {bracket}: {n_exits} live exits"
        for i in self.engine.live_brackets():
            self.check_bracket(self.engine.bracket(i))

    def check_bracket(self, b: dict[str, Any]) -> None:
        orders, slot = [], b["order_head"]
        while slot >= 0:
            orders.append(self.engine.order(slot))
            slot = orders[-1]["next"]
        signed = {Leg.ENTRY: 1, Leg.FIX: 1, Leg.STOP: -1, Leg.TARGET: -1}
        assert b["open_qty"] == sum(signed[o["leg"]] * o["cum_qty"] for o in orders)
        working = [
            o
            for o in orders
            if o["leg"] == Leg.STOP
            and o["ord_status"] in (OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED)
        ]
        # A stop covers while it waits for its trigger: not once that has traded, and not while it
        # is being cancelled.
        stops = [
            o
            for o in working
            if o["ord_type"] == OrdType.SL and not o["triggered"] and o["pending"] != Pending.CANCEL
        ]
        covered = min(sum(o["order_qty"] - o["cum_qty"] for o in stops), max(b["open_qty"], 0))
        ltp = self.engine.market(0)["ltp_e4"]
        if ltp <= b["stop_e4"] if b["side"] == 1 else ltp >= b["stop_e4"]:
            covered = 0
        assert b["protected_qty"] == covered
        naked = b["open_qty"] != 0 and covered != b["open_qty"]
        at_target = (
            naked
            and b["target_armed"]
            and b["state"] == BracketState.OPEN
            and b["open_qty"] > 0
            and any(
                o["ord_type"] == OrdType.LIMIT and o["order_qty"] - o["cum_qty"] >= b["open_qty"]
                for o in working
            )
        )
        clocks = b["naked_since_ns"] != 0, b["target_since_ns"] != 0
        assert clocks == (naked and not at_target, at_target), (
            f"the clocks of what has no stop: {clocks}"
        )
        if naked and b["open_qty"] > 0:
            asked = [o for o in orders if o["pending"] != Pending.NONE]
            exits = [o for o in orders if o["leg"] != Leg.ENTRY and o["ord_status"] not in FINAL]
            on_the_way_out = (
                b["state"] == BracketState.EXITING
                or b["target_armed"]
                or (
                    # The stop's price has just traded: the exchange's own order is the way out, and
                    # its fill is awaited.
                    b["stop_crossed_ns"] != 0 and self.now < b["stop_crossed_ns"] + 500 * MS
                )
            )
            assert (
                asked
                or (exits and on_the_way_out)
                or any(o["ord_status"] in (OrdStatus.UNKNOWN, OrdStatus.PENDING_NEW) for o in exits)
                or b["retry_ns"] > self.now
            ), f"open {b['open_qty']}, covered {covered}, and nothing is done about it: {b}"

    def finish(self) -> None:
        """Deliver everything, lose nothing more: every open quantity must end protected, then
        everything flat.
        """
        self.faults = False
        self.ex.partial = 0.0
        self.engine.on_feed(True, self.now)
        self.settle()
        for i in self.engine.live_brackets():
            b = self.engine.bracket(i)
            if (
                b["state"] == BracketState.OPEN
                and not b["target_armed"]
                and b["stop_crossed_ns"] == 0
            ):
                assert b["protected_qty"] == b["open_qty"], b
        self.engine.on_flatten(-1, self.now)
        for _ in range(60):
            self.settle()
            if not self.engine.live_brackets():
                break
        assert not self.engine.live_brackets(), [
            self.engine.bracket(i) for i in self.engine.live_brackets()
        ]
        position = self.engine.position(0)
        assert position["net_qty"] == self.ex.net == 0
        cash = position["sell_value_e4"] - position["buy_value_e4"] - self.engine_cash0
        assert cash == self.ex.cash
        closed = [self.engine.bracket(i) for i in range(self.first_bracket, self.engine.n_brackets)]
        assert sum(b["pnl_e4"] for b in closed) == cash
        self.seen["brackets"] += len(closed)
        for b in closed:
            self.seen[f"exit {ExitReason(b['exit_reason']).name}"] += 1

    def settle(self) -> None:
        """Let time pass until nothing is said any more: longer than any pause, look or ladder step."""
        quiet = 0
        for _ in range(ROUNDS_MAX):
            if quiet == 4:
                return
            quiet = 0 if self.ex.mail else quiet + 1
            while self.ex.mail:
                self.now += MS
                self.deliver(0)
            self.tick(2_500 * MS)
            self.price(self.ex.price)
        raise AssertionError(
            f"after {ROUNDS_MAX} rounds in which nothing new happened the engine still asks for more"
        )

    def run(self, seed: int, steps: int) -> None:
        self.begin(seed)
        try:
            for _ in range(steps):
                self.step()
            self.finish()
        except AssertionError as err:
            raise AssertionError(f"sequence seed {seed}: {err}") from err


PLANS: dict[str, dict[str, Any]] = {
    "stop resting": {},
    "trailing": {"trail_kind": 2, "trail_value": 2.0, "trail_step_value": 0.5, "target_kind": 0},
    "no target, reverse": {"target_kind": 0, "on_opposite": 2},
    "tight, many changes": {"stop_value": 0.5, "target_value": 0.5, "hysteresis_bps": 1.0},
    "oco": {"exit_mode": 1},
}


def campaign(first_seed: int, sequences: int, steps: int, plan: str, **engine: Any) -> Counter[str]:
    """Run sequences first_seed..first_seed+sequences-1 and return what happened, counted."""
    seen = Counter[str]()
    world: CampaignRun | None = None
    for seed in range(first_seed, first_seed + sequences):
        if world is None or world.engine.n_brackets > 1500 or world.engine.n_orders > 30_000:
            if world is not None:
                seen += world.seen
            world = CampaignRun(seed, PLANS[plan], **engine)
        world.run(seed, steps)
    return seen + (world.seen if world else Counter())


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--sequences", type=int, default=20_000)
    ap.add_argument("--steps", type=int, default=30)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--plan", choices=PLANS, default=None)
    args = ap.parse_args()
    for plan in [args.plan] if args.plan else PLANS:
        print(plan, dict(campaign(args.seed, args.sequences, args.steps, plan)))


if __name__ == "__main__":
    main()
