"""The judge: what must hold, seen from the exchange's own books. It knows tags and orders, and
nothing of the engine's mind.

A bracket is the run and number in its orders' tags. Its open quantity is what its entries (and
undoing orders) filled less what its exits did; its cover is what its live exits would still trade.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from otrade.drill.bounds.allowance import Allowances
from otrade.drill.bounds.stretches import Stretches, add_stretch
from otrade.drill.person import Person
from otrade.drill.scenario import Scenario, StrategyDraw
from otrade.simulator.exchange.orders import Order
from otrade.simulator.simulator import Simulator

SECOND = 1_000_000_000
NOTICED_S = 5.0
"""A halt's cancels, and a foreign position, reach whom they concern within this, troubles apart."""
OUT_S = 20.0
"""A position that a person closes is out within this, troubles apart."""
BLIND = frozenset(
    {
        "silence_feed",
        "cut_feed",
        "cut_mid_frame",
        "half_open",
        "kill",
        "token",
        "clock_step",
        "cap_day",
        "lose_429",
    }
)
"""Troubles in which the engine may not know the best price, or may not send for long: where the
trail is then, it cannot know.
"""
TRAIL_S = 45.0
"""For how long a stop may stand far behind its level: a renewal waits half a minute, and its
requests their budget.
"""
TRAIL_PART = 0.6
"""Of the trail, beyond a step: further behind is far. The engine sees a price a frame, and the
exchange each trade.
"""
AT_ONCE = frozenset(
    {"cap_modifications", "gap", "reject_targets", "reject_entries", "push_doubled", "cut_fills"}
)
"""Troubles that keep no change of a stop waiting."""
BRAKE_AFTER = 3
BRAKE_S = 55.0
"""Decisions to enter that may be rejected one after another, and for how long at least nothing is
entered then.
"""
EXCEED_S = 20.0
"""For how long an over-exit may stand, where a trouble can cause one at all."""


class Violation(AssertionError):
    """Something that must never happen, in words."""


def leg_of(order: Order) -> str:
    """What it is to its bracket. What a person has taken over was somebody else's: an entry."""
    return order.tag[12] if order.tag else "E"


@dataclass(slots=True)
class JudgedBracket:
    """One bracket at the exchange."""

    tag: str
    orders: list[Order] = field(default_factory=list)
    side: int = 0
    open_qty: int = 0
    cover_qty: int = 0
    n_live_exits: int = 0
    is_done: bool = False
    """Flat, and none of its orders is live: only an event at the exchange can change it."""
    levels: deque[tuple[int, int]] = field(default_factory=deque)
    """(since when, open quantity up to which) for what is open and not covered yet, oldest first:
    an entry that goes on filling is not uncovered for as long as it fills, but each of its units is
    until its own cover has come.
    """
    bare_ns: int = 0
    """Not wholly covered since then; 0: covered."""
    exceeded_ns: int = 0
    open_since_ns: int = 0
    best_e4: int = 0
    """The best price since it was opened, as long as a stop waits."""
    behind_ns: int = 0
    """Its stop is further behind that than its trail, since then."""

    @property
    def entry_e4(self) -> float:
        """What its entry has paid on average."""
        entries = [order for order in self.orders if leg_of(order) == "E"]
        qty = sum(order.filled_qty for order in entries)
        return sum(order.filled_value_e4 for order in entries) / qty if qty else 0.0

    @property
    def live_exits(self) -> list[Order]:
        return [order for order in self.orders if leg_of(order) in "ST" and not order.is_final]

    def check(self) -> None:
        """Add up its orders."""
        self.open_qty = self.cover_qty = self.n_live_exits = 0
        is_live = False
        for order in self.orders:
            if leg_of(order) == "E":
                self.side = order.side
        for order in self.orders:
            leg = leg_of(order)
            self.open_qty += order.side * self.side * order.filled_qty
            if order.is_final:
                continue
            is_live = True
            if leg in "ST":
                self.cover_qty += order.leaves_qty
                self.n_live_exits += 1
        self.is_done = (
            self.open_qty == 0 and not is_live and not self.bare_ns and not self.exceeded_ns
        )


@dataclass(slots=True)
class Worst:
    """What a session showed at its worst, in simulated nanoseconds."""

    uncovered_ns: int = 0
    exceeded_ns: int = 0
    total_uncovered_ns: int = 0
    """Added up over all brackets."""
    stretches: Stretches = field(default_factory=Counter)


class Oracle:
    """Checks after every event. Raises Violation."""

    def __init__(
        self,
        sim: Simulator,
        scenario: Scenario,
        person: Person,
        carried: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        """`carried`: what the account held in the morning, by instrument and product."""
        self.person = person
        self._sim = sim
        self._scenario = scenario
        self._brackets: dict[str, JudgedBracket] = {}
        self._tags: set[str] = set()
        self._n_orders = 0
        self._bound_ns = round(scenario.bound_s * SECOND)
        self._oco = scenario.is_oco
        self._allowances: Allowances
        self._base_ns = round(scenario.base_s * SECOND)
        self._late_ns = max(
            (
                round(event.args["s"] * SECOND)
                for event in scenario.events
                if event.kind == "answer_late"
            ),
            default=0,
        )
        """So late may the exchange carry out what was sent before."""
        self._n_late = sum(
            event.args["count"] for event in scenario.events if event.kind == "answer_late"
        )
        """So many orders: the engine may have learnt that they never arrived before they are rejected."""
        self._left_ns: list[int] = []
        self._out_ns = round((OUT_S + scenario.out_s) * SECOND)
        self._wishes: dict[str, list[StrategyDraw]] = {}
        """Strategies by the instrument that they trade; known once the exchange has listed its
        contracts.
        """
        kinds = {event.kind for event in scenario.events}
        self._trail_ns = round(TRAIL_S * SECOND) + (0 if kinds <= AT_ONCE else self._bound_ns)
        self._is_blind = bool(BLIND & kinds) or scenario.is_blind_by_feed
        self._rejected: dict[str, list[int]] = {}
        """When entries were rejected in a row, by instrument: one for each decision. One that is
        not rejected forgets them.
        """
        self._entries: list[Order] = []
        self.worst = Worst()
        self.halted_since_ns = 0
        """A person has halted the engine then; 0: it may trade."""
        self.strange_since_ns: dict[str, int] = {}
        """Instruments with a position that is not the engine's, since when."""
        self._carried = {key: qty for (key, _), qty in (carried or {}).items()}
        self._closed: list[tuple[Order, int]] = []
        """Orders of others, and how many units of ours each has closed."""
        self._taken: dict[str, JudgedBracket] = {}
        """What a person has taken over, by the id of the order that had traded it."""

    def begin(self, open_ns: int) -> None:
        """The session's first moment is known."""
        self._allowances = Allowances(
            self._base_ns,
            self._scenario.allowances(open_ns),
            self._sim.faults.strikes,
        )

    def _known_ns(self, since_ns: int) -> int:
        """By when the engine must have heard of what happened then, and acted on it."""
        return self._allowances.due_ns(since_ns) + round(NOTICED_S * SECOND)

    def was_known(self, since_ns: int, order: Order) -> bool:
        """Must whoever sent an order have known of what had happened then?"""
        return order.ts_placed_ns - self._late_ns > self._known_ns(since_ns)

    def sent_ns(self, order: Order) -> int:
        """It has left no earlier than that."""
        return order.ts_placed_ns - self._late_ns - SECOND

    def leave(self, now_ns: int) -> None:
        """A person closes everything that is open now."""
        self._left_ns.append(now_ns)

    def take_over(self, order: Order) -> None:
        """What this order of somebody else has traded is the engine's from now on."""
        bracket = JudgedBracket(f"of {order.order_id}", [order])
        self._taken[order.order_id] = self._brackets[bracket.tag] = bracket
        self._take_closings()  # what was strange there is not any more

    def _named(self, order: Order) -> None:
        """The first exit of what was taken over tells its tag."""
        for bracket in self._taken.values():
            entry = bracket.orders[0]
            if len(bracket.orders) == 1 and entry.contract.key == order.contract.key:
                del self._brackets[bracket.tag]
                bracket.tag = (order.tag or "")[2:12]
                self._brackets[bracket.tag] = bracket

    # ------------------------------------------------------------------------------- after an event
    def _wishes_of(self, key: str) -> list[StrategyDraw]:
        if not self._wishes:
            for strategy in self._scenario.strategies:
                self._wishes.setdefault(
                    self._sim.exchange.market.universe.resolve(strategy.key).key, []
                ).append(strategy)
        return self._wishes.get(key, [])

    def _wished(self, key: str) -> str:
        """What the scenario calls the instrument; empty when nothing trades it."""
        wishes = self._wishes_of(key)
        return wishes[0].key if wishes else ""

    def _product_of(self, key: str) -> str:
        """What the engine trades the instrument as."""
        return self._scenario.instrument(self._wished(key)).product

    def check(self, *, has_changed: bool = True) -> None:
        """`has_changed`: something may have happened at the exchange, and not only time passed."""
        now_ns = self._sim.clock.now_ns()
        orders = self._sim.exchange.orders()
        for order in orders[self._n_orders :]:
            self._admit(order)
        self._n_orders = len(orders)
        changed: list[JudgedBracket] = []
        for bracket in self._brackets.values():
            if has_changed or not bracket.is_done:
                changed.append(bracket)
                bracket.check()
        self._take_closings()
        for bracket in changed:
            self._judge(bracket, now_ns)
            self._check_trail(bracket, now_ns)
        self._check_brake()
        while self._left_ns and now_ns > self._left_ns[0] + self._out_ns:
            left_ns = self._left_ns.pop(0)
            for bracket in self._brackets.values():
                if bracket.open_qty > 0 and 0 < bracket.open_since_ns < left_ns:
                    raise Violation(
                        f"bracket {bracket.tag}: {bracket.open_qty} units are still open {self._out_ns / SECOND:.1f} s after a person "
                        "closed everything"
                    )
        if self.halted_since_ns and now_ns > self._known_ns(self.halted_since_ns):
            for order in self._sim.exchange.live_orders():
                if order.tag and order.tag[12] == "E" and order.ts_placed_ns < self.halted_since_ns:
                    raise Violation(
                        f"entry {order.tag} still stands though a person has halted the engine"
                    )

    def _admit(self, order: Order) -> None:
        tag = order.tag
        if tag is None:
            return
        if tag in self._tags:
            raise Violation(f"one intent, two orders: tag {tag} is used twice")
        self._tags.add(tag)
        product = self._product_of(order.contract.key)
        if order.product != product:
            raise Violation(f"order {tag} is of product {order.product}; traded there is {product}")
        if (
            tag[12] == "E"
            and self.halted_since_ns
            and order.ts_placed_ns > self.halted_since_ns + self._late_ns + SECOND
        ):
            raise Violation(f"entry {tag} was placed while a person had halted the engine")
        refused_ns = self._sim.faults.ts_refused_ns
        if (
            tag[12] == "E"
            and refused_ns
            and order.ts_placed_ns > refused_ns + self._late_ns + NOTICED_S * SECOND
        ):
            raise Violation(
                f"entry {tag} was placed though the broker refuses the token at the order book"
            )
        strange_ns = self.strange_since_ns.get(order.contract.key, 0)
        if tag[12] == "E" and strange_ns and order.ts_placed_ns > self._known_ns(strange_ns):
            raise Violation(
                f"entry {tag} was placed on an instrument with a position that is not the engine's"
            )
        if tag[12] == "E":
            if wrong := self.person.wrong_entry(
                self._wished(order.contract.key), order.ts_placed_ns, self._late_ns
            ):
                raise Violation(f"entry {tag} was placed {wrong}")
            self._check_loss(order)
            self._entries.append(order)
        elif tag[12] in "ST":
            self._check_room(order)
        if tag[2:12] not in self._brackets:
            self._named(order)
        bracket = self._brackets.setdefault(tag[2:12], JudgedBracket(tag[2:12]))
        bracket.orders.append(order)
        bracket.is_done = False

    def _check_loss(self, entry: Order) -> None:
        """No entry once the day's loss is reached, where nothing is open that could have made up
        for it in the meantime.
        """
        limit_e4 = self.person.loosest("max_daily_loss_e4", self.sent_ns(entry))
        if not limit_e4:
            return
        trades = [
            trade
            for trade in self._sim.exchange.trades()
            if (trade.order.tag or trade.order.order_id in self._taken)
            and trade.ts_ns <= entry.ts_placed_ns
        ]
        if any(not self.was_known(trade.ts_ns, entry) for trade in trades):
            return
        net = Counter[str]()
        for trade in trades:
            taken = self._taken.get(trade.order.order_id)
            tag = taken.tag if taken else (trade.order.tag or "")[2:12]
            net[tag] += trade.order.side * trade.qty
        if any(net.values()):
            return
        pnl_e4 = -sum(
            t.order.side * t.qty * t.price_e4 * t.order.contract.multiplier for t in trades
        )
        if pnl_e4 <= -limit_e4:
            raise Violation(
                f"entry {entry.tag} was placed with a loss of {-pnl_e4 / 10_000:.2f}; the limit is {limit_e4 / 10_000:.2f}"
            )

    def _take_closings(self) -> None:
        """What others have closed is no longer open: oldest brackets first, of those that were
        there. The rest is a stranger's, who gives it back before he closes anything of ours again.
        """
        strange: Counter[str] = Counter(self._carried)
        self._closed = []
        for other in self._sim.exchange.orders():
            if (
                other.tag
                or other.order_id in self._taken
                or not other.filled_qty
                or other.product != self._product_of(other.contract.key)
            ):
                continue  # another product is another position
            key, left = other.contract.key, other.filled_qty
            back = min(left, max(-strange[key] * other.side, 0))
            strange[key] += other.side * back
            left -= back
            for _, bracket in sorted(
                self._brackets.items()
            ):  # by number: slices sent together may reach the exchange in either order
                first = bracket.orders[0]
                was_there = first.ts_placed_ns <= (other.trades[-1].ts_ns // SECOND + 1) * SECOND
                if first.contract.key == key and was_there and bracket.side * other.side < 0:
                    part = min(left, max(bracket.open_qty, 0))
                    bracket.open_qty -= part
                    left -= part
                    self._closed.append((other, part))
            strange[key] += other.side * left
        for key in self.strange_since_ns.keys() | strange.keys():
            if strange[key]:
                self.strange_since_ns.setdefault(key, self._sim.clock.now_ns())
            else:
                self.strange_since_ns.pop(key, None)

    def _check_room(self, order: Order) -> None:
        """No exit for what the account does not hold, once there was time to see that it does not."""
        closings = [
            o
            for o in self._sim.exchange.orders()
            if not o.tag
            and o.order_id not in self._taken
            and o.product == order.product
            and o.contract.key == order.contract.key
        ]
        sides = {
            b.side
            for b in self._brackets.values()
            if b.orders[0].contract.key == order.contract.key
        }
        if (
            not closings
            or len(sides) > 1
            or order.ts_placed_ns <= self._known_ns(closings[-1].ts_placed_ns)
        ):
            return
        if self._n_late and self._is_overtaken(order):
            return  # it was sent before orders that are there already
        held = (
            self._sim.exchange.ledger.held(order.contract, order.product)
            - order.side * order.filled_qty
        )
        if held * order.side >= 0:
            raise Violation(
                f"exit {order.tag} was placed, and the account holds {held:+d}: it would open the other side"
            )

    def _is_overtaken(self, order: Order) -> bool:
        """Have orders that its run has numbered later come before it?"""
        run, number = (order.tag or "")[2:8], (order.tag or "")[-4:]
        return any(
            (one.tag or "")[2:8] == run and (one.tag or "")[-4:] > number
            for one in self._sim.exchange.orders()
        )

    def _check_trail(self, b: JudgedBracket, now_ns: int) -> None:
        """A stop that waits stands where the trail says: never a whole trail further behind, but
        for a while.
        """
        exits = b.live_exits if b.open_qty > 0 else []
        strategies = (
            self._wishes_of(exits[0].contract.key)
            if len(exits) == 1 and exits[0].waits_for_trigger
            else []
        )
        if len(strategies) != 1 or strategies[0].plan.get("trail_kind") != 1 or self._is_blind:
            b.best_e4 = b.behind_ns = 0
            return
        stop = exits[0]
        open_ns, _ = stop.contract.session_ns(self._sim.exchange.date)
        entry_stop_s = self._scenario.instrument(strategies[0].key).entry_stop_s
        if now_ns >= open_ns + (self._scenario.minutes * 60 - entry_stop_s) * SECOND:
            return  # past the entry hours no stop is renewed: a broker may take no new one
        distance_bps, step_bps = (
            strategies[0].plan["trail_value"],
            strategies[0].plan["trail_step_value"],
        )
        ltp_e4 = self._sim.exchange.market.quote(stop.contract).ltp_e4
        b.best_e4 = ltp_e4 if not b.best_e4 or (ltp_e4 - b.best_e4) * b.side > 0 else b.best_e4
        trail_e4 = b.best_e4 * distance_bps / 10_000
        wanted_e4 = b.best_e4 - b.side * trail_e4
        far_e4 = trail_e4 * TRAIL_PART + b.best_e4 * step_bps / 10_000 + 2 * stop.contract.tick_e4
        from_e4 = b.entry_e4 * strategies[0].plan.get("trail_from_value", 0.0) / 10_000
        # A tick more: what an entry of this process's predecessor has paid may be known as an average.
        # The stop of a file may be wider than the plan's trail, which then follows once there is a
        # price better than what was paid; a plan's own is not.
        gone_e4 = (b.best_e4 - b.entry_e4) * b.side
        has_begun = (
            from_e4 == 0 and not strategies[0].file
        ) or gone_e4 > from_e4 + stop.contract.tick_e4
        is_behind = has_begun and (wanted_e4 - stop.terms.trigger_e4) * b.side > far_e4
        # Where price is near the level, the engine leaves by itself when it trades.
        if not is_behind or (ltp_e4 - wanted_e4) * b.side * 2 <= trail_e4 * 1.1:
            b.behind_ns = 0
            return
        b.behind_ns = b.behind_ns or now_ns
        if now_ns > b.behind_ns + self._trail_ns:
            raise Violation(
                f"stop {stop.tag} stands at {stop.terms.trigger_e4 / 10_000:.2f} and should have trailed to {wanted_e4 / 10_000:.2f} "
                f"for {(now_ns - b.behind_ns) / SECOND:.0f} s"
            )

    def _check_brake(self) -> None:
        """After a run of rejected entries a strategy enters nothing for a while."""
        waiting = []
        for entry in self._entries:
            key, run = entry.contract.key, self._rejected.setdefault(entry.contract.key, [])
            if entry.status == "REJECTED" and not entry.filled_qty:
                if not run or entry.ts_placed_ns > run[-1] + SECOND:
                    run.append(entry.ts_placed_ns)
                allowed = BRAKE_AFTER * len(self._wishes_of(key)) + self._n_late
                late = [ts_ns for ts_ns in run if ts_ns > run[-1] - BRAKE_S * SECOND]
                if len(late) > allowed and not any(
                    event.kind == "kill" for event in self._scenario.events
                ):
                    raise Violation(
                        f"entry {entry.tag} is the {len(late)}th in a minute that is rejected in {key}: nobody brakes"
                    )
            elif entry.exchange_order_id:
                run.clear()
            else:
                waiting.append(entry)
        self._entries = waiting

    def _judge(self, b: JudgedBracket, now_ns: int) -> None:
        b.open_since_ns = (b.open_since_ns or now_ns) if b.open_qty > 0 else 0
        is_uncovered = b.open_qty > 0 and b.cover_qty < b.open_qty
        if b.bare_ns and not is_uncovered:
            self.worst.total_uncovered_ns += now_ns - b.bare_ns
            b.bare_ns = 0
        elif is_uncovered:
            b.bare_ns = b.bare_ns or now_ns
        while b.levels and b.levels[0][1] <= b.cover_qty:
            self._end_stretch(b.levels.popleft()[0], now_ns)
        if is_uncovered:
            if not b.levels or b.levels[-1][1] < b.open_qty:
                b.levels.append((now_ns, b.open_qty))
            since_ns = b.levels[0][0]
            took_ns = now_ns - since_ns
            self.worst.uncovered_ns = max(self.worst.uncovered_ns, took_ns)
            if now_ns > since_ns + self._base_ns and now_ns > self._allowances.due_ns(since_ns):
                excuses = ", ".join(self._allowances.excuses(since_ns)) or "nothing"
                most_s = (self._allowances.due_ns(since_ns) - since_ns) / SECOND
                raise Violation(
                    f"bracket {b.tag}: {b.open_qty} units open, {b.cover_qty} covered for {took_ns / SECOND:.1f} s; "
                    f"allowed then are {most_s:.1f} s, in force: {excuses}"
                )
        else:
            while b.levels:
                self._end_stretch(b.levels.popleft()[0], now_ns)
        two_legs = self._oco and b.n_live_exits == 2
        too_much = b.open_qty < 0 or (
            b.cover_qty > b.open_qty and not (two_legs and b.cover_qty <= 2 * b.open_qty)
        )
        if too_much and not (b.open_qty == 0 and self._oco):
            b.exceeded_ns = b.exceeded_ns or now_ns
            took_ns = now_ns - b.exceeded_ns
            self.worst.exceeded_ns = max(self.worst.exceeded_ns, took_ns)
            may_exceed = self._scenario.may_exceed or self._oco
            due_ns = self._allowances.due_ns(b.exceeded_ns) + round(EXCEED_S * SECOND)
            if not may_exceed or now_ns > due_ns:
                raise Violation(
                    f"bracket {b.tag}: {b.open_qty} units open and exits for {b.cover_qty} live: an exit exceeds the position"
                )
        else:
            b.exceeded_ns = 0

    def _end_stretch(self, since_ns: int, now_ns: int) -> None:
        """Something that was uncovered since then is covered, or no longer open."""
        if now_ns > since_ns:
            most_ns = self._allowances.due_ns(since_ns) - since_ns
            excuses = self._allowances.excuses(since_ns)
            add_stretch(self.worst.stretches, excuses, now_ns - since_ns, most_ns)

    # ----------------------------------------------------------------------------------- at the end
    def check_end(self) -> None:
        """After the last event: flat, and nothing of ours left at the exchange."""
        self.check()
        for bracket in self._brackets.values():
            if bracket.open_qty != 0:
                raise Violation(f"bracket {bracket.tag} ended with {bracket.open_qty} units open")
        left = [order.tag for order in self._sim.exchange.live_orders() if order.tag]
        if left:
            raise Violation(f"orders were orphaned: {', '.join(map(str, left))}")

    def check_changes(self) -> None:
        """Where nothing goes wrong, no modification asks for what stands already: that would be a
        mistake about what stands.
        """
        for order in self._sim.exchange.orders():
            before: tuple[object, ...] = ()
            for _, state in order.told:
                asked = state.terms
                terms = (asked.quantity, asked.price_e4, asked.trigger_e4, asked.order_type)
                if order.tag and state.status == "MODIFIED" and terms == before:
                    raise Violation(
                        f"order {order.tag} was modified to the terms that it had: {terms}"
                    )
                before = terms

    def covered(self) -> dict[str, tuple[int, set[str]]]:
        """What is open and wholly covered as of now, by bracket: its quantity and the orders that
        cover it.
        """
        self.check()
        return {
            b.tag: (b.open_qty, {order.order_id for order in b.live_exits})
            for b in self._brackets.values()
            if 0 < b.open_qty <= b.cover_qty
        }

    def check_again(self, before: dict[str, tuple[int, set[str]]], since_ns: int) -> None:
        """After a second recovery at once: where everything was covered and still is by the same
        orders, it has placed nothing.
        """
        for tag, (open_qty, exits) in before.items():
            bracket = self._brackets[tag]
            if bracket.open_qty != open_qty or not exits <= {
                order.order_id for order in bracket.live_exits
            }:
                continue
            legs = {
                (order.tag or "")[12] for order in bracket.live_exits if order.order_id in exits
            }
            # Of two exits that are both to work, the one that did not stand yet may come.
            more = [
                o.tag
                for o in bracket.orders
                if o.ts_placed_ns > since_ns and not (self._oco and (o.tag or "")[12] not in legs)
            ]
            if more:
                raise Violation(
                    f"recovery is not idempotent: {tag} was covered, and a second one at once placed {more}"
                )

    def net_qty(self) -> dict[str, int]:
        """Net quantity by instrument of the orders with our tags, and of what others have closed of
        these.
        """
        net: Counter[str] = Counter()
        for order in [o for bracket in self._brackets.values() for o in bracket.orders]:
            net[order.contract.key] += order.side * order.filled_qty
        for order, part in self._closed:
            net[order.contract.key] += order.side * part
        return {key: qty for key, qty in net.items() if qty}

    def pnl_e4(self) -> tuple[int, int]:
        """The least and the most that the same have made, from the exchange's executions alone;
        right when they are flat. They differ only by an order of somebody else's that has closed
        something of ours and done more: which of its trades closed it, no broker tells, and its
        average is as good an answer as its first price.
        """
        ours_e4 = -sum(
            trade.order.side * trade.qty * trade.price_e4 * trade.order.contract.multiplier
            for trade in self._sim.exchange.trades()
            if trade.order.tag or trade.order.order_id in self._taken
        )
        parts = Counter[str]()
        orders: dict[str, Order] = {}
        for order, part in self._closed:
            parts[order.order_id] += part
            orders[order.order_id] = order
        worth = [_worth_e4(orders[key], part) for key, part in parts.items()]
        return ours_e4 + sum(map(min, worth)), ours_e4 + sum(map(max, worth))

    def orders_by_key(self) -> Counter[str]:
        """How many orders of ours each instrument had, by what the scenario calls it."""
        return Counter(
            self._wished(order.contract.key)
            for bracket in self._brackets.values()
            for order in bracket.orders
            if order.tag
        )

    @property
    def n_taken(self) -> int:
        """How often a person has taken over what somebody else had traded."""
        return len(self._taken)

    @property
    def n_closed(self) -> int:
        """How often somebody else has closed something of ours."""
        return len(self._closed)

    @property
    def n_closed_units(self) -> int:
        """How many units of ours somebody else has closed."""
        return sum(part * order.contract.multiplier for order, part in self._closed)

    def n_entries_traded(self) -> int:
        return sum(
            any(o.tag and o.tag[12] == "E" and o.filled_qty for o in b.orders)
            for b in self._brackets.values()
        )

    @property
    def is_covered(self) -> bool:
        """As of the last check."""
        return all(b.open_qty <= 0 or b.cover_qty >= b.open_qty for b in self._brackets.values())

    @property
    def tags(self) -> set[str]:
        return self._tags

    @property
    def n_orders(self) -> int:
        return len(self._tags)


def _worth_e4(order: Order, qty: int) -> tuple[int, int]:
    """What so many of the units that an order has traded bring in, signed: the dearest of them, and
    the cheapest.
    """
    trades = sorted((trade.price_e4, trade.qty) for trade in order.trades)
    worth = []
    for rows in (trades[::-1], trades):
        left, value_e4 = qty, 0
        for price_e4, traded in rows:
            value_e4 += min(traded, left) * price_e4
            left -= min(traded, left)
        worth.append(-order.side * value_e4 * order.contract.multiplier)
    return worth[0], worth[1]
