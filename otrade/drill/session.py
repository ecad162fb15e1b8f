"""One session: the scenario's world is built, its troubles happen, the oracle looks after every
event, and the end is compared.

Time is simulated; nothing sleeps.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import uvloop

from otrade._core.orders.order import take_counts
from otrade._core.types import Cmd, Ev, ExitReason, Leg, Note, Rec
from otrade.calendar import Calendar
from otrade.charges import NO_CHARGES, Charges
from otrade.drill.bars import BarJudge
from otrade.drill.bounds.stretches import Stretches
from otrade.drill.coverage import Counts, count_settings
from otrade.drill.draws.actions import PersonAction
from otrade.drill.draws.instruments import PRODUCT_CODES, InstrumentDraw
from otrade.drill.inbound.peers import HostilePeers
from otrade.drill.inbound.postbacks import PostedHints, WrongHint
from otrade.drill.limits import LimitJudge, LimitPassed
from otrade.drill.oracle import Oracle, Violation
from otrade.drill.person import Person
from otrade.drill.process import (
    BrokerKind,
    MortalClock,
    Process,
    adapter_at,
    names_at,
    new_token,
    settled,
)
from otrade.drill.rest_budget import RestBudgetExceeded, check_rest_budget
from otrade.drill.scenario import CALM_S, POSTING, Event, Scenario, StrategyDraw
from otrade.drill.sent import BudgetPassed, check_budget
from otrade.drill.starts.day_before import live_through
from otrade.drill.starts.history_judge import check_history
from otrade.drill.starts.strategy_files import compiled
from otrade.drill.starts.warm_start import warm_up
from otrade.drill.starts.watchdog import GONE_S, STALE_S, step_in
from otrade.drill.trader.account import AccountJudge, WrongAccount
from otrade.drill.trader.entries import EntryJudge, WrongEntry
from otrade.drill.trader.leave.exits import ExitJudge, WrongExit
from otrade.drill.trader.leave.held import entered_brackets
from otrade.drill.trader.leave.leaving import LeaveJudge, WrongLeave
from otrade.drill.trader.leave.moves import MoveJudge, WrongMove
from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.drill.trader.quarantines import QuarantineJudge, ShownQuarantines, WrongQuarantine
from otrade.drill.trader.record import SessionRecorder
from otrade.drill.trouble import OF_TWO_FEEDS, PEER, POSTBACK, TROUBLES, UNDECIDED
from otrade.errors import OTradeError
from otrade.journal.memory import MemoryJournal
from otrade.journal.replay import replay
from otrade.journal.words import read_notice
from otrade.live.control.commands import Commands
from otrade.live.day.trading_day import DayOptions
from otrade.live.history.trade_ledger import OrderFill
from otrade.live.oms.cl_ord_id import ClOrdId, parse
from otrade.live.plan.engine_builder import EngineSpec, InstrumentSpec, SessionSpec, StrategySpec
from otrade.live.startup.exit_modes import Settled
from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.formats import rupees
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.simulator import Simulator

NOBODYS = ClOrdId(0, 0, Leg.ENTRY, 0, 0)
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
STEP_NS = SECOND
AFTER_CLOSE_S = 120
FIRST_RUN = 100
PAISA_E4 = 100
HALF_PAISA_E4 = 50
"""By so much a broker rounds an average, a unit."""
TRY_NS = 5 * SECOND
TAKE_OVER_NS = 60 * SECOND
"""A person who takes something over tries so often, and for so long."""


@dataclass(slots=True)
class SessionResult:
    """What became of one session."""

    seed: int
    error: str = ""
    timeline: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    """Troubles that really happened, by kind."""
    kinds: tuple[str, ...] = ()
    n_orders: int = 0
    n_early: int = 0
    """Requests that left from the feed's callback."""
    n_trades: int = 0
    n_entries: int = 0
    n_waited: int = 0
    """Entries, whole or in part, that waited for the rate budget."""
    n_signals: int = 0
    n_close_calls: int = 0
    """Of the trader's signals, those so near that rounding decides."""
    n_entries_expected: int = 0
    """Decisions that he too would have made."""
    n_left_open: int = 0
    """Signals of which a trouble leaves open whether they lead to an order."""
    n_exit_terms: int = 0
    """Terms of stops, targets and ways out that the trader has judged."""
    n_exit_terms_open: int = 0
    """Those that a trouble leaves open."""
    n_leaves: int = 0
    """Times by which a position had to leave, and reasons of those that left."""
    n_leaves_open: int = 0
    n_moves: int = 0
    """Stops that a strategy file had to have moved."""
    n_kept_out: int = 0
    """Times that an instrument was in quarantine."""
    n_events: int = 0
    n_decisions: int = 0
    simulated_s: float = 0.0
    wall_s: float = 0.0
    uncovered_s: float = 0.0
    bound_s: float = 0.0
    stretches: Stretches = field(default_factory=Counter)
    drawn: Counts = field(default_factory=Counter)
    placed: Counts = field(default_factory=Counter)
    pairs: Counts = field(default_factory=Counter)
    """What it covered: settings, orders under them, and pairs of order state and event."""
    exceeded_s: float = 0.0
    recovery_s: float = 0.0
    naked_s: float = 0.0
    """The engine's own clocks of time without a stop, each at its worst: naked, and at the target
    by design.
    """
    target_s: float = 0.0
    """Worst time from the restart of a process until everything open was covered."""


def run(scenario: Scenario) -> SessionResult:
    """Run one scenario; `error` says what was violated."""
    result = SessionResult(
        scenario.seed,
        kinds=tuple(sorted({event.kind for event in scenario.events})),
        bound_s=scenario.bound_s,
    )
    began_s = time.monotonic()
    uvloop.run(DrillSession(scenario, result).run(), loop_factory=Simulator.new_event_loop)
    result.wall_s = time.monotonic() - began_s
    return result


def no_charges(bracket_id: int, instrument_id: int, fills: list[OrderFill]) -> Charges:
    """What charges are is another matter."""
    return NO_CHARGES


class DrillSession:
    """The world of one scenario."""

    def __init__(self, scenario: Scenario, result: SessionResult) -> None:
        self._scenario = scenario
        self._result = result
        self._sim = Simulator(SimConfig(seed=scenario.seed, **scenario.sim))
        self._carried = live_through(self._sim, scenario.carried) if scenario.carried else {}
        self._broker: BrokerKind = scenario.sim["broker"]
        self.recorder = SessionRecorder(
            self._sim,
            self._broker,
            sorted_keys(scenario),
            scenario.second_feed.broker,
            scenario.second_feed.failover_ns,
        )
        self._control = Commands()
        self._calendar = Calendar.load()
        self._person = Person(scenario, self._control, self.recorder, self._sim.clock.now_ns)
        self.recorder.record.carried.update(self._carried)
        self._oracle = Oracle(self._sim, scenario, self._person, self._carried)
        self._bars = BarJudge(self._sim, sorted({strategy.key for strategy in scenario.strategies}))
        self._shown = ShownQuarantines()
        self._waiting: list[PersonAction] = []
        """What a person does once an entry stands."""
        self._journals = [MemoryJournal()]
        self._said: list[tuple[int, str]] = []
        self._violation: Violation | None = None
        self._recovering_ns = 0
        self._ended_ns = 0
        self._kill_s = 0.0
        self._kill_twice = self._kill_lost = False
        self._kill_args: Mapping[str, Any] = {}
        self._n_runs = self._n_deaths = 0
        self._process: Process
        self._peers: HostilePeers | None = None
        self._posted = PostedHints(
            POSTING,
            self._sim,
            lambda: self._day if self._n_runs and not self._process.is_dead else None,
        )

    async def run(self) -> None:
        sim, result = self._sim, self._result
        ports = await sim.start()
        try:
            self._ports = ports
            self._date = sim.dates()[-1]
            self._instruments = specs(sim, self._scenario)
            self._open_ns = min(spec.session.open_ns for spec in self._instruments)
            self._oracle.begin(self._open_ns)
            self._end_ns = self._open_ns + self._scenario.minutes * MINUTE
            sim.exchange.on_update.append(lambda payload: self._check())
            await self._start()
            self._let_go()
            happenings: list[Event | PersonAction] = [
                *self._scenario.events,
                *self._scenario.actions,
            ]
            for happening in sorted(happenings, key=lambda happening: happening.at_s):
                await self._until(self._open_ns + round(happening.at_s * SECOND))
                if isinstance(happening, Event):
                    await self._do(happening)
                else:
                    self._act(happening)
            await self._until(self._end_ns - (CALM_S - 60) * SECOND)
            await self._heal()
            while (
                not self._day.ended.is_set()
                and sim.clock.now_ns() < self._end_ns + AFTER_CLOSE_S * SECOND
            ):
                await self._until(sim.clock.now_ns() + 5 * SECOND)
            await self._finish()
        except Violation as violation:
            result.error = str(violation)
        except OTradeError as error:
            result.error = f"{type(error).__name__}: {error}"
        finally:
            if self._peers is not None:
                await self._peers.end()
            result.seen.update(sim.faults.seen)
            result.drawn, result.placed = count_settings(
                self._scenario, self._oracle.orders_by_key()
            )
            result.n_orders = self._oracle.n_orders
            result.n_early += self._process.n_early if self._n_runs else 0
            result.n_trades = len(sim.exchange.trades())
            result.simulated_s = (sim.clock.now_ns() - self._open_ns) / SECOND
            result.uncovered_s = self._oracle.worst.uncovered_ns / SECOND
            result.stretches = self._oracle.worst.stretches
            result.exceeded_s = self._oracle.worst.exceeded_ns / SECOND
            if result.error:
                result.timeline = self._timeline()
            await sim.stop()

    @property
    def _journal(self) -> MemoryJournal:
        return self._journals[-1]

    @property
    def _day(self) -> Any:
        return self._process.day

    # ------------------------------------------------------------------------------------ processes
    async def _start(self) -> None:
        sim, scenario = self._sim, self._scenario
        old = self._process if self._n_runs else None
        sim.faults.open_book()  # whoever starts an engine has logged in
        clock = MortalClock(sim.clock, old.clock.offset_ns if old else 0)
        goes_on = next(self._journal.records(), None) is not None
        self.recorder.started(has_journal=goes_on)
        self.recorder.limit(self._person.limits)
        exits = await self._settled(goes_on)
        self._count_pairs()
        self._process = Process(
            sim,
            self._ports,
            self._broker,
            str(self._date),
            self._person.configured(exits.specs),
            EngineSpec(
                run_id=FIRST_RUN + self._n_runs, limits=self._person.limits, budget=scenario.budget
            ),
            DayOptions("flatten"),
            no_charges,
            self._journal,
            scenario.seed,
            clock,
            old.sent if old else [],
            exits.answers,
            scenario.second_feed,
        )
        take_counts()  # a process warms up, and folds what another one has counted
        exits.say(self._process.board)
        self._n_runs += 1
        self._ended_ns = 0
        self._control.set_day(self._process.day)
        for notice in self._process.board.since(0):
            self._said.append((notice.ts_ns, f"{notice.severity.name}: {notice.text}"))
        self._process.board.listen(
            lambda notice: self._said.append(
                (notice.ts_ns, f"{notice.severity.name}: {notice.text}")
            )
        )
        self._process.day.listen_to_beats(lambda now_ns: self._check(has_changed=False))
        if old is not None:
            self._recovering_ns = sim.clock.now_ns()
        if goes_on and any(
            notice.code == "JOURNAL_NOT_USED" for notice in self._process.board.since(0)
        ):
            raise Violation("a restart has thrown its own journal away")
        if scenario.history.answer and not await self._warm_up():
            return
        await self._process.open()
        self.recorder.opened()

    async def _warm_up(self) -> bool:
        """Of the process that starts. False when it has died of it, and another one lives."""
        sim, draw, journal = self._sim, self._scenario.history, self._journal
        self.recorder.warms()
        universe = sim.exchange.market.universe
        contracts = [
            universe.resolve(f"{spec.exchange}:{spec.symbol}") for spec in self._instruments
        ]
        if self._n_runs == 1 and draw.dies_behind:
            journal.writer.last_kind, journal.writer.last_more = Rec.HISTORY, draw.dies_behind - 1
        adapter = adapter_at(sim, self._ports, self._broker, self._process.clock)
        adapter.use(self._process.access_token)
        await warm_up(sim, self._day, adapter, contracts, self._calendar, draw, self.recorder.told)
        if self._process.is_dead:
            self._result.seen["kill_in_history"] += 1
            self.recorder.died(sim.clock.now_ns())
            await self._process.die()
            await self._start()
            return False
        journal.writer.last_kind = 0
        if wrong := check_history(sim, self._process.day.plan, journal, contracts, draw):
            raise Violation(wrong)
        self._result.seen[f"history_{draw.answer}"] += 1
        return True

    def _count_pairs(self) -> None:
        """Of the process that has lived until now."""
        counts = take_counts()
        if self._n_runs:
            self._result.pairs.update(counts)

    async def _settled(self, goes_on: bool) -> Settled:
        """Exit modes of the start that comes. Where it goes on from a journal, the broker has
        changed its mind about second exits.
        """
        ledger = self._sim.exchange.ledger
        ledger.second_exit_costs ^= goes_on
        try:
            return await settled(
                self._sim, self._ports, self._broker, self._instruments, self._journal
            )
        finally:
            ledger.second_exit_costs ^= goes_on

    async def _until(self, ts_ns: int) -> None:
        """Let time pass; a process that died on the way is replaced."""
        sim = self._sim
        while sim.clock.now_ns() < ts_ns:
            alive_ns = sim.clock.now_ns()
            await sim.run_until(min(ts_ns, alive_ns + STEP_NS))
            if self._violation is not None:
                raise self._violation
            self._check()
            if self._process.is_dead:
                await self._bury(alive_ns)
            elif self._waiting and self._has_standing_entry():
                self._act(self._waiting.pop())
        if self._violation is not None:
            raise self._violation

    async def _bury(self, alive_ns: int) -> None:
        """The process has died since then: some time passes, and another one is started."""
        await self._send_peers_away()
        self.recorder.died(alive_ns)
        self._result.n_early += self._process.n_early
        await self._process.die()
        self._compare_bars()
        if self._kill_args.get("watchdog"):
            await self._watch(self._kill_args["watchdog"], self._kill_args["behind_asked"])
            self._kill_args = {}
        await self._sim.run_until(self._sim.clock.now_ns() + round(self._kill_s * SECOND))
        is_lost, self._kill_lost = self._kill_lost, False
        if is_lost:
            self._result.seen["kill_lost_journal"] += 1
            self._journals.append(MemoryJournal())
        await self._start()
        if self._kill_twice:
            self._kill_twice = False
            before, asked_ns = self._oracle.covered(), self._sim.clock.now_ns()
            await self._process.die()
            self.recorder.died(asked_ns)
            await self._start()
            self._result.seen["kill_again"] += 1
            self._oracle.check()
            self._oracle.check_again(before, asked_ns)
        if is_lost and not self._oracle.halted_since_ns and not self._person.keeps_out:
            # No entries after that, until a person who knows that he had not halted it says so.
            self._command("rearm")

    async def _watch(self, how: str, behind_asked: int) -> None:
        """The watchdog has seen the death, and does what it can before the next start."""
        sim, dead = self._sim, self._process
        since_ns = sim.clock.now_ns()
        await sim.run_until(since_ns + round((GONE_S if how == "gone" else STALE_S) * SECOND))
        adapter = adapter_at(sim, self._ports, self._broker, MortalClock(sim.clock))
        adapter.use(dead.access_token)
        outcome = await step_in(
            sim,
            adapter,
            dead.word,
            lambda severity, code, text: self._said.append(
                (sim.clock.now_ns(), f"WATCHDOG {severity.name} {code}: {text}")
            ),
            behind_asked if how == "dies" else 0,
        )
        self._result.seen[f"watchdog_{how}"] += 1
        self.recorder.guarded(since_ns)
        self._oracle.check()
        is_quiet = {event.kind for event in self._scenario.events} <= QUIET | {"kill"}
        if outcome is not None and is_quiet and not (outcome.is_safe and self._oracle.is_covered):
            raise Violation(f"the watchdog has not protected what was open: {outcome.words}")

    def _command(self, name: str) -> bool:
        """A person's command; whether it was carried out."""
        done, _ = self._control.command(name, {})
        self.recorder.commanded(name, {}, done=done)
        return done

    # ------------------------------------------------------------------------------------- troubles
    def _let_go(self) -> None:
        """Who has carried something over the night closes it when he will."""
        exchange, seen = self._sim.exchange, self._result.seen
        for one in self._scenario.carried:
            contract = exchange.market.universe.resolve(one.key)
            seen["carried"] += 1

            def close(
                key: str = contract.key,
                qty: int = one.lots * contract.lot,
                side: int = -one.side,
                product: str = one.product,
            ) -> None:
                exchange.place_manual(key, side, qty, product=product)
                seen["carried_closed"] += 1

            if one.closed_s:
                self._sim.clock.schedule(self._open_ns + round(one.closed_s * SECOND), close)

    async def _do(self, event: Event) -> None:
        trouble = TROUBLES[event.kind]
        sim, args = self._sim, event.args
        self._said.append((sim.clock.now_ns(), f"TROUBLE: {event.kind} {args}"))
        self.recorder.trouble(event.kind, args)
        if trouble.do is not None:
            trouble.do(sim, args)
            if event.kind == "book_403":
                sim.clock.schedule(
                    sim.clock.now_ns() + round(args["s"] * SECOND), self._log_in_if_dead
                )
            elif event.kind == "silent_run":
                sim.clock.schedule(sim.clock.now_ns() + round(args["out_s"] * SECOND), self._leave)
        elif event.kind == "token":
            sim.faults.seen["token"] += 1
            sim.expire_token(self._broker)
            self.recorder.token(is_good=False)
            sim.clock.schedule(sim.clock.now_ns() + round(args["s"] * SECOND), self._log_in)
        elif event.kind == "clock_step":
            sim.faults.seen["clock_step"] += 1
            self._process.clock.offset_ns += round(args["s"] * SECOND)
            self._say_clock()
        elif event.kind == "clock_wrong":
            self._result.seen["clock_wrong"] += 1
            clock, wrong_ns = self._process.clock, round(args["s"] * SECOND)
            clock.wrong_ns += wrong_ns
            self._say_clock()
            sim.clock.schedule(
                sim.clock.now_ns() + round(args["for_s"] * SECOND),
                lambda: self._set_right(clock, wrong_ns),
            )
        elif event.kind == "kill":
            writer = self._journal.writer
            if args["behind"] == UNDECIDED:
                writer.last_kind = -Rec.COMMAND
            else:
                writer.last_kind, writer.last_more = Rec[args["behind"]], args["records"]
            self._kill_args = args
            self._kill_s, self._kill_twice, self._kill_lost = args["s"], args["twice"], args["lost"]
        elif event.kind == POSTBACK:
            if self._posted.post(args["way"]):
                self._result.seen[POSTBACK] += 1
                self._result.seen[f"postback_{args['way']}"] += 1
        elif event.kind == PEER:
            await self._let_peers_in(args["way"])
        elif event.kind == "flatten":
            if self._command("flatten"):
                sim.faults.seen["flatten"] += 1
        elif event.kind == "halt" and self._command("kill"):
            self._result.seen["halt"] += 1
            self._oracle.halted_since_ns = sim.clock.now_ns()
            sim.clock.schedule(sim.clock.now_ns() + round(args["s"] * SECOND), self._rearm)

    async def _let_peers_in(self, way: str) -> None:
        await self._send_peers_away()
        self._peers = HostilePeers(self._day, self._process.board, self._control)
        await self._peers.begin(way, self._scenario.seed)
        self._result.seen[f"peer_{way}"] += 1

    async def _send_peers_away(self) -> None:
        """Before the engine dies or ends."""
        peers, self._peers = self._peers, None
        if peers is not None and (wrong := await peers.end()):
            raise Violation(wrong)

    def _has_standing_entry(self) -> bool:
        """Does an entry of ours wait at the exchange?"""
        return any(
            order.tag and order.tag[12] == "E" and order.status == "OPEN"
            for order in self._sim.exchange.live_orders()
        )

    def _act(self, action: PersonAction) -> None:
        """A person acts, and takes it back where the action says when."""
        if action.args.get("standing") and not self._has_standing_entry():
            self._waiting.append(action)
            return
        clock = self._sim.clock
        self._said.append((clock.now_ns(), f"PERSON: {action.what} {action.args}"))
        if action.what == "take-over":
            self._take_over(action.args["key"], clock.now_ns() + TAKE_OVER_NS)
            return
        if not self._person.act(self._day, action):
            return
        self._result.seen[f"person_{action.what}"] += 1
        if "s" in action.args:
            after_ns = clock.now_ns() + round(action.args["s"] * SECOND)
            if action.what == "stop-entries":
                clock.schedule(after_ns, self._rearm)
            else:
                clock.schedule(after_ns, lambda: self._person.undo(self._day, action))

    def _take_over(self, key: str, until_ns: int) -> None:
        """A person hands over what one order of somebody else has traded, where it is all that the
        account has there; he tries until the engine has seen it. Not before a journal is lost: no
        order of ours says then that it was taken over, and nobody but he can say it again.
        """
        sim = self._sim
        if self._will_lose_journal():
            return
        contract = sim.exchange.market.universe.resolve(key)
        product = self._scenario.instrument(key).product
        there = [order for order in sim.exchange.orders() if order.contract is contract]
        foreign = [order for order in there if not order.tag and order.product == product]
        if len(foreign) != 1 or any(not order.is_final for order in there):
            return
        (order,) = foreign
        held = sim.exchange.ledger.held(contract, product)
        if not order.filled_qty or held != order.side * order.filled_qty:
            return
        if not self._process.is_dead and self._person.take_over(key):
            self.recorder.took_over(order)
            self._oracle.take_over(order)
            self._result.seen["person_take-over"] += 1
        elif sim.clock.now_ns() + TRY_NS < until_ns:
            sim.clock.schedule(sim.clock.now_ns() + TRY_NS, lambda: self._take_over(key, until_ns))

    def _will_lose_journal(self) -> bool:
        """Is this process, or one after it, to die with its journal?"""
        now_s = (self._sim.clock.now_ns() - self._open_ns) / SECOND
        return self._kill_lost or any(
            event.kind == "kill" and event.args["lost"] and event.at_s >= now_s
            for event in self._scenario.events
        )

    def _set_right(self, clock: MortalClock, wrong_ns: int) -> None:
        clock.wrong_ns -= wrong_ns
        self._say_clock()

    def _say_clock(self) -> None:
        clock = self._process.clock
        self.recorder.clock_error(clock.offset_ns + clock.wrong_ns)

    def _leave(self) -> None:
        """A person closes everything, and it must be out in time."""
        if self._command("flatten"):
            self._oracle.leave(self._sim.clock.now_ns())

    def _log_in(self) -> None:
        self._day.on_token(new_token(self._sim, self._broker))
        self.recorder.token(is_good=True)

    def _log_in_if_dead(self) -> None:
        if self._day.is_token_dead:
            self._log_in()

    def _rearm(self) -> None:
        self._oracle.halted_since_ns = 0
        self._person.rearmed()
        self._command("rearm")

    async def _heal(self) -> None:
        """Nothing goes wrong any more; whoever had to log in or re-arm has done so."""
        await self._send_peers_away()
        self._sim.faults.clear()
        self._waiting.clear()
        self.recorder.healed()
        if self._day.is_token_dead:
            self._log_in()
        self._oracle.halted_since_ns = 0

    # ---------------------------------------------------------------------------------- the judging
    def _check(self, *, has_changed: bool = True) -> None:
        if self._violation is not None:
            return
        if self._n_runs and self._process.is_dead and self._n_deaths < self._n_runs:
            self._n_deaths = self._n_runs
            self._sim.faults.seen["kill"] += 1
        if self._n_runs:
            self._shown.see(self._sim.clock.now_ns(), self._kept_out())
        if self._n_runs and self._day.ended.is_set() and not self._ended_ns:
            self._ended_ns = self._sim.clock.now_ns()
        try:
            self._oracle.check(has_changed=has_changed)
        except Violation as violation:
            self._violation = violation
            return
        if self._recovering_ns and self._oracle.is_covered:
            took_s = (self._sim.clock.now_ns() - self._recovering_ns) / SECOND
            self._result.recovery_s = max(self._result.recovery_s, took_s)
            self._recovering_ns = 0

    async def _finish(self) -> None:
        oracle, day = self._oracle, self._day
        if not day.ended.is_set():
            raise Violation("the day did not end after its close")
        self._check_hours()
        if self._violation is not None:
            raise self._violation
        oracle.check_end()
        await self._sim.during(day.close())
        if day.has_fault:
            raise Violation("code of the engine failed; see the timeline")
        self._compare_bars()
        self._shown.see(self._sim.clock.now_ns(), ())
        self._judge_entries()
        self._compare_books()
        self._compare_limits()
        self._count_pairs()  # before the journal goes through a core again
        placed = sum(request.kind == Cmd.NEW for request in self._process.sent)
        for state in ("INITIALIZED", "asked NONE"):
            self._result.pairs[state, Ev.SEND_NEW.name] = placed  # a warm-up sends to nobody
        self._compare_journal()

    def _kept_out(self) -> list[str]:
        """Instruments that the engine shows as in quarantine."""
        engine = self._day.engine
        if self._process.is_dead or self._day.ended.is_set() or not engine.n_quarantined:
            return []
        return [
            f"{spec.exchange}:{spec.symbol}"
            for number, spec in enumerate(self._instruments)
            if engine.instrument(number)["quarantined"]
        ]

    def _check_hours(self) -> None:
        """The day lasts until its close. A process that begins under a clock which is set ahead for
        good knows no better.
        """
        ahead_s = sum(
            max(event.args["s"], 0) for event in self._scenario.events if event.kind == "clock_step"
        )
        early_s = (self._end_ns - self._ended_ns) / SECOND
        if self._ended_ns and early_s > ahead_s:
            raise Violation(f"the day ended {early_s:,.0f} s before its close")

    def _compare_bars(self) -> None:
        """Bars that this process has closed, each series of each instrument."""
        day = self._day
        keys = sorted({strategy.key for strategy in self._scenario.strategies})
        for series_id in range(day.engine.n_series):
            series = day.engine.series(series_id)
            wrong = self._bars.check(
                keys[series["instrument_id"]],
                series["interval_ns"],
                day.candles.last(series_id, 1 << 20),
                is_timed=self._scenario.is_timed(keys[series["instrument_id"]]),
            )
            if wrong:
                raise Violation(wrong)

    def _compare_books(self) -> None:
        oracle, day = self._oracle, self._day
        ours = {i: qty for i, qty in day.plan.net_of().items() if qty}
        if ours:
            raise Violation(
                f"the engine ended with {ours} units in its own books, and the exchange with none of ours"
            )
        if oracle.net_qty():
            raise Violation(f"the exchange ended with {oracle.net_qty()} of our orders")
        if day.engine.n_live:
            raise Violation(
                f"the engine ended with {day.engine.n_live} brackets that it believes to be alive"
            )
        counters = day.engine.counters()
        self._result.naked_s, self._result.target_s = (
            counters["naked_ns_worst"] / SECOND,
            counters["target_ns_worst"] / SECOND,
        )
        pnl_e4 = day.engine.risk()["pnl_e4"]
        least_e4, most_e4 = oracle.pnl_e4()
        more_e4 = PAISA_E4 if oracle.n_closed else 0
        if any(event.kind == "trades_late" for event in self._scenario.events):
            # What others have closed is booked once: at the order's average, where its trades are not listed yet.
            more_e4 += HALF_PAISA_E4 * oracle.n_closed_units
        if not least_e4 - more_e4 <= pnl_e4 <= most_e4 + more_e4:
            raise Violation(
                f"profit: the engine says {pnl_e4} e4, the exchange's trades say {least_e4} to {most_e4} e4"
            )
        if not self._scenario.events:
            oracle.check_changes()
            # Both clocks start and stop by a push; the engine's can never be much the shorter.
            naked_ns, bare_ns = counters["naked_ns_total"], oracle.worst.total_uncovered_ns
            if naked_ns * 2 < bare_ns:
                raise Violation(
                    f"the engine counts {naked_ns / 1e6:.1f} ms of naked time, the exchange saw {bare_ns / 1e6:.1f} ms"
                )
        if {
            event.kind for event in self._scenario.events
        } <= STOPS_STAND and not self._person.may_flatten:
            for trade in day.trades.trades:
                if trade.exit_reason == ExitReason.RISK:
                    raise Violation(
                        f"bracket {trade.bracket_id} was closed for risk, though no stop of it was refused again and again"
                    )
        if sum(trade.gross_e4 for trade in day.trades.trades) != pnl_e4:
            raise Violation("profit: the closed trades do not add up to it")

    def _compare_limits(self) -> None:
        scenario = self._scenario
        filled = {
            order.tag for order in self._sim.exchange.orders() if order.tag and order.filled_qty
        }
        try:
            check_budget(self._process.sent, scenario.budget, filled)
        except BudgetPassed as error:
            raise Violation(str(error)) from None
        is_calm = {event.kind for event in scenario.events} <= QUIET
        try:
            self._posted.check(is_calm=is_calm and self._n_runs == 1, end_ns=self._ended_ns)
        except WrongHint as error:
            raise Violation(str(error)) from None
        forgets = scenario.history.dies_behind > 0 or any(
            event.kind in ("kill", "clock_step", "token") for event in scenario.events
        )
        if not forgets:
            # Another process knows nothing of what the one before it asked, and a clock that jumps
            # counts wrongly.
            try:
                check_rest_budget(self._sim.faults.asked)
            except RestBudgetExceeded as error:
                raise Violation(str(error)) from None
        self._result.n_entries = self._oracle.n_entries_traded()
        limit = self._person.loosest("max_trades", 0)
        # An entry that was proved absent and is taken all the same makes a trade that nobody could
        # count before.
        if (
            limit
            and self._day.engine.risk()["trades"]
            > limit + self._sim.faults.seen["answer_late"] + self._oracle.n_taken
        ):
            raise Violation(f"{self._day.engine.risk()['trades']} trades; the limit is {limit}")

    def _judge_entries(self) -> None:
        """What the trader would have entered, and what was."""
        scenario = self._scenario
        instruments = traded(self._instruments, self._scenario)
        judge = EntryJudge(
            self.recorder.record,
            self._sim.exchange,
            instruments,
            scenario.budget,
        )
        try:
            judge.check()
            LimitJudge(
                instruments,
                judge.decisions,
                judge.unsure,
                self._person.loosest,
                self._oracle.sent_ns,
                self._oracle.was_known,
            ).check()
        except (WrongEntry, LimitPassed) as error:
            raise Violation(str(error)) from None
        self._judge_exits(judge, instruments)
        counts = judge.counts
        self._result.n_signals, self._result.n_close_calls = counts.n_signals, counts.n_close_calls
        self._result.n_entries_expected = counts.n_matched
        self._result.n_left_open = counts.n_left_open
        cut = judge.cut_decisions() if self._n_runs == 1 else []
        if not cut:
            return
        told = {
            (notice["strategy_id"], notice["sent_qty"])
            for record in self._journal.records()
            if record.kind == Rec.NOTICE
            and (notice := read_notice(record.payload))["note"] == Note.ENTRY_CUT
        }
        for decision in cut:
            if (decision.strategy.number, decision.sent_qty) not in told:
                raise Violation(
                    f"strategy {decision.strategy.number}: {decision.sent_qty} of {decision.qty} units were sent, "
                    "and nobody was told of the rest"
                )

    def _judge_exits(self, entries: EntryJudge, instruments: list[TraderInstrument]) -> None:
        """What became of the trader's positions."""
        record, orders = self.recorder.record, self._sim.exchange.orders()
        brackets = [
            one
            for one in entered_brackets(
                orders,
                instruments,
                entries.touches,
                entries.strategies_of,
                entries.moves,
                entries.unsure,
                entries.possible_terms,
                record.taken_over,
            )
            if not record.was_guarded(one.opened_ns, [one.entry, *one.exits])
        ]
        prices = ExitJudge(record, brackets, entries.unsure, entries.possible_moves)
        others = frozenset(one.contract.key for one in orders if not one.tag and one.filled_qty)
        leaving = LeaveJudge(
            record,
            brackets,
            entries.signals,
            entries.exits,
            entries.profit,
            entries.unsure,
            others,
        )
        moves = MoveJudge(
            record, brackets, entries.unsure, self._scenario.budget["modifies_per_order"]
        )
        exchange = self._sim.exchange
        account = AccountJudge(
            instruments,
            orders,
            exchange.trades(),
            {(one.contract.key, one.product): one.qty for one in exchange.ledger.positions()},
            entries.unsure,
            record.taken_over,
            record.carried,
        )
        try:
            prices.check()
            moves.check()
            leaving.check([one for one in orders if one.tag and one.tag[12] == "E"])
            account.check()
            self._result.n_kept_out = QuarantineJudge(
                record, instruments, orders, account.others
            ).check(self._shown.stretches)
        except (WrongExit, WrongLeave, WrongMove, WrongAccount, WrongQuarantine) as error:
            raise Violation(str(error)) from None
        counts = prices.counts
        self._result.n_exit_terms = counts.n_stops + counts.n_targets + counts.n_ways_out
        self._result.n_exit_terms_open = counts.n_tolerated
        self._result.n_leaves = leaving.counts.n_dues + leaving.counts.n_reasons
        self._result.n_leaves_open = leaving.counts.n_open
        self._result.n_moves = moves.n_moves

    def _compare_journal(self) -> None:
        for journal in self._journals:
            done = replay(journal.windows(), is_whole=journal is self._journal)
            self._result.n_events += done.n_events
            self._result.n_decisions += done.n_decisions
            if done.divergence is not None:
                raise Violation(f"the journal does not replay: {done.divergence}")
            self._result.n_waited += sum(
                read_notice(record.payload)["note"] == Note.ENTRY_WAITS
                for record in journal.records()
                if record.kind == Rec.NOTICE
            )
        commanded = {
            bytes(record.payload[TAG_AT : TAG_AT + 24]).split(b"\0")[0].decode()
            for journal in self._journals
            for record in journal.records()
            if record.kind == Rec.COMMAND
        }
        watchdogs = {tag for tag in self._oracle.tags if (parse(tag) or NOBODYS).is_watchdog}
        if watchdogs and not self.recorder.record.guarded:
            raise Violation(f"orders of a watchdog, and none has been there: {watchdogs}")
        stray = self._oracle.tags - commanded - watchdogs
        if stray:
            raise Violation(f"orders without an intent in the journal: {', '.join(sorted(stray))}")

    def _timeline(self) -> list[str]:
        rows = [(ts_ns, text) for ts_ns, text in self._said]
        for order in self._sim.exchange.orders():
            contract = order.contract
            for ts_ns, told in order.told:
                terms = told.terms
                prices = f"{rupees(terms.price_e4)}/{rupees(terms.trigger_e4)}"
                rows.append(
                    (
                        ts_ns,
                        f"  exchange: {order.tag or 'manual'} {order.transaction_type} {terms.quantity} {contract.tradingsymbol} "
                        f"{terms.order_type} {prices} {told.status} filled {told.filled_qty} "
                        f"{told.status_message or ''}",
                    )
                )
        rows.sort(key=lambda row: row[0])
        return [f"{(ts_ns - self._open_ns) / SECOND:9.3f}  {text}" for ts_ns, text in rows]


QUIET = frozenset({PEER, POSTBACK, "push_doubled", "cut_fills", "gap", *OF_TWO_FEEDS})
"""Troubles that keep no look at the order book waiting."""
STOPS_STAND = frozenset(
    {
        "reject_targets",
        "reject_entries",
        "busy_changes",
        "lose_stops",
        "cap_modifications",
        "push_doubled",
        "cut_fills",
        "flatten",
    }
)
"""Troubles in which no stop is refused three times in a row, and nothing trades that was thought
gone.
"""
TAG_AT = 72
"""Offset of `cl_ord_id` in command_t."""


def specs(sim: Simulator, scenario: Scenario) -> list[InstrumentSpec]:
    """The scenario's instruments in the core's units."""
    date = sim.dates()[-1]
    found = []
    for key in sorted_keys(scenario):
        contract = sim.exchange.market.universe.resolve(key)
        open_ns, _ = contract.session_ns(date)
        close_ns = open_ns + scenario.minutes * MINUTE
        strategies = [strategy for strategy in scenario.strategies if strategy.key == key]
        drawn = scenario.instrument(key)
        session = SessionSpec(
            open_ns,
            open_ns + drawn.entry_delay_s * SECOND,
            close_ns - drawn.entry_stop_s * SECOND,
            close_ns - drawn.square_off_s * SECOND,
            close_ns,
        )
        found.append(_instrument(sim, scenario, contract, session, strategies, drawn))
    return found


def traded(instruments: list[InstrumentSpec], scenario: Scenario) -> list[TraderInstrument]:
    """The same in the trader's words. Strategies are counted as they are looked at: instrument by
    instrument, minute bars first, then the shorter before the longer.
    """
    number = 0
    found = []
    for place, spec in enumerate(instruments):
        strategies = []
        drawn = [one for one in scenario.strategies if one.key == sorted_keys(scenario)[place]]
        by_name = {named(at, one): one for at, one in enumerate(drawn)}
        for one in sorted(spec.strategies, key=lambda one: (one.interval_s != 60, one.interval_s)):
            strategies.append(
                TradedStrategy(
                    number,
                    one.kind,
                    one.interval_s * SECOND,
                    one.params,
                    one.plan,
                    one.name,
                    by_name[one.name].file,
                    tuple(length_s * SECOND for length_s in by_name[one.name].further_s),
                )
            )
            number += 1
        hours = spec.session
        found.append(
            TraderInstrument(
                f"{spec.exchange}:{spec.symbol}",
                spec.product,
                spec.tick_size_e4,
                spec.lot_size,
                spec.freeze_qty,
                spec.multiplier,
                spec.exchange not in ("NSE", "BSE"),
                hours.open_ns,
                hours.entry_from_ns,
                hours.entry_until_ns,
                hours.close_ns,
                hours.square_off_ns,
                place,
                strategies,
            )
        )
    return found


def _instrument(
    sim: Simulator,
    scenario: Scenario,
    contract: ListedContract,
    session: SessionSpec,
    strategies: list[StrategyDraw],
    drawn: InstrumentDraw,
) -> InstrumentSpec:
    close_e4 = sim.exchange.prices.previous_close_e4(contract, sim.dates()[-1])
    quote = sim.exchange.market.quote(contract)
    names = names_at(contract, sim.cfg.broker)
    other_names = names_at(contract, second) if (second := scenario.second_feed.broker) else {}
    return InstrumentSpec(
        contract.token,
        contract.exchange,
        contract.tradingsymbol,
        drawn.product,
        PRODUCT_CODES[drawn.product],
        contract.segment,
        drawn.feed_mode,
        contract.tick_e4,
        contract.lot,
        contract.freeze_qty,
        contract.multiplier,
        quote.low_band_e4,
        quote.high_band_e4,
        session,
        [
            StrategySpec(
                named(number, strategy),
                strategy.kind,
                strategy.interval_s,
                _params(strategy, close_e4),
                strategy.plan,
                warm_start=bool(scenario.history.answer),
                is_auto=strategy.auto,
                compiled=compiled(strategy.file, strategy.params, strategy.further_s)
                if strategy.file
                else None,
            )
            for number, strategy in enumerate(strategies)
        ],
        wire_symbol=names.get("wire_symbol", ""),
        key=names.get("key", "") or other_names.get("key", ""),
    )


def sorted_keys(scenario: Scenario) -> list[str]:
    """Its instruments, in the order in which they are traded."""
    return sorted({strategy.key for strategy in scenario.strategies})


def named(number: int, strategy: StrategyDraw) -> str:
    """What the configuration calls the so many-th strategy of an instrument."""
    return f"{number} {strategy.kind}"


def _params(strategy: StrategyDraw, close_e4: int) -> dict[str, Any]:
    if strategy.kind != "price_level":
        return strategy.params
    return {**strategy.params, "level": close_e4 * (1 + strategy.level_bps / 10_000) / 10_000}
