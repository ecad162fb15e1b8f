"""A seed becomes a session: what is traded, how, under which limits, and what goes wrong when.
Plain data, so that it can be printed, cut down and run again.
"""

import datetime as dt
import random
from dataclasses import dataclass, field, replace
from typing import Any

from otrade.brokers.registry import BROKERS, NAMES
from otrade.config.schema import BrokerConfig
from otrade.drill.bounds.allowance import TroubleAllowance
from otrade.drill.draws.actions import PersonAction, draw_actions
from otrade.drill.draws.feeds import ONE_FEED, SecondFeedDraw, draw_feed_troubles, draw_second_feed
from otrade.drill.draws.files import draw_file, without_atr
from otrade.drill.draws.history import COLD, FURTHER_S, INTERVAL_S, HistoryDraw, draw_history
from otrade.drill.draws.instruments import FULL, LTP, InstrumentDraw, draw_contract, draw_instrument
from otrade.drill.draws.limits import widen_limits
from otrade.drill.draws.nights import CarriedPosition, draw_carried
from otrade.drill.draws.strategies import draw_kind, widen_strategy
from otrade.drill.trouble import (
    BASE_S,
    OF_TWO_FEEDS,
    PASSED_OVER,
    PEER,
    POSTBACK,
    RANGE_S,
    TROUBLES,
    UNTOLD_S,
    WATCHDOG_S,
)
from otrade.simulator.base.config import BOOK_PERCENT

KEYS = ("NSE:INFY", "NSE:SBIN")
FUTURE = "NFO:NIFTY.FUT"
CROWDS = 0.07
"""Of the scenarios: many strategies whose bars close at the same moment, on a budget that cannot
take them all at once.
"""
AUTO = 0.25
"""Of the strategies with a target: the broker's margin preview says how they leave."""
PASSED_OVERS = 0.3
WATCHDOGS = 0.4
"""Of the deaths."""
PEERS = 0.1
"""Of the scenarios: entries wait at the exchange."""
POSTING = next(row.name for row in BROKERS.values() if row.order_hook)
"""The broker that posts to hooks of ours."""
POSTBACKS = 0.25
"""Of its scenarios: once to four times."""
STRANGERS = 0.12
"""Of the scenarios, beside those that draw it as a trouble: somebody trades what is traded, and gives
it back.
"""
TAKE_OVERS = 0.1
"""Of the scenarios: what somebody else has traded, a person hands to the engine."""
LOST_S = 20.0
"""A death that is armed has mostly come within this, and another process has begun."""
NEAR_LOSS = 0.15
"""Of the scenarios: the day's loss is smaller than what one stop costs."""
SECOND = 1_000_000_000
EARLY_S = 1.0
"""A session does things a step late, and its death is seen a step later than it was."""
CALM_S = 150
"""At the end of a session nothing new goes wrong."""
DAYS = (dt.date(2026, 11, 20), dt.date(2026, 11, 23))
"""A Friday, and the Monday on which every session is."""
SPARE_MINUTES = 5
"""Prices that go on after the session's end, for an exit that is late."""


@dataclass(frozen=True, slots=True)
class StrategyDraw:
    """One strategy: its kind, parameters and plan in the core's units. `level_bps`: a level that
    far from yesterday's close.
    """

    key: str
    kind: str
    interval_s: int
    params: dict[str, Any]
    plan: dict[str, Any]
    level_bps: int = 0
    auto: bool = False
    """The broker's margin preview says whether stop and target both work."""
    file: str = ""
    """Of `kind` "file": which of the shipped strategy files; `params` are its own."""
    further_s: tuple[int, ...] = ()
    """Lengths of the bars that it sees beside its own; of a day they are minutes, of a session less."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that goes wrong `at_s` seconds after the open."""

    at_s: float
    kind: str
    args: dict[str, Any]


PLAIN = InstrumentDraw()
UNTIMED = frozenset(
    {
        "book_403",
        "clock_step",
        "clock_wrong",
        "silence_feed",
        "silent_run",
        "cut_feed",
        "cut_mid_frame",
        "half_open",
        "tick_hole",
        "token",
        "kill",
        *OF_TWO_FEEDS,
    }
)
"""Where packets have no time of their own, a price that comes late stands in the bar of when it came:
by a clock that is wrong, or in the first packet of a feed that was silent.
"""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One session of a drill."""

    seed: int
    minutes: int
    sim: dict[str, Any]
    strategies: list[StrategyDraw]
    limits: dict[str, int]
    budget: dict[str, int]
    events: list[Event] = field(default_factory=list)
    instruments: dict[str, InstrumentDraw] = field(default_factory=dict)
    """By the key of the strategies that trade them."""
    actions: list[PersonAction] = field(default_factory=list)
    history: HistoryDraw = COLD
    """Whether its indicators go on from the sessions before."""
    second_feed: SecondFeedDraw = ONE_FEED
    """Whether prices come by two feeds."""
    carried: list[CarriedPosition] = field(default_factory=list)
    """What somebody else has left over the night."""

    def instrument(self, key: str) -> InstrumentDraw:
        return self.instruments.get(key, PLAIN)

    def is_timed(self, key: str) -> bool:
        """Is it known when a trade was: by its packet, or because packets come at once?"""
        # A feed by number has room for the trade's time in full mode only.
        brokers = [self.sim["broker"], *self.sim.get("also", ())]
        by_number = any(BROKERS[name].is_feed_by_number for name in brokers)
        is_told = self.instrument(key).feed_mode == FULL or not by_number
        return is_told or not any(event.kind in UNTIMED for event in self.events)

    @property
    def is_blind_by_feed(self) -> bool:
        """May one feed's trouble keep the best price from the engine? Where both are in trouble, and
        where no volume says which of them is behind.
        """
        troubled = {event.args["broker"] for event in self.events if event.kind in OF_TWO_FEEDS}
        by_price = any(one.feed_mode == LTP for one in self.instruments.values())
        return len(troubled) > 1 or (bool(troubled) and by_price)

    @property
    def base_s(self) -> float:
        """For how long a position may be uncovered where nothing goes wrong."""
        return BASE_S if self.sim["push_working"] else BASE_S + UNTOLD_S

    def allowances(self, open_ns: int) -> list[TroubleAllowance]:
        """What each trouble may add, in a session that opens then."""
        return [
            TroubleAllowance(
                event.kind,
                open_ns + round((event.at_s - EARLY_S) * SECOND),
                round(TROUBLES[event.kind].lasts_s(event.args) * SECOND),
                round(TROUBLES[event.kind].allowance_s(event.args) * SECOND),
            )
            for event in self.events
        ]

    @property
    def bound_s(self) -> float:
        """For how long a position may be uncovered at worst, whenever troubles strike."""
        return self.base_s + sum(
            TROUBLES[event.kind].allowance_s(event.args) for event in self.events
        )

    @property
    def out_s(self) -> float:
        """How long a way out may take more than where nothing goes wrong."""
        longer = (
            float(event.args["s"])
            for event in self.events
            if event.kind in ("lock_circuit", "halt_market", "flex_band")
        )
        jumps = any(event.kind in ("gap", "silent_run") for event in self.events)
        return self.bound_s + sum(longer) + (RANGE_S if jumps else 0.0)

    @property
    def is_oco(self) -> bool:
        """May stop and target of a bracket both work? By the strategy's word, or by what the broker
        asks for the second one.
        """
        is_free = self.sim.get("second_exit") == "free"
        return any(
            strategy.plan.get("exit_mode") or (strategy.auto and is_free)
            for strategy in self.strategies
        )

    @property
    def may_exceed(self) -> bool:
        """May an exit be larger than what is open, for a while?"""
        return any(TROUBLES[event.kind].may_exceed(event.args) for event in self.events)


ONE_PLACEMENT = {"count": 1, "method": "POST"}
COMBINED: tuple[tuple[tuple[str, dict[str, Any]], ...], ...] = (
    (("answer_504", ONE_PLACEMENT), ("stale_book", {"n": 1, "s": 30.0})),
    (
        ("answer_reset", ONE_PLACEMENT),
        ("push_dropped", {"n": 3}),
        ("stale_book", {"n": 1, "s": 30.0}),
    ),
    (("answer_silence", ONE_PLACEMENT), ("push_dropped", {"n": 4})),
    (("cut_fills", {}), ("fill_after_cancel", {"n": 3}), ("flatten", {})),
    (("cut_fills", {}), ("halt", {"s": 40.0})),
)
"""Troubles that are worse together, at the same moment."""

OF_PRODUCTS = frozenset({"manual", "closed_by_hand", "broker_square_off", "other_product"})
PLAN: dict[str, Any] = {
    "stop_kind": 1, "stop_value": 15.0, "target_kind": 1, "target_value": 20.0, "size_mode": 0, "size_value": 10.0, "max_qty": 5000,
    "enabled": 1, "entry_offset_bps": 5.0, "entry_timeout_ns": 20_000_000_000, "stop_limit_bps": 20.0, "hysteresis_bps": 3.0,
    "ladder_start_bps": 10.0, "ladder_step_bps": 10.0, "ladder_interval_ns": 2_000_000_000, "ladder_max_steps": 5,
    "protection_e2": -1, "on_opposite": 1, "cooldown_ns": 0,
}  # fmt: skip


def draw(
    seed: int, kinds: list[str], strategies: list[StrategyDraw] | None = None, broker: str = ""
) -> Scenario:
    """The scenario of a seed. `kinds`: what may go wrong. `strategies`: strategies instead of random
    ones. `broker`: that one only; otherwise they take turns, seed by seed.
    """
    rng = random.Random(f"scenario {seed}")
    minutes = rng.randint(8, 14) * (6 if strategies else 1)
    chosen = strategies or [_strategy(rng) for _ in range(rng.randint(1, 3))]
    crowd = random.Random(f"crowd {seed}")
    if not strategies and crowd.random() < CROWDS:
        chosen = _crowd(crowd)
    exits = random.Random(f"exits {seed}")
    if not strategies:
        chosen = [
            _auto(strategy) if strategy.plan["target_kind"] and exits.random() < AUTO else strategy
            for strategy in chosen
        ]
        contract = draw_contract(seed, FUTURE)
        chosen = [
            replace(strategy, key=contract) if strategy.key == FUTURE else strategy
            for strategy in chosen
        ]
    keys = sorted({strategy.key for strategy in chosen})
    instruments: dict[str, InstrumentDraw] = {}
    if not strategies:
        instruments = {
            key: draw_instrument(seed, key, is_derivative=key not in KEYS) for key in keys
        }
        chosen = _widened(seed, chosen, instruments)
    history = COLD if strategies else draw_history(seed)
    if not strategies:
        chosen = _from_files(seed, chosen)
    if history.answer:
        chosen = [
            replace(
                strategy,
                interval_s=INTERVAL_S,
                further_s=(FURTHER_S,) if strategy.further_s else (),
            )
            for strategy in chosen
        ]
    last_s = minutes * 60 - CALM_S
    events = []
    apart_kinds = (PASSED_OVER, PEER, POSTBACK, *OF_TWO_FEEDS)
    others = [kind for kind in kinds if kind not in apart_kinds]
    for _ in range(rng.choice((0, 1, 2, 2, 3, 4, 6))):
        kind = rng.choice(others) if others else ""
        if kind:
            events.append(
                Event(round(rng.uniform(5, last_s), 1), kind, TROUBLES[kind].draw(rng, keys))
            )
    for pair in COMBINED:
        if rng.random() < 0.08 and all(kind in kinds for kind, _ in pair):
            at_s = round(rng.uniform(5, last_s), 1)
            events += [Event(at_s, kind, dict(args)) for kind, args in pair]
    apart = random.Random(f"passed over {seed}")
    if PASSED_OVER in kinds and apart.random() < PASSED_OVERS:
        at_s = round(apart.uniform(5, last_s / 4), 1)
        events.append(Event(at_s, PASSED_OVER, TROUBLES[PASSED_OVER].draw(apart, keys)))
    peers = random.Random(f"peers {seed}")
    if PEER in kinds and peers.random() < (PEERS if others else 1.0):
        at_s = round(peers.uniform(5, last_s), 1)
        events.append(Event(at_s, PEER, TROUBLES[PEER].draw(peers, keys)))
    own_broker = broker or NAMES[seed % len(NAMES)]
    posts = random.Random(f"postback {seed}")
    if (
        POSTBACK in kinds
        and own_broker == POSTING
        and posts.random() < (POSTBACKS if others else 1)
    ):
        for _ in range(posts.choice((1, 2, 4))):
            at_s = round(posts.uniform(5, last_s), 1)
            events.append(Event(at_s, POSTBACK, TROUBLES[POSTBACK].draw(posts, keys)))
    of_feeds = [kind for kind in kinds if kind in OF_TWO_FEEDS]
    wants_feeds = bool(of_feeds) and not others
    second = ONE_FEED
    if not strategies:
        second = draw_second_feed(seed, own_broker, NAMES, is_wanted=wants_feeds)
    if second.broker:
        events += [
            Event(
                at_s,
                kind,
                _of_feed(kind, TROUBLES[kind].draw(terms, keys), own_broker, second, terms),
            )
            for at_s, kind, terms in draw_feed_troubles(
                seed, of_feeds, last_s, is_wanted=wants_feeds
            )
        ]
    strangers = random.Random(f"stranger {seed}")
    shares = [key for key in keys if key in KEYS]
    if "manual" in kinds and shares and strangers.random() < STRANGERS:
        args = {
            "key": strangers.choice(shares),
            "side": strangers.choice((-1, 1)),
            "qty": strangers.choice((15, 20)),
        }
        events.append(Event(round(strangers.uniform(5, 90), 1), "manual", args))
    carried = draw_carried(
        seed, {key: instrument.product for key, instrument in instruments.items()}, last_s
    )
    held = {one.key for one in carried}
    events = [event for event in events if not held.intersection(_keys_of(event))]
    takes_over = (
        _take_over(seed, shares, events, instruments, last_s)
        if "manual" in kinds and not strategies
        else []
    )
    events += [Event(one.at_s - one.args["after_s"], "manual", one.args) for one in takes_over]
    events.sort(key=lambda event: event.at_s)
    return Scenario(
        seed,
        minutes,
        {
            "tick_interval_ms": rng.choice((500, 1000, 2000)),
            "first_minutes": minutes + SPARE_MINUTES,
            "funds_rupees": 1e8,
            "book_percent": BOOK_PERCENT,
            "push_working": rng.random() < 0.5,
            "broker": own_broker,
            **({"dates": DAYS} if carried else {}),
            "also": (second.broker,) if second.broker else (),
            "second_exit": exits.choice(("costs", "free", "free", "untold")),
        },
        chosen,
        {
            **(limits := widen_limits(seed, _limits(rng))),
            "entry_wait_ns": crowd.choice((0, 3, 5, 5)) * 1_000_000_000,
            **_near_loss(random.Random(f"loss {seed}"), chosen, limits["max_order_qty"]),
        },
        _budget(rng),
        [
            _of_watchdog(_of_history(_of_products(event, instruments), history), seed)
            for event in events
        ],
        instruments,
        []
        if strategies
        else [*draw_actions(seed, last_s, keys, [s.key for s in chosen]), *takes_over],
        history,
        second,
        carried,
    )


def _keys_of(event: Event) -> list[str]:
    """Instruments in which somebody else trades what the engine has, or as much again."""
    if event.kind not in ("manual", "closed_by_hand"):
        return []
    keys: list[str] = event.args.get("keys", [event.args.get("key", "")])
    return keys


def _of_feed(
    kind: str, args: dict[str, Any], first: str, second: SecondFeedDraw, rng: random.Random
) -> dict[str, Any]:
    """With the broker of the feed that it happens to."""
    if kind.startswith("first"):
        return {**args, "broker": first}
    if kind.startswith("second"):
        return {**args, "broker": second.broker}
    return {**args, "broker": rng.choice((first, second.broker))}


def _take_over(
    seed: int,
    shares: list[str],
    events: list[Event],
    instruments: dict[str, InstrumentDraw],
    last_s: float,
) -> list[PersonAction]:
    """Now and then somebody buys or sells what nothing is held of, and keeps it until the engine is
    told to take it over. In CNC he can only buy: a sale of what is not held is refused. Where a
    journal is lost, after that.
    """
    rng = random.Random(f"take over {seed}")
    if rng.random() >= TAKE_OVERS or not shares:
        return []
    after_s = round(rng.uniform(8, 60), 1)
    key, side = rng.choice(shares), rng.choice((-1, 1))
    if instruments[key].product == "CNC":
        side = 1
    args = {"key": key, "side": side, "qty": 12, "after_s": after_s}
    losses = [one.at_s + LOST_S for one in events if one.kind == "kill" and one.args["lost"]]
    at_s = round(max(losses, default=0.0) + rng.uniform(3, 60) + after_s, 1)
    return [PersonAction(at_s, "take-over", args)] if at_s < last_s else []


def _widened(
    seed: int, strategies: list[StrategyDraw], instruments: dict[str, InstrumentDraw]
) -> list[StrategyDraw]:
    """The strategies with what their own streams draw."""
    found = []
    for number, strategy in enumerate(strategies):
        params, plan = widen_strategy(
            seed,
            number,
            strategy.key,
            strategy.params,
            strategy.plan,
            is_delivery=instruments[strategy.key].product == "CNC",
        )
        kind = draw_kind(seed, number, strategy.kind)
        found.append(replace(strategy, kind=kind, params=params, plan=plan))
    return found


def _from_files(seed: int, strategies: list[StrategyDraw]) -> list[StrategyDraw]:
    """Some of the strategies are files."""
    found = []
    for number, strategy in enumerate(strategies):
        drawn = draw_file(seed, number)
        if drawn is None:
            found.append(strategy)
            continue
        found.append(
            replace(
                strategy,
                kind="file",
                interval_s=drawn.interval_s,
                params=drawn.params,
                plan=without_atr(strategy.plan),
                file=drawn.file,
                further_s=drawn.further_s,
            )
        )
    return found


def _of_products(event: Event, instruments: dict[str, InstrumentDraw]) -> Event:
    """What a person or the broker does to a position is done in the product that is traded."""
    if event.kind not in OF_PRODUCTS:
        return event
    products = {key: instrument.product for key, instrument in instruments.items()}
    return replace(event, args={**event.args, "products": products})


def _of_history(event: Event, history: HistoryDraw) -> Event:
    """A start without a journal asks for history first."""
    if event.kind != "kill" or not event.args["lost"] or not history.answer:
        return event
    return replace(event, args={**event.args, "history_s": history.kept_waiting_s})


def _of_watchdog(event: Event, seed: int) -> Event:
    """Behind some deaths the watchdog steps in: the process is gone, or hangs; and it may die itself,
    behind a request.
    """
    rng = random.Random(f"watchdog {seed} {event.at_s}")
    if event.kind != "kill" or rng.random() >= WATCHDOGS:
        return event
    how = rng.choice(tuple(WATCHDOG_S))
    more = {
        "watchdog": how,
        "watchdog_s": WATCHDOG_S[how],
        "behind_asked": rng.choice((1, 1, 2, 3)),
    }
    return replace(event, args={**event.args, **more})


def _strategy(rng: random.Random) -> StrategyDraw:
    key = rng.choice((*KEYS, *KEYS, FUTURE))
    plan = {
        **PLAN,
        "stop_value": rng.choice((6.0, 10.0, 20.0, 40.0)),
        "target_kind": rng.choice((0, 1, 1)),
        "target_value": rng.choice((6.0, 12.0, 30.0)),
        "exit_mode": int(rng.random() < 0.2),
        "on_opposite": rng.choice((0, 1, 1, 2)),
        "entry_type": int(rng.random() < 0.2),
        "entry_offset_bps": rng.choice((0.0, 0.0, 3.0, 8.0)),
        "entry_timeout_ns": rng.choice((20, 90)) * 1_000_000_000,
        "stop_limit_bps": rng.choice((2.0, 10.0, 30.0)),
        "size_value": float(rng.choice((1, 10, 40, 500)))
        if key != FUTURE
        else float(rng.choice((75, 150, 3000, 9000))),
        "max_qty": 20_000,
    }
    if rng.random() < 0.35:
        plan |= {
            "trail_kind": 1,
            "trail_value": rng.choice((5.0, 10.0)),
            "trail_step_value": rng.choice((1.0, 3.0)),
        }
    if rng.random() < 0.2:
        plan["time_exit_ns"] = rng.randint(20, 120) * 1_000_000_000
    kind = rng.choice(("price_level", "price_level", "ema_cross", "price_ema", "sma_cross"))
    on_tick = kind == "price_level" or rng.random() < 0.5
    params: dict[str, Any] = {"bar_mode": int(not on_tick), "side_mask": rng.choice((1, 2, 3, 3))}
    if kind in ("ema_cross", "sma_cross"):
        params |= {"fast_period": rng.randint(2, 4), "slow_period": rng.randint(5, 9)}
    elif kind == "price_ema":
        params["slow_period"] = rng.randint(3, 8)
    return StrategyDraw(
        key, kind, rng.choice((5, 10, 30)), params, plan, rng.choice((-15, -5, 0, 5, 15))
    )


def _auto(strategy: StrategyDraw) -> StrategyDraw:
    return replace(strategy, plan={**strategy.plan, "exit_mode": 0}, auto=True)


def _crowd(rng: random.Random) -> list[StrategyDraw]:
    """One crossover for all, in bars of one length."""
    fast, slow, interval_s = rng.randint(2, 3), rng.randint(4, 6), rng.choice((5, 10))
    params = {"bar_mode": 1, "side_mask": 3, "fast_period": fast, "slow_period": slow}
    strategies = [_strategy(rng) for _ in range(rng.randint(6, 10))]
    return [
        replace(strategy, kind="ema_cross", interval_s=interval_s, params=params)
        for strategy in strategies
    ]


def _limits(rng: random.Random) -> dict[str, int]:
    return {
        "stale_feed_ns": rng.choice((0, 5, 10)) * 1_000_000_000,
        "max_open_positions": rng.choice((0, 0, 1, 2)),
        "max_trades": rng.choice((0, 0, 3, 10)),
        "max_order_qty": rng.choice((0, 0, 100, 2000)),
        "max_daily_loss_e4": rng.choice((0, 0, 500, 5_000)) * 10_000,
        "flatten_on_limit": int(rng.random() < 0.5),
    }


def _near_loss(rng: random.Random, strategies: list[StrategyDraw], max_qty: int) -> dict[str, int]:
    """Now and then a day's loss that is reached long before a stop is: what is open then is taken
    out.
    """
    risks = [
        strategy.plan["size_value"] * strategy.plan["stop_value"]
        for strategy in strategies
        if strategy.key != FUTURE and (not max_qty or strategy.plan["size_value"] <= max_qty)
    ]
    if rng.random() >= NEAR_LOSS or not risks:
        return {}
    # A seventh of what a stop costs, at a thousand rupees a unit.
    return {"max_daily_loss_e4": round(max(risks) * 150), "flatten_on_limit": 1}


def _budget(rng: random.Random) -> dict[str, int]:
    """The half hour, which only some brokers count, is as the configuration has it by itself."""
    per_second, by_itself = rng.choice((9, 9, 5)), BrokerConfig()
    return {
        "per_second": per_second, "per_minute": rng.choice((380, 120)), "per_day": 4900, "reserve_second": 3,
        "reserve_minute": 50, "reserve_day": 500, "modifies_per_order": rng.choice((24, 10)),
        "per_half_hour": by_itself.orders_per_half_hour,
        "reserve_half_hour": by_itself.exit_reserve_per_half_hour,
    }  # fmt: skip
