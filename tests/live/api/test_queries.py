"""What the page asks for when somebody looks, in the middle of a day, against the exchange and
against the core's own source.
"""

import re
from pathlib import Path
from typing import Any

import msgspec

from otrade._core.types import Reason
from otrade.live.api.decision_card import FILTER_GATES, RISK_GATES, gates_of
from otrade.live.api.engine_source import LiveEngineSource
from otrade.live.api.queries import LiveQueries
from otrade.live.control.commands import Commands
from otrade.live.history.order_timeline import STEPS_MAX, OrderTimelines
from tests.harness.simulated_day import MINUTE, SECOND, SimulatedDay, run, simulated_day

CORE = Path(__file__).parents[3] / "otrade" / "_core"


def source_of(here: SimulatedDay) -> LiveEngineSource:
    source = LiveEngineSource(here.board, Commands(), mode="paper", broker_kind="sim", speed=0.0)
    source.set_day(here.day)
    return source


def valid(row: Any) -> None:
    """msgspec checks types on the way in only: so out and in again."""
    assert msgspec.json.decode(msgspec.json.encode(row), type=type(row)) == row


def test_stories_lines_curve_stages_and_limits_of_a_day() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            source = source_of(here)
            reads = source.queries
            await here.open()
            await here.sim.run_until(here.at("09:40"))
            await here.run_until(lambda: bool(here.open_keys()) and len(here.day.trades) > 2)
            await here.sim.run_until(here.now_ns + SECOND)

            for order in source.orders():
                story = reads.order_timeline(order.cl_ord_id)
                assert story is not None and story.is_whole
                valid(story)
                steps = story.steps
                assert [step.after_us for step in steps] == sorted(step.after_us for step in steps)
                assert steps[0].what == "Asked: place" and steps[0].after_us == 0
                whats = [step.what for step in steps]
                assert (
                    whats.count("Sent: the last byte is out")
                    == whats.count("The broker has taken it")
                    >= 1
                )
                theirs = next(
                    o for o in here.sim.exchange.orders() if o.order_id == order.broker_order_id
                )
                if theirs.filled_qty:
                    told = f"{theirs.filled_qty} of {theirs.terms.quantity} filled"
                    assert any(step.by == "exchange" and told in step.words for step in steps), (
                        "as the exchange has it"
                    )
                entry_facts = {fact.name: fact.value for fact in story.why.facts}
                assert entry_facts["Instrument"].endswith(
                    here.day.plan.instruments[order.instrument_id].symbol
                )
                assert bool(story.why.gates) == (order.leg == "ENTRY")
                assert {gate.verdict for gate in story.why.gates} <= {"passed"}, (
                    "what was sent has passed every gate"
                )
            assert reads.order_timeline("OTNOSUCHORDER") is None

            curve = reads.equity(0)
            status = source.status()
            assert len(curve) == len({point.ts_ms for point in curve}) > 90, (
                "a point every quarter of a minute"
            )
            assert curve[-1].gross_e4 - curve[-1].net_e4 <= status.pnl.charges_e4
            assert reads.equity(curve[-2].ts_ms) == curve[-2:]

            [low, high] = reads.indicators(0, 0)
            valid(low)
            [line] = low.lines
            assert (line.indicator, line.label, line.pane) == ("slow", "level", "")
            assert low.name != high.name
            level = here.day.plan.strategies[0].params["level"]
            assert set(line.values) == {level}
            closed = [candle.ts_ms for candle in source.candles(0, 60)][:-1]
            assert low.ts_ms == closed and len(closed) > 15, "a value for each closed candle"
            assert low.end_ms == [ts_ms + 60_000 for ts_ms in closed]
            later = reads.indicators(0, low.end_ms[-3])[0]
            assert later.ts_ms == closed[-2:] and len(later.lines[0].values) == 2

            assert [stage.name for stage in reads.latency()][:3] == [
                "Frame",
                "Tick to decision",
                "Tick to order",
            ]
            for stage in reads.latency():
                valid(stage)
                assert stage.words and stage.name[0].isupper(), "said in words"
                assert stage.clock == (
                    "machine"
                    if stage.name in ("Frame", "Tick to decision", "Tick to order")
                    else "engine"
                )
                assert sum(bucket.n for bucket in stage.buckets) == stage.n
                assert stage.p50_ns <= stage.p99_ns <= stage.p999_ns <= stage.max_ns
            limits = reads.limits()
            assert limits is not None
            valid(limits)
            by_name = {budget.name: budget for budget in limits.budgets}
            placed = len(here.sim.exchange.orders())
            assert by_name["Orders placed today"].used == placed
            since_ns = here.now_ns - 1_800 * SECOND
            recent = [one for one in here.sim.exchange.orders() if one.ts_placed_ns > since_ns]
            assert by_name["Requests in the last half hour"].used >= len(recent) > 0
            assert (
                by_name["Requests in the last second"].used
                <= by_name["Requests in the last minute"].used
            )

            # An hour later nothing of that half hour counts any more: nobody has turned the ring
            # since.
            here.day.engine.on_pause(True, here.now_ns)
            for budget in ("half_hour_used", "minute_used", "second_used"):
                assert here.day.engine.budget()[budget] >= 0

            for row in source.brackets():
                if row.state != "CLOSED" and row.stop_px_e4 is not None and row.ltp_e4 is not None:
                    away = abs(row.ltp_e4 - row.stop_px_e4) * row.open_qty
                    assert row.risk_e4 in (0, away)
            oldest = {row.name: row.used for row in limits.limits}["Oldest price"]
            assert oldest is not None and 0 <= oldest < 10_000
            await here.run_to_end()
            over = reads.limits()
            assert over is not None
            assert {row.name: row.used for row in over.limits}["Oldest price"] == 0, (
                "a price of what has closed is the last, not old"
            )

    run(body())


def test_a_refused_signal_names_its_gate() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            source = source_of(here)
            await here.open()
            here.day.engine.on_pause(True, here.now_ns)
            await here.run_until(lambda: bool(here.day.signals.refused), MINUTE)
            refused = next(row for row in source.signals(0) if not row.taken)
            why = source.queries.decision(refused.seq)
            assert why is not None
            [failed] = [gate for gate in why.gates if gate.verdict == "failed"]
            assert failed.code == refused.reason
            at = why.gates.index(failed)
            assert {gate.verdict for gate in why.gates[:at]} <= {"passed"}
            assert {gate.verdict for gate in why.gates[at + 1 :]} <= {"not_asked"}
            assert (
                source.queries.decision(refused.seq + 1_000) is None
                and source.queries.decision(0) is None
            )

    run(body())


def reasons_in(text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"return (?:REASON_)?(\w+)", text)))


PARTS = ("gate_entry", "gate_rate", "gate_shape", "budget_left")


def test_the_gates_are_those_of_the_core_in_its_order() -> None:
    """Read from the core's source: a gate that is added or moved there must be told here."""
    risk = (CORE / "orders" / "risk.pyx").read_text()
    parts = {name: risk.partition(f"cdef int {name}(")[2].partition("\ncdef ")[0] for name in PARTS}
    order: list[str] = []
    entry = (
        (CORE / "orders" / "entry.pyx")
        .read_text()
        .partition("cdef int _gate(")[2]
        .partition("\ncdef ")[0]
    )
    brake = (
        entry.partition("gate_entry(")[2]
        .partition("return")[0]
        .replace("reason = REASON_ENTRY_BRAKE", "return REASON_ENTRY_BRAKE")
    )
    for line in (parts["gate_entry"] + brake + parts["gate_rate"]).splitlines():
        if "gate_shape(" in line:
            order += [name for name in reasons_in(parts["gate_shape"]) if name != "OK"]
        elif "budget_left(" in line:
            order += [name for name in reasons_in(parts["budget_left"]) if name != "OK"]
        elif found := re.search(r"return REASON_(\w+)", line):
            order += [found[1]] if found[1] not in (*order, "OK") else []
    told = [reason.name for reason, _ in RISK_GATES]
    assert told[:2] == ["STOP_DISTANCE", "QTY_ZERO"], "asked by the sizing, before any gate"
    assert told[2:] == [name for name in order if name != "QTY_ZERO"]
    refuses = (CORE / "kernels" / "filters.py").read_text().partition("def filters_refuse")[2]
    assert [reason.name for reason, _, _ in FILTER_GATES] == [
        name for name in reasons_in(refuses) if name != "0"
    ]


def test_a_gate_that_is_not_in_the_list_is_told_all_the_same() -> None:
    gates = gates_of({}, Reason.CAPACITY, taken=False)
    assert gates[-1].code == "CAPACITY" and gates[-1].verdict == "failed"
    assert not any(gate.verdict == "not_asked" for gate in gates)


class JournalledCommand:
    kind, qty, price_e4, trigger_e4, ord_type, ts_ns, cl_ord_id = 1, 10, 0, 0, 1, 5, "OT1"

    def __init__(self, seq: int) -> None:
        self.seq = seq


def test_an_order_keeps_its_beginning_and_its_end() -> None:
    stories = OrderTimelines()
    for seq in range(200):
        stories.requested(JournalledCommand(seq))
        stories.sent(seq, 100 + seq)
    steps = stories.of("OT1")
    assert len(steps) == STEPS_MAX
    assert (
        steps[0].what == "Asked: place"
        and steps[1].words == "request 0"
        and steps[-1].words == "request 199"
    )
    stories.sent(10_000, 1)  # of nobody
    assert stories.of("OT2") == []


def test_before_the_first_day_nothing_is_there() -> None:
    reads = LiveQueries()
    assert (
        list(reads.equity(0)) == []
        and list(reads.indicators(0, 0)) == []
        and list(reads.latency()) == []
    )
    assert (
        reads.order_timeline("OT1") is None and reads.decision(1) is None and reads.limits() is None
    )
