"""`exit_mode: auto`: what the broker's margin preview says at the day's start, what becomes of it,
and that a later start keeps it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from otrade._core.types import ExitReason, OrdType, Rec, Severity
from otrade.brokers.adapter import BrokerAdapter
from otrade.brokers.margins import together_e4
from otrade.brokers.session import OrderTerms, Wanted
from otrade.calendar import Calendar
from otrade.config import manager
from otrade.drill.process import BrokerKind, adapter_at, new_token
from otrade.drill.rest_budget import LIMITS, PREVIEWS, RestBudgetExceeded, check_rest_budget
from otrade.errors import BrokerError
from otrade.journal.memory import MemoryJournal
from otrade.journal.scan import records
from otrade.live.notices.board import NoticeBoard
from otrade.live.plan.engine_builder import InstrumentSpec
from otrade.live.startup import exit_modes
from otrade.live.startup.day_builder import DayBuilder
from otrade.live.startup.exit_modes import COSTS, FREE, OTHERS, UNKNOWN, Settled, settle
from otrade.simulator.faults.injector import FaultInjector
from tests.harness.simulated_day import PLAN, SECOND, SimulatedDay, run, simulated_day, specs

BROKERS: tuple[BrokerKind, ...] = ("kite", "upstox")
both = pytest.mark.parametrize("broker", BROKERS)


def auto_specs(here: SimulatedDay, *, side_mask: int = 3) -> list[InstrumentSpec]:
    """The world's instruments with their bands; every strategy is auto."""
    found = []
    for spec in specs(
        here.sim, here.date, here.settings.keys, (-20, 20), 2.0, {}, here.settings.broker
    ):
        quote = here.sim.exchange.market.quote(
            here.sim.exchange.market.universe.resolve(f"{spec.exchange}:{spec.symbol}")
        )
        strategies = [
            msgspec.structs.replace(
                strategy, is_auto=True, params={**strategy.params, "side_mask": side_mask}
            )
            for strategy in spec.strategies
        ]
        bands = {"band_lo_e4": quote.low_band_e4, "band_hi_e4": quote.high_band_e4}
        found.append(msgspec.structs.replace(spec, strategies=strategies, **bands))
    return found


def an_adapter(here: SimulatedDay) -> BrokerAdapter:
    adapter = adapter_at(here.sim, here.ports, here.settings.broker, here.sim.clock)
    adapter.use(new_token(here.sim, here.settings.broker))
    return adapter


async def settled(
    here: SimulatedDay, wanted: list[InstrumentSpec], before: dict[str, object] | None = None
) -> Settled:
    adapter = an_adapter(here)
    try:
        return await here.sim.during(settle(wanted, adapter, here.sim.clock, before or {}))
    finally:
        adapter.close()


def modes(done: Settled) -> set[int]:
    return {
        int(strategy.plan.get("exit_mode", 0))
        for spec in done.specs
        for strategy in spec.strategies
    }


def n_asked(here: SimulatedDay) -> int:
    return sum(path.startswith(PREVIEWS) for _, _, path in here.sim.faults.asked)


def in_world(work: Any, **given: Any) -> None:
    async def body() -> None:
        async with simulated_day(**given) as here:
            await work(here)

    run(body())


ANSWERS = [
    ("free", 1, Severity.INFO, "oco, because the second exit costs no margin"),
    ("costs", 0, Severity.INFO, "stop_resting, because the second exit would cost margin"),
    ("untold", 0, Severity.WARN, "does not say what the second exit costs (a total is missing"),
]


@both
@pytest.mark.parametrize(("second_exit", "mode", "severity", "words"), ANSWERS)
def test_the_brokers_answer_decides_and_is_said_once(
    broker: BrokerKind, second_exit: str, mode: int, severity: Severity, words: str
) -> None:
    async def work(here: SimulatedDay) -> None:
        done = await settled(here, auto_specs(here))
        assert modes(done) == {mode}
        assert (
            done.severity == severity
            and words in done.words
            and "level -20 INFY" in done.words
            and "level +20 SBIN" in done.words
        )
        assert n_asked(here) == (4 if second_exit == "untold" else 8), (
            "two instruments, two sides, two baskets"
        )
        check_rest_budget(here.sim.faults.asked)
        again = await settled(here, auto_specs(here), dict(done.answers))
        assert (modes(again), again.answers, again.words) == ({mode}, done.answers, "")
        assert n_asked(here) == (4 if second_exit == "untold" else 8), "an answer holds for the day"

    in_world(work, broker=broker, config={"second_exit": second_exit})


@both
def test_shares_for_delivery_are_on_sale_once(broker: BrokerKind) -> None:
    """Whatever a second exit costs, the broker rejects a second sale of the same shares: it is not
    even asked.
    """

    async def work(here: SimulatedDay) -> None:
        wanted = [
            msgspec.structs.replace(spec, product="CNC") for spec in auto_specs(here, side_mask=1)
        ]
        done = await settled(here, wanted)
        assert modes(done) == {0} and n_asked(here) == 0
        assert done.severity == Severity.INFO
        assert "shares for delivery can be on sale only once" in done.words

    in_world(work, broker=broker, config={"second_exit": "free"})


@both
def test_preview_and_ledger_agree_to_the_paisa(broker: BrokerKind) -> None:
    """What the broker says about entry, stop and target is what its ledger blocks when they are
    placed.
    """

    async def one(second_exit: str, key: str, product: str) -> int:
        costs_e4 = 0

        async def work(here: SimulatedDay) -> None:
            nonlocal costs_e4
            sim, universe = here.sim, here.sim.exchange.market.universe
            await sim.run_until(here.at("09:20"))
            contract = universe.resolve(key)
            (spec,) = specs(sim, here.date, (key,), (), 2.0, {}, broker)
            px_e4, qty = sim.exchange.market.quote(contract).ltp_e4, contract.lot
            symbol = spec.wire_symbol or spec.symbol
            far_e4 = 100 * contract.tick_e4
            orders = [
                Wanted(spec.exchange, symbol, product, 1, OrderTerms(qty, OrdType.LIMIT, px_e4)),
                Wanted(
                    spec.exchange,
                    symbol,
                    product,
                    -1,
                    OrderTerms(qty, OrdType.SL, px_e4 - far_e4, px_e4 - far_e4),
                ),
                Wanted(
                    spec.exchange,
                    symbol,
                    product,
                    -1,
                    OrderTerms(qty, OrdType.LIMIT, px_e4 + far_e4),
                ),
            ]
            adapter = an_adapter(here)
            told = [await sim.during(adapter.margin_e4(orders[:n])) for n in (1, 2, 3)]
            adapter.close()
            exchange = sim.exchange
            blocked = []
            for side, order in ((1, ""), (-1, "SL"), (-1, "LIMIT")):
                if order:
                    wanted = next(
                        w
                        for w in orders
                        if w.side == side and (w.terms.trigger_e4 > 0) == (order == "SL")
                    )
                    place_exit(here, key, product, wanted.terms)
                else:
                    exchange.place_manual(key, side, qty, product=product)
                await sim.run_until(here.now_ns + SECOND)
                blocked.append(exchange.funds().blocked_e4)
            assert told[0] > 0 and told[1] == told[0], "the stop is covered by the entry"
            assert blocked[1] == blocked[0]
            assert abs((told[2] - told[1]) - (blocked[2] - blocked[1])) <= 100, (told, blocked)
            costs_e4 = blocked[2] - blocked[1]

        async with simulated_day(broker=broker, config={"second_exit": second_exit}) as here:
            await work(here)
        return costs_e4

    for key, product in (("NSE:INFY", "MIS"), ("NFO:NIFTY.FUT", "NRML")):
        assert run(one("costs", key, product)) > 0
        assert run(one("free", key, product)) == 0


def place_exit(here: SimulatedDay, key: str, product: str, terms: OrderTerms) -> None:
    from otrade.simulator.exchange import orders as sim_orders

    exchange = here.sim.exchange
    kind = "SL" if terms.trigger_e4 else "LIMIT"
    wanted = sim_orders.RequestedTerms(kind, terms.qty, terms.price_e4, terms.trigger_e4)
    (order,) = exchange.place(
        sim_orders.OrderRequest(exchange.market.universe.resolve(key), -1, product, wanted)
    )
    assert isinstance(order, sim_orders.Order)


@pytest.mark.parametrize(
    ("rows", "alone", "together", "words"),
    [
        (None, 10.0, 5.0, "not about the 3 orders"),
        ([{}, {}], 10.0, 5.0, "not about the 3 orders"),
        ({"0": {}}, 10.0, 5.0, "not about the 3 orders"),
        ([{}] * 3, None, 5.0, "missing"),
        ([{}] * 3, 10.0, None, "missing"),
        ([{}] * 3, 10.0, "", "missing"),
        ([{}] * 3, 0, 0, "costs nothing"),
        ([{}] * 3, 0.00001, 0, "costs nothing"),
        ([{}] * 3, 10.0, -0.01, "negative"),
        ([{}] * 3, 10.0, "NaN", "not a number"),
        ([{}] * 3, 10.0, float("inf"), "not a number"),
        ([{}] * 3, 10.0, True, "not a number"),
        ([{}] * 3, 10.0, [5.0], "not a number"),
        ([{}] * 3, 10.0, 1e300, "no such number"),
    ],
)
def test_an_answer_that_leaves_anything_open_is_none(
    rows: Any, alone: Any, together: Any, words: str
) -> None:
    with pytest.raises(BrokerError, match=words):
        together_e4(3, rows, alone, together)


def test_an_answer_is_read_to_the_paisa() -> None:
    assert together_e4(3, [{}] * 3, 300, "96504.975") == 965_049_750
    assert together_e4(3, [{}] * 3, 300, 0) == 0, "nothing more is a number too"


@both
@pytest.mark.parametrize("how", ["502_html", "cut", "reset", "504", "silence", "500", "429"])
def test_a_broker_that_does_not_answer_leaves_the_stop_resting(
    broker: BrokerKind, how: Any
) -> None:
    async def work(here: SimulatedDay) -> None:
        faults: FaultInjector = here.sim.faults
        if how in ("500", "429"):
            faults.lose_request(how, count=100, path_prefix=PREVIEWS)
        else:
            faults.answer_wrongly(how, count=100, path_prefix=PREVIEWS)
        began_ns = here.now_ns
        done = await settled(here, auto_specs(here))
        assert (
            modes(done) == {0} and done.severity == Severity.WARN and "does not say" in done.words
        )
        assert here.now_ns - began_ns <= 12 * SECOND, (
            "one silence is waited for, not one for each question"
        )
        faults.clear()
        assert modes(await settled(here, auto_specs(here), dict(done.answers))) == {0}, (
            "a later start of the day goes by the first one"
        )
        assert modes(await settled(here, auto_specs(here))) == {1}, "the next day asks again"

    in_world(work, broker=broker, config={"second_exit": "free"})


def test_every_side_must_be_free_and_other_strategies_stay_as_they_are() -> None:
    async def work(here: SimulatedDay) -> None:
        wanted = auto_specs(here)
        infy, sbin = wanted
        plain = msgspec.structs.replace(
            infy.strategies[0], is_auto=False, plan={**PLAN, "exit_mode": 1}
        )
        other = msgspec.structs.replace(plain, plan={**PLAN, "exit_mode": 0})
        mixed = msgspec.structs.replace(infy, strategies=[plain, other, infy.strategies[0]])
        short = [
            msgspec.structs.replace(s, params={**s.params, "side_mask": 2}) for s in sbin.strategies
        ]
        given = {
            f"{i.exchange}:{i.symbol} {i.product} {side}": FREE
            for i in wanted
            for side in ("BUY", "SELL")
        }
        given["NSE:INFY MIS SELL"] = COSTS
        done = await settled(
            here, [mixed, msgspec.structs.replace(sbin, strategies=short)], dict(given)
        )
        assert [s.plan.get("exit_mode") for s in done.specs[0].strategies] == [1, 0, None]
        assert [s.plan.get("exit_mode") for s in done.specs[1].strategies] == [1, 1]
        assert n_asked(here) == 0 and done.words == ""
        nothing = await settled(here, [msgspec.structs.replace(infy, strategies=[plain, other])])
        assert (n_asked(here), nothing.words, nothing.answers) == (0, "", {})

    in_world(work, config={"second_exit": "free"})


def test_without_a_band_nothing_is_known() -> None:
    async def work(here: SimulatedDay) -> None:
        bare = [
            msgspec.structs.replace(spec, band_lo_e4=0, band_hi_e4=0) for spec in auto_specs(here)
        ]
        done = await settled(here, bare)
        assert modes(done) == {0} and n_asked(here) == 0 and "no price band" in done.words

    in_world(work, config={"second_exit": "free"})


def test_only_so_many_are_asked_about_and_a_later_start_asks_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exit_modes, "QUESTIONS_MAX", 3)

    async def work(here: SimulatedDay) -> None:
        done = await settled(here, auto_specs(here))
        assert n_asked(here) == 6 and set(done.answers.values()) == {
            FREE,
            f"{UNKNOWN}only 3 different entries are asked about in a day",
        }
        assert OTHERS in done.answers
        infy, sbin = done.specs
        assert {s.plan.get("exit_mode", 0) for s in infy.strategies} == {1} and {
            s.plan.get("exit_mode", 0) for s in sbin.strategies
        } == {0}
        again = await settled(here, auto_specs(here), dict(done.answers))
        assert n_asked(here) == 6 and (again.specs, again.answers, again.words) == (
            done.specs,
            done.answers,
            "",
        )

    in_world(work, config={"second_exit": "free"})


def test_the_limits_of_the_table_can_say_no() -> None:
    a_second, a_minute = LIMITS["margin preview"]
    assert (
        exit_modes.QUESTIONS_MAX * 2 <= a_minute and 2 * SECOND // exit_modes.APART_NS <= a_second
    )
    for path in PREVIEWS:
        check_rest_budget([(i * SECOND // a_second, "other", path) for i in range(a_second)])
        with pytest.raises(RestBudgetExceeded, match="margin preview"):
            check_rest_budget(
                [(i * SECOND // (a_second + 1), "other", path) for i in range(a_second + 1)]
            )


# -------------------------------------------------------------------------------------------------------------
# the whole start
@dataclass(frozen=True)
class TokenGivenAccess:
    """A token that somebody has got already."""

    adapter: BrokerAdapter
    given: str
    account: str = "test"

    async def token(self, *, ask: bool = True) -> str:
        self.adapter.use(self.given)
        return self.given

    def fresh_token(self, old: str) -> str | None:
        return None


def maker_of(here: SimulatedDay, path: Path, **bracket: Any) -> DayBuilder:
    strategy = {
        "kind": "ema_cross",
        "name": "cross",
        "instrument": "NSE:INFY",
        "sizing": {"mode": "fixed", "value": 10},
        "bracket": {
            "stop": {"kind": "pct", "value": 0.2},
            "target": {"kind": "pct", "value": 0.3},
            "exit_mode": "auto",
            **bracket,
        },
        "params": {"fast_period": 3, "slow_period": 8},
    }
    config = {
        "mode": "live",
        "broker": {"kind": here.settings.broker},
        "instruments": [{"symbol": "NSE:INFY"}],
        "strategies": [strategy],
        "paths": {"var": str(path / "var")},
    }
    file = path / "config.json"
    file.write_text(json.dumps(config))
    adapter = adapter_at(here.sim, here.ports, here.settings.broker, here.sim.clock)
    if here.settings.broker == "upstox":
        adapter._instruments_url = (
            f"{here.ports.upstox_rest_url}/market-quote/instruments/exchange/complete.json.gz"
        )
    access = TokenGivenAccess(adapter, new_token(here.sim, here.settings.broker))
    board = NoticeBoard(lambda: here.now_ns)
    return DayBuilder(
        manager.load(file), Calendar.load(), access, here.sim.clock, board, is_paper=True
    )


@both
def test_a_later_start_keeps_the_mode_and_the_journal_though_the_broker_says_otherwise(
    broker: BrokerKind, tmp_path: Path
) -> None:
    async def work(here: SimulatedDay) -> None:
        ledger = here.sim.exchange.ledger
        resumed, said, found = [], [], []
        for second_exit_costs in (False, True, True):
            ledger.second_exit_costs = second_exit_costs
            maker = maker_of(here, tmp_path)
            prepared = await here.sim.during(maker.build(here.date))
            day = prepared.day
            assert day.journal is not None
            resumed.append(day.journal.is_resumed)
            found.append(day.engine.strategy(0)["plan"]["exit_mode"])
            said.append(
                [
                    n.text
                    for n in maker.board.since(0)
                    if n.code in ("EXIT_MODES", "JOURNAL_NOT_USED")
                ]
            )
            if not day.journal.is_resumed:
                day.engine.start(here.now_ns)
            day.engine.on_timer(here.now_ns)
            day.journal.close(here.now_ns)
            await here.sim.run_until(here.now_ns + 5 * SECOND)
        assert (resumed, found) == ([False, True, True], [1, 1, 1])
        assert [len(texts) for texts in said] == [1, 0, 0] and "cross: oco" in said[0][0], said
        assert n_asked(here) == 4
        (file,) = (tmp_path / "var" / "journal").glob("*.otj")
        hellos = [
            json.loads(bytes(record.payload))
            for record in records(file)
            if record.kind == Rec.HELLO
        ]
        assert [hello["exits"] for hello in hellos] == [
            {"NSE:INFY MIS BUY": FREE, "NSE:INFY MIS SELL": FREE}
        ] * 3

    in_world(work, broker=broker)


def test_a_strategy_without_a_target_or_with_a_mode_of_its_own_asks_nothing(tmp_path: Path) -> None:
    async def work(here: SimulatedDay) -> None:
        for number, (bracket, mode) in enumerate(
            (({"target": None}, 0), ({"exit_mode": "oco"}, 1), ({"exit_mode": "stop_resting"}, 0))
        ):
            place = tmp_path / str(number)
            place.mkdir()
            prepared = await here.sim.during(maker_of(here, place, **bracket).build(here.date))
            assert prepared.day.engine.strategy(0)["plan"]["exit_mode"] == mode
            assert prepared.day.journal is not None
            prepared.day.journal.close(here.now_ns)
            await here.sim.run_until(here.now_ns + 5 * SECOND)
        assert n_asked(here) == 0

    in_world(work, config={"second_exit": "free"})


# -------------------------------------------------------------------------------------------------------
# the broker says otherwise
@both
def test_a_target_that_is_refused_for_funds_leaves_the_position_under_its_stop(
    broker: BrokerKind,
) -> None:
    """The preview said "free", and the placement is refused: the target waits, nothing is closed
    for it, and the stop protects.
    """

    async def work(here: SimulatedDay) -> None:
        exchange = here.sim.exchange
        exchange.ledger.second_exit_costs = True
        await here.open()
        await here.run_until(lambda: exchange.net_qty() != {}, step_ns=SECOND // 10)
        await here.sim.run_until(here.now_ns + 10 * SECOND)
        engine = here.day.engine
        refused = [
            n for n in here.notices if "funds" in n.text.lower() or "margin" in n.text.lower()
        ]
        assert refused, "the target was refused for money"
        held = {key: abs(qty) for key, qty in exchange.net_qty().items()}
        assert held and engine.n_live
        stops = [o for o in exchange.live_orders() if o.waits_for_trigger]
        assert sum(o.leaves_qty for o in stops) == sum(held.values()), (
            "every open unit has its stop"
        )
        await here.run_to_end(step_ns=30 * SECOND)
        assert exchange.net_qty() == {} and here.worst_naked_ns <= 3 * SECOND
        assert here.day.trades.trades and all(
            trade.exit_reason != ExitReason.RISK for trade in here.day.trades.trades
        )
        assert here.true_pnl_e4() == engine.risk()["pnl_e4"]

    in_world(
        work, broker=broker, keys=("NSE:INFY",), offsets_bps=(-20,), hours=0.7, plan={"exit_mode": 1, "size_value": 100.0},
        config={"second_exit": "free", "funds_rupees": 45_000.0},
    )  # fmt: skip


@both
def test_both_exits_work_where_the_broker_takes_them_for_nothing(broker: BrokerKind) -> None:
    """The same account with the same money: the second exit blocks nothing, so it stands."""

    async def work(here: SimulatedDay) -> None:
        exchange = here.sim.exchange
        await here.open()
        await here.run_until(lambda: exchange.net_qty() != {}, step_ns=SECOND // 10)
        await here.sim.run_until(here.now_ns + 3 * SECOND)
        kinds = sorted(
            order.terms.order_type for order in exchange.live_orders() if order.leaves_qty
        )
        assert kinds == ["LIMIT", "SL"] and exchange.net_qty() != {}
        await here.run_to_end()
        assert exchange.net_qty() == {}

    in_world(
        work, broker=broker, keys=("NSE:INFY",), offsets_bps=(-20,), hours=0.7, plan={"exit_mode": 1, "size_value": 100.0},
        config={"second_exit": "free", "funds_rupees": 45_000.0}, journal=MemoryJournal(),
    )  # fmt: skip
