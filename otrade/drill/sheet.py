"""What a drill found, on one sheet."""

from collections import Counter
from collections.abc import Iterable, Sequence

import orjson

from otrade.drill.scenario import Scenario
from otrade.drill.session import SessionResult

STARTS = {
    "history_whole": "told whole",
    "history_late": "late",
    "history_empty": "empty",
    "history_refused": "refused",
    "kill_in_history": "died in the middle",
}
NAMES = {
    "cut_fills": "partial fills cut at random",
    "kill": "sudden deaths of the engine",
    "kill_again": "deaths in the middle of a recovery",
    "clock_step": "clock set wrong",
    "clock_wrong": "clock wrong for some seconds",
    "token": "access token revoked",
}

PERSON = {
    "person_limits": "changes of limits",
    "person_enabled": "strategies switched off",
    "person_pause": "pauses",
    "person_stop-entries": "stops of entries",
    "person_flatten": "instruments flattened",
    "person_take-over": "positions taken over",
}
"""What a person did, as a session counts it."""
WATCHDOGS = {
    "watchdog_gone": "behind a process that was gone",
    "watchdog_hung": "behind one that hung",
    "watchdog_dies": "that died itself",
}
NIGHTS = {
    "carried": "carried over the night",
    "carried_closed": "of them closed by their owner",
}
DEATHS = {"kill", "cut_fills"}
"""Troubles of a session in which a recovery has nothing else to fight with."""
NO_ORDERS = "cap_day"
"""The broker refuses every further order of the day: what is open then cannot be covered by
anybody.
"""


def render(results: Sequence[SessionResult], kinds: Sequence[str], wall_s: float) -> str:
    """The sheet of a drill in which nothing was violated, or what held until something was."""
    seen: Counter[str] = Counter()
    for result in results:
        seen.update(result.seen)
    failed = [result for result in results if result.error]
    simulated_h = sum(result.simulated_s for result in results) / 3600
    lines = [
        "FAULT DRILL",
        f"sessions            {len(results):,} (seeds {results[0].seed} to {results[-1].seed}), {simulated_h:,.1f} simulated hours",
        f"violations          {len(failed)}",
        f"orders              {sum(r.n_orders for r in results):,} sent, {sum(r.n_trades for r in results):,} executions, "
        f"{sum(r.n_entries for r in results):,} positions; {sum(r.n_early for r in results):,} requests from the feed's callback; "
        f"{sum(r.n_waited for r in results):,} entries waited for the rate",
        f"signals             {sum(r.n_signals for r in results):,} of the independent trader, "
        f"{sum(r.n_entries_expected for r in results):,} of them entered; "
        f"{sum(r.n_close_calls for r in results):,} too near to call, "
        f"{sum(r.n_left_open for r in results):,} left open by a trouble or the rate",
        f"exits               {sum(r.n_exit_terms for r in results):,} terms of the independent trader's, "
        f"{sum(r.n_leaves for r in results):,} times and reasons to leave, "
        f"{sum(r.n_moves for r in results):,} stops moved by files, {sum(r.n_kept_out for r in results):,} quarantines; "
        f"{sum(r.n_exit_terms_open for r in results):,} and {sum(r.n_leaves_open for r in results):,} left open by a trouble",
        f"journal             {sum(r.n_events for r in results):,} events replayed, "
        f"{sum(r.n_decisions for r in results):,} decisions the same bit for bit",
        f"time                {wall_s:,.0f} s, {len(results) / wall_s * 3600 if wall_s else 0:,.0f} sessions an hour, "
        f"{_a_second(results):.2f} a second a core",
        "",
        "checked after every event, in the exchange's own books: no order twice for one intent, no order without one, exits never",
        "above the position, open quantity covered within its bound, limits and rates kept; at the end: flat, nothing orphaned,",
        "profit equal to the paisa.",
        "",
        f"{'what went wrong':<36}{'times':>8}   worst time uncovered, alone / bound",
    ]
    for kind in kinds:
        alone = [r for r in results if r.kinds == (kind,)]
        worst = _worst(r.uncovered_s for r in alone)
        bound = _worst(r.bound_s for r in alone)
        shown = f"{worst:9.2f} s / {bound:.1f} s" if alone else "        (never drawn alone)"
        count = f"{seen[kind]:>8,}" if seen[kind] else "    NONE"
        lines.append(f"{NAMES.get(kind, kind):<36}{count}   {shown}")
    capped = [r for r in results if NO_ORDERS in r.kinds]
    free = [r for r in results if NO_ORDERS not in r.kinds]
    alone = [r for r in free if set(r.kinds) <= DEATHS]
    calm = [r for r in results if not r.kinds]
    if calm:
        lines.append(
            f"{'nothing':<36}{len(calm):>8,}   {max(r.uncovered_s for r in calm):9.2f} s / {max(r.bound_s for r in calm):.1f} s"
        )
    lines += [
        "",
        "worst time without a stop that waits, by the engine's own clocks:",
        f"                    naked {_worst(r.naked_s for r in calm):.2f} s where nothing went wrong, "
        f"{_worst(r.naked_s for r in free):.2f} s with troubles; "
        f"at the target by design {_worst(r.target_s for r in calm):.2f} s and {_worst(r.target_s for r in free):.2f} s",
        "",
        f"a person            {', '.join(f'{seen[name]:,} {words}' for name, words in PERSON.items())}",
        f"positions           {', '.join(f'{seen[name]:,} {words}' for name, words in NIGHTS.items())}",
        f"starts from history {', '.join(f'{seen[name]:,} {words}' for name, words in STARTS.items())}",
        f"recoveries          {seen['kill'] + seen['kill_again']:,}, {seen['kill_lost_journal']:,} of them from the book alone; "
        "worst time from a restart until everything open was covered:",
        f"                    {_worst(r.recovery_s for r in alone):.2f} s where nothing else went wrong, "
        f"{_worst(r.recovery_s for r in free):.2f} s with other troubles, "
        f"{_worst(r.recovery_s for r in capped):.2f} s where the day's order cap forbids every order",
        f"watchdogs           {', '.join(f'{seen[name]:,} {words}' for name, words in WATCHDOGS.items())}",
        f"worst over-exit     {_worst(r.exceeded_s for r in free):.2f} s (two exits filled, or a fill after a cancel; undone), "
        f"{_worst(r.exceeded_s for r in capped):.2f} s where that cap forbids the order that would undo it",
    ]
    return "\n".join(lines)


def _a_second(results: Sequence[SessionResult]) -> float:
    """By the time that sessions took, each on a core of its own as far as there were enough."""
    busy_s = sum(result.wall_s for result in results)
    return len(results) / busy_s if busy_s else 0.0


def _worst(seconds: Iterable[float]) -> float:
    return max(seconds, default=0.0)


def missing(results: Sequence[SessionResult], kinds: Sequence[str]) -> list[str]:
    """Kinds that were asked for and never happened."""
    seen: Counter[str] = Counter()
    for result in results:
        seen.update(result.seen)
    return [kind for kind in kinds if not seen[kind]]


def failure(result: SessionResult, scenario: Scenario) -> str:
    """A violation: its seed, what is left of the scenario, and what happened, in order."""
    told = [f"  {event.at_s:8.1f} s  {event.kind} {event.args}" for event in scenario.events] or [
        "  none"
    ]
    lines = [
        f"  {strategy.key} {strategy.file or strategy.kind} {strategy.interval_s} s {strategy.params} {strategy.plan}"
        for strategy in scenario.strategies
    ]
    return "\n".join(
        [
            f"VIOLATION with seed {result.seed}: {result.error}",
            "",
            "troubles that are needed for it:",
            *told,
            "strategies:",
            *lines,
            f"limits {scenario.limits}, budget {scenario.budget}",
            "",
            "what happened (seconds after the open):",
            *result.timeline,
            "",
            f"scenario as JSON: {orjson.dumps(scenario).decode()}",
        ]
    )
