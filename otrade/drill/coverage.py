"""What a run has covered: each setting's values, in how many sessions and under how many orders, and
each pair of (order state, event). A row that nothing has drawn proves nothing, and says so.

Two tables name every key of the configuration that is not a row here: what cannot matter to an
order, and what matters and is not drawn, with where it is tested instead. A test walks the schema.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from otrade._core.orders.order import PENDING_ROWS, STATUS_ROWS
from otrade._core.types import Ev, OrdStatus
from otrade.brokers.registry import NAMES
from otrade.drill.draws.feeds import FAILOVERS_MS
from otrade.drill.draws.files import FILES
from otrade.drill.scenario import Scenario, StrategyDraw
from otrade.drill.trouble import POSTBACK

Counts = Counter[tuple[str, str]]
"""(setting or order state, value or event): how often. Counts of sessions add up to those of a run."""
Read = Callable[[Scenario, str, StrategyDraw], str]
"""The value of a setting for an instrument's key and one strategy of it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of the configuration that scenarios draw, and the values that some must have."""

    path: str
    values: tuple[str, ...]
    read: Read


def _plan(path: str, name: str, words: dict[Any, str]) -> Setting:
    def read(scenario: Scenario, key: str, strategy: StrategyDraw) -> str:
        return words.get(strategy.plan.get(name, 0), "other")

    return Setting(path, tuple(words.values()), read)


def _is_set(path: str, name: str, of: str) -> Setting:
    """0, or something: of the limits, the strategy's plan, or its parameters."""

    def read(scenario: Scenario, key: str, strategy: StrategyDraw) -> str:
        where = {"limits": scenario.limits, "plan": strategy.plan, "params": strategy.params}[of]
        return "set" if where.get(name, 0) else "none"

    return Setting(path, ("none", "set"), read)


def _several(path: str, name: str, of: str) -> Setting:
    """A number of which some values are drawn: low, or above."""
    low, high = LOW_OR_HIGH[path]

    def read(scenario: Scenario, key: str, strategy: StrategyDraw) -> str:
        where = {"budget": scenario.budget, "limits": scenario.limits, "plan": strategy.plan}[of]
        return f"at most {low:g}" if where[name] <= low * high else f"above {low:g}"

    return Setting(path, (f"at most {low:g}", f"above {low:g}"), read)


SECOND = 1_000_000_000
LOW_OR_HIGH: dict[str, tuple[float, int]] = {
    "broker.orders_per_s": (5, 1),
    "broker.orders_per_min": (120, 1),
    "broker.modifications_per_order": (10, 1),
    "risk.price_jump_bps": (1_000, 1),
    "strategies[].bracket.entry.offset_bps": (3, 1),
    "strategies[].bracket.entry.timeout_s": (20, SECOND),
    "strategies[].bracket.stop_limit_buffer_bps": (2, 1),
    "strategies[].bracket.target_hysteresis_bps": (3, 1),
    "strategies[].bracket.ladder.start_bps": (10, 1),
    "strategies[].bracket.ladder.step_bps": (10, 1),
    "strategies[].bracket.ladder.interval_ms": (2_000, 1_000_000),
    "strategies[].bracket.ladder.max_steps": (5, 1),
}
"""Where the values of a number are parted, and in what the core counts it."""
KINDS = {0: "none", 1: "pct", 2: "rupees", 3: "atr"}
DISTANCE = {1: "pct", 2: "rupees", 3: "atr"}


def _exit_mode(scenario: Scenario, key: str, strategy: StrategyDraw) -> str:
    return "auto" if strategy.auto else "oco" if strategy.plan["exit_mode"] else "stop_resting"


def _hours(path: str, name: str, plain_s: int) -> Setting:
    def read(scenario: Scenario, key: str, strategy: StrategyDraw) -> str:
        return "usual" if getattr(scenario.instrument(key), name) == plain_s else "other"

    return Setting(path, ("usual", "other"), read)


SETTINGS: tuple[Setting, ...] = (
    Setting("broker.kind", NAMES, lambda s, key, strategy: str(s.sim["broker"])),
    _several("broker.orders_per_s", "per_second", "budget"),
    _several("broker.orders_per_min", "per_minute", "budget"),
    _several("broker.modifications_per_order", "modifies_per_order", "budget"),
    _plan("broker.market_protection_pct", "protection_e2", {-1: "automatic", 100: "1", 300: "3"}),
    Setting(
        "watchdog.enabled",
        ("off", "on"),
        lambda s, key, strategy: "on" if any("watchdog" in e.args for e in s.events) else "off",
    ),
    Setting(
        "hooks.enabled",
        ("off", "on"),
        lambda s, key, strategy: "on" if any(e.kind == POSTBACK for e in s.events) else "off",
    ),
    Setting(
        "second_feed.kind",
        ("none", "another broker's"),
        lambda s, key, strategy: "another broker's" if s.second_feed.broker else "none",
    ),
    Setting(
        "second_feed.failover_ms",
        tuple(map(str, FAILOVERS_MS)),
        lambda s, key, strategy: str(s.second_feed.failover_ms),
    ),
    Setting(
        "instruments[].symbol",
        ("share", "future", "option"),
        lambda s, key, strategy: (
            "future" if key.endswith(".FUT") else "option" if ".ATM" in key else "share"
        ),
    ),
    Setting(
        "instruments[].product",
        ("MIS", "NRML", "CNC"),
        lambda s, key, strategy: s.instrument(key).product,
    ),
    Setting(
        "instruments[].feed_mode",
        ("full", "quote", "ltp"),
        lambda s, key, strategy: s.instrument(key).feed_mode,
    ),
    _hours("sessions.entry_delay_min", "entry_delay_s", 0),
    _hours("sessions.entry_stop_min", "entry_stop_s", 150),
    _hours("sessions.square_off_min", "square_off_s", 60),
    _is_set("risk.max_order_qty", "max_order_qty", "limits"),
    _is_set("risk.max_order_notional_rupees", "max_order_notional_e4", "limits"),
    _is_set("risk.max_open_positions", "max_open_positions", "limits"),
    _is_set("risk.max_trades_per_day", "max_trades", "limits"),
    _is_set("risk.max_daily_loss_rupees", "max_daily_loss_e4", "limits"),
    _is_set("risk.max_drawdown_rupees", "max_drawdown_e4", "limits"),
    _is_set("risk.entry_wait_s", "entry_wait_ns", "limits"),
    _is_set("risk.stale_feed_ms", "stale_feed_ns", "limits"),
    _several("risk.price_jump_bps", "px_jump_bps_max", "limits"),
    Setting(
        "risk.on_limit",
        ("stop-entries", "flatten"),
        lambda s, key, strategy: "flatten" if s.limits["flatten_on_limit"] else "stop-entries",
    ),
    _is_set("risk.cooldown_after_stop_s", "cooldown_ns", "plan"),
    Setting(
        "strategies[].file", ("none", *FILES), lambda s, key, strategy: strategy.file or "none"
    ),
    Setting(
        "strategies[].kind",
        ("ema_cross", "sma_cross", "price_ema", "price_sma", "price_level", "file"),
        lambda s, key, strategy: strategy.kind,
    ),
    _plan("strategies[].sizing.mode", "size_mode", {0: "fixed", 1: "notional", 2: "risk"}),
    _is_set("strategies[].sizing.max_qty", "max_qty", "plan"),
    _plan("strategies[].bracket.stop.kind", "stop_kind", DISTANCE),
    _plan("strategies[].bracket.target.kind", "target_kind", KINDS),
    _plan("strategies[].bracket.trail.kind", "trail_kind", KINDS),
    _is_set("strategies[].bracket.trail.activate", "trail_from_value", "plan"),
    Setting(
        "strategies[].warm_start",
        ("on", "off"),
        lambda s, key, strategy: "on" if s.history.answer else "off",
    ),
    _plan("strategies[].bracket.entry.type", "entry_type", {0: "limit", 1: "market"}),
    _several("strategies[].bracket.entry.offset_bps", "entry_offset_bps", "plan"),
    _several("strategies[].bracket.entry.timeout_s", "entry_timeout_ns", "plan"),
    Setting("strategies[].bracket.exit_mode", ("stop_resting", "oco", "auto"), _exit_mode),
    _several("strategies[].bracket.stop_limit_buffer_bps", "stop_limit_bps", "plan"),
    _several("strategies[].bracket.target_hysteresis_bps", "hysteresis_bps", "plan"),
    _several("strategies[].bracket.ladder.start_bps", "ladder_start_bps", "plan"),
    _several("strategies[].bracket.ladder.step_bps", "ladder_step_bps", "plan"),
    _several("strategies[].bracket.ladder.interval_ms", "ladder_interval_ns", "plan"),
    _several("strategies[].bracket.ladder.max_steps", "ladder_max_steps", "plan"),
    _is_set("strategies[].bracket.time_exit_min", "time_exit_ns", "plan"),
    _plan(
        "strategies[].bracket.on_opposite",
        "on_opposite",
        {0: "ignore", 1: "exit", 2: "reverse"},
    ),
    Setting(
        "strategies[].params.on",
        ("tick", "bar_close"),
        lambda s, key, strategy: (
            "bar_close" if strategy.file or strategy.params["bar_mode"] else "tick"
        ),
    ),
    Setting(
        "strategies[].params.side",
        ("long", "short", "both"),
        lambda s, key, strategy: ("", "long", "short", "both")[strategy.params.get("side_mask", 3)],
    ),
    _is_set("strategies[].params.rsi", "rsi_period", "params"),
    _is_set("strategies[].params.atr", "atr_period", "params"),
    _is_set("strategies[].params.time_of_day", "tod_until_ns", "params"),
)
"""By key of the configuration. A value and its neighbours (a distance and its kind, a filter and its
bounds) are drawn together, so the one that has words for values stands for all."""

DRAWN_WITH: dict[str, str] = {
    "strategies[].sizing.value": "strategies[].sizing.mode",
    "strategies[].bracket.stop.value": "strategies[].bracket.stop.kind",
    "strategies[].bracket.target.value": "strategies[].bracket.target.kind",
    "strategies[].bracket.trail.distance": "strategies[].bracket.trail.kind",
    "strategies[].bracket.trail.step": "strategies[].bracket.trail.kind",
    "strategies[].instrument": "instruments[].symbol",
    "strategies[].params.bar_s": "strategies[].params.on",
    "strategies[].params": "strategies[].file",
    "strategies[].bar_s": "strategies[].file",
    "strategies[].params.fast_period": "strategies[].kind",
    "strategies[].params.slow_period": "strategies[].kind",
    "strategies[].params.period": "strategies[].kind",
    "strategies[].params.level_rupees": "strategies[].kind",
    "strategies[].params.rsi.period": "strategies[].params.rsi",
    "strategies[].params.rsi.long_min": "strategies[].params.rsi",
    "strategies[].params.rsi.long_max": "strategies[].params.rsi",
    "strategies[].params.rsi.short_min": "strategies[].params.rsi",
    "strategies[].params.rsi.short_max": "strategies[].params.rsi",
    "strategies[].params.atr.period": "strategies[].params.atr",
    "strategies[].params.atr.min_bps": "strategies[].params.atr",
    "strategies[].params.atr.max_bps": "strategies[].params.atr",
    "strategies[].params.time_of_day.start": "strategies[].params.time_of_day",
    "strategies[].params.time_of_day.until": "strategies[].params.time_of_day",
}
"""A key, and the row that is drawn with it."""

ACTIONS: dict[str, str] = {"strategies[].enabled": "enabled"}
"""A key that a person changes in the middle of a session, and the action that counts it. The limits
change too, and have rows above.
"""

NO_ORDERS_MATTER: dict[str, str] = {
    "$schema": "for editors",
    "mode": "the drill is the live engine's own day at a simulated broker",
    "engine.name": "a word on the page",
    "strategies[].name": "a word on the page",
    "speed": "how fast, and never what: one core gives the same decisions at any speed",
    "broker.plan": "what orders cost",
    "broker.rest_url": "where the broker is",
    "broker.order_url": "where the broker is",
    "broker.feed_url": "where the broker is",
    "broker.login_url": "where the broker is",
    "broker.instruments_url": "where the broker is",
    "broker.redirect_url": "where a login returns to",
    "hooks.host": "where notices come in",
    "hooks.port": "where notices come in",
    "second_feed.rest_url": "where the other broker is",
    "second_feed.feed_url": "where the other broker is",
    "second_feed.login_url": "where the other broker is",
    "second_feed.instruments_url": "where the other broker is",
    "second_feed.redirect_url": "where a login returns to",
    "broker.user_id": "whose account it is; another one's token is refused before the day",
    "broker.algo_name": "a header of requests; the codecs' tests hold its bytes",
    "broker.algo_id": "a field of requests; the codecs' tests hold its bytes",
    "sim": "the paper exchange's own; the drill makes its exchange by itself",
    "web": "the page",
    "log": "what people read",
    "alerts": "what people are told",
    "journal": "how long records are kept and how often they are written to the disk; the drill's journal is in memory and loses nothing",
    "backtest": "how the past is traded; no running engine heeds it",
    "paths": "where files are",
    "sockets": "who else may come to the engine's sockets",
}
"""A key or a whole section, and why no order can differ by it."""

NOT_DRAWN: dict[str, str] = {
    "watchdog.stale_s": "one value: seven seconds",
    "watchdog.flatten": "tests/live/watchdog: what it closes in place of protecting",
    "engine.on_stop": "tests/live/day/test_shutdown.py",
    "engine.order_timeout_ms": "one value: the bounds of doubts are sums of it",
    "engine.doubt_look_gap_ms": "one value, as the timeout",
    "engine.max_brackets": "tests/core/orders: capacity",
    "engine.max_orders": "tests/core/orders: capacity",
    "broker.connections": "one value: four",
    "broker.orders_per_half_hour": "one value: a session is shorter",
    "broker.orders_per_day": "one value, and the trouble cap_day",
    "broker.exit_reserve_per_s": "one value: three",
    "broker.exit_reserve_per_min": "one value: fifty",
    "broker.exit_reserve_per_half_hour": "one value: a session is shorter",
    "broker.exit_reserve_per_day": "one value",
    "broker.poll_s": "one value: the bounds of lost pushes are sums of it",
    "sessions.square_off_room_min": "sessions end long before the broker's own square-off; tests/live/plan",
    "history.files": "tests/live/startup: history out of a file",
    "history.max_wait_s": "one value, and answers that take longer",
}
"""What matters to an order and no scenario draws, with what holds it instead."""

FORBIDDEN: frozenset[tuple[str, str]] = frozenset(
    (state.name, ev.name) for state in OrdStatus for ev in Ev
) - frozenset((state.name, ev.name) for state, ev, _, _ in STATUS_ROWS)
"""Pairs of order state and event that the machine refuses."""


def settings_of(scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    """(setting, value, key of the instrument) of everything that a scenario draws."""
    for strategy in scenario.strategies:
        for setting in SETTINGS:
            value = setting.read(scenario, strategy.key, strategy)
            yield setting.path, value, strategy.key


def count_settings(scenario: Scenario, orders: Counter[str]) -> tuple[Counts, Counts]:
    """Of one session: the settings that it drew, and the orders of the instruments that were traded
    under them. `orders`: by the instrument's key.
    """
    keys: dict[tuple[str, str], set[str]] = {}
    for path, value, key in settings_of(scenario):
        keys.setdefault((path, value), set()).add(key)
    placed = Counts({row: sum(orders[key] for key in found) for row, found in keys.items()})
    return Counts(dict.fromkeys(keys, 1)), placed


def expected_pairs() -> list[tuple[str, str]]:
    """Every pair that has a row, of both axes."""
    return [
        *((state.name, ev.name) for state, ev, _, _ in STATUS_ROWS),
        *((f"asked {asked.name}", ev.name) for asked, ev, _, _ in PENDING_ROWS),
    ]


ENDED = frozenset({"FILLED", "CANCELED", "REJECTED"})
STANDING = frozenset(
    {"NEW", "PARTIALLY_FILLED", "UNKNOWN", "ABSENT", "asked REPLACE", "asked CANCEL"}
)
OLD_NEWS = frozenset({"ACCEPTED", "WORKING", "REPLACED", "FILL_PART", "UNKNOWN"})
REFUSALS = frozenset({"REPLACE_REJECTED", "CANCEL_REJECTED"})


def _why_unseen(state: str, ev: str) -> str:
    """Why no session need show a pair; empty: some must."""
    if "EXPIRED" in (state, ev):
        return "no word of either broker means it: what ends with the day is cancelled"
    if ev == "DENY":
        return "our gates are asked before an order has a slot"
    if ev == "SEND_CANCEL" and state in ("PENDING_NEW", "UNKNOWN"):
        return "nothing is asked of an order that is not known to stand"
    if state in ("PENDING_NEW", "asked NEW") and ev in (*REFUSALS, "REPLACED"):
        return "a request is answered that nobody has made"
    if ev == "REPLACED" and state in ("asked NONE", "asked CANCEL"):
        return "a report confirms a change only while one is asked for: else it says that it works"
    if ev == "REJECTED" and state in STANDING:
        return "the exchange rejects what it has shown as standing"
    if state == "REJECTED" and ev not in ("ACK", "REJECTED"):
        return "more is told of an order that was rejected"
    if state in ENDED and (ev in OLD_NEWS or ev == "CANCELED") and (state, ev) not in LATE_FILLS:
        return "what is older is dropped before the table; what is newer takes an end back"
    if state in (*ENDED, "asked NONE") and ev in REFUSALS:
        return "the broker tells an order's end before it answers a request about it"
    if state == "UNKNOWN":
        return "a word that nobody knows, and something more before the next book"
    if state == "ABSENT" and ev not in ("ACCEPTED", "WORKING"):
        return (
            "two looks that lacked an order, and then not its standing but its end, or an odd word"
        )
    if ev == "ABSENT" and state != "PENDING_NEW" and state != "asked NEW":
        return "an order vanishes that the broker has named"
    if (state, ev) == ("PARTIALLY_FILLED", "WORKING"):
        return "a report that states what has filled counts as a fill"
    return ""


LATE_FILLS = frozenset({("CANCELED", "FILL_PART"), ("CANCELED", "CANCELED")})
UNSEEN: dict[tuple[str, str], str] = {
    pair: why for pair in expected_pairs() if (why := _why_unseen(*pair))
}
"""Pairs that only a broker's mistake can make, or nothing at all, with the reason."""


def never_covered(placed: Counts, pairs: Counts) -> list[str]:
    """Rows of which a run shows nothing, but for those that no session can show."""
    settings = [
        f"{setting.path} = {value}"
        for setting in SETTINGS
        for value in setting.values
        if not placed[setting.path, value]
    ]
    events = [
        f"{state} with {ev}"
        for state, ev in expected_pairs()
        if not pairs[state, ev] and (state, ev) not in UNSEEN
    ]
    return settings + events


def coverage_lines(sessions: Counts, placed: Counts, pairs: Counts) -> Iterator[str]:
    """The tables of a run."""
    yield f"{'settings drawn':<46}{'value':<16}{'sessions':>9}{'orders':>10}"
    for setting in SETTINGS:
        for number, value in enumerate(setting.values):
            row = setting.path, value
            path = setting.path if number == 0 else ""
            yield f"{path:<46}{value:<16}{sessions[row]:>9,}{placed[row]:>10,}"
    yield ""
    yield "pairs of order state and event (the machine's rows; a dash: none)"
    yield from _pair_lines(pairs, expected_pairs())
    refused = {pair: n for pair, n in pairs.items() if pair in FORBIDDEN}
    if refused:
        yield "pairs that the machine refuses, and that came: " + _told(refused.items())
    yield "pairs that only a broker's mistake can make, or nothing, and that did not come:"
    by_reason: dict[str, list[str]] = {}
    for state, ev in sorted(pair for pair in UNSEEN if not pairs[pair]):
        by_reason.setdefault(UNSEEN[state, ev], []).append(f"{state} with {ev}")
    for why, found in by_reason.items():
        yield f"  {why}: {', '.join(found)}"


def _pair_lines(pairs: Counts, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    by_state: dict[str, list[tuple[tuple[str, str], int]]] = {}
    for state, ev in rows:
        by_state.setdefault(state, []).append(((state, ev), pairs[state, ev]))
    for state, found in by_state.items():
        yield f"  {state:<18}" + _told(found)


def _told(found: Iterable[tuple[tuple[str, str], int]]) -> str:
    return ", ".join(f"{ev} {n:,}" if n else f"{ev} -" for (_, ev), n in found)
