"""The judge of stops that a strategy file moves: each goes where it was asked to go, in time, and never
away from the price; of what was asked and what the trail has reached the tighter one stands.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from otrade.drill.trader.leave.held import EnteredBracket
from otrade.drill.trader.leave.leaving import BEAT_NS, OUT_NS, PLACE_NS
from otrade.drill.trader.record import SessionRecord
from otrade.drill.trader.replay import TraderMove
from otrade.drill.trader.terms import E4
from otrade.drill.trader.tolerances import CLAMPED_NS, CLAMPING
from otrade.simulator.exchange.orders import FINAL, NOT_MODIFIED, OPEN, REJECTED, Order

SECOND = 1_000_000_000
APART_NS = SECOND
"""Two moves of one stop that its strategy asks for are so far apart."""
ON_THE_WAY_NS = 30_000_000
"""The first of two may have been so much longer on its way."""
KEPT_CHANGES = 6
"""Changes of one order that are kept for protection and for the way out."""


class WrongMove(AssertionError):
    """A stop that was not moved where a strategy asked for it, or the other way round, in words."""


@dataclass(frozen=True, slots=True)
class StandingStop:
    """From then on the stop's order waits for that trigger."""

    ts_ns: int
    trigger_e4: int


class MoveJudge:
    """One session, once it is over. `unsure`: may a trouble have delayed something between these
    times? `changes_max`: how often the broker lets one order be changed.
    """

    def __init__(
        self,
        record: SessionRecord,
        brackets: list[EnteredBracket],
        unsure: Callable[[int, int], str],
        changes_max: int,
    ) -> None:
        self._record = record
        self._brackets = brackets
        self._unsure = unsure
        self._changes_max = changes_max
        self.n_moves = 0
        """Those that had to be done."""

    def check(self) -> None:
        """WrongMove for the first thing that is wrong."""
        for bracket in self._brackets:
            if not bracket.moves or len({one.number for one in bracket.strategies}) != 1:
                continue
            stops = standing_stops(bracket.exits)
            if self._is_open_to_doubt(bracket, stops):
                continue
            self._check_changes(bracket, stops)
            tightest_e4 = 0
            for move in bracket.moves:
                if not tightest_e4 or (move.level_e4 - tightest_e4) * bracket.side > 0:
                    tightest_e4 = move.level_e4
                    self._check_move(bracket, stops, move)

    def _is_open_to_doubt(self, bracket: EnteredBracket, stops: list[StandingStop]) -> bool:
        """Has a trouble, a band or a refusal had a hand in it?"""
        last_ns = max((one.ts_ns for one in stops), default=0)
        return (
            bool(self._unsure(bracket.entry.ts_placed_ns, last_ns))
            or self._record.in_force(CLAMPING, bracket.opened_ns - CLAMPED_NS, last_ns)
            or any(
                state.status in (REJECTED, NOT_MODIFIED) or state.status_message
                for order in bracket.exits
                for _, state in order.told
            )
        )

    def _check_changes(self, bracket: EnteredBracket, stops: list[StandingStop]) -> None:
        """Where the stop is a price, or has moved, it does not go back. What nothing trails has moved
        because it was asked to.
        """
        is_price = all(plan.get("stop_at_e4") for plan in bracket.plans)
        asked = {one.level_e4 for one in bracket.moves}
        for before, after in zip(stops, stops[1:], strict=False):
            is_back = (after.trigger_e4 - before.trigger_e4) * bracket.side < 0
            if is_back and (is_price or before.trigger_e4 in asked):
                raise WrongMove(
                    f"the stop of bracket {bracket.tag} went from {before.trigger_e4 / E4:.2f} back to {after.trigger_e4 / E4:.2f}"
                )
        trails = any(plan.get("trail_kind") for plan in bracket.plans)
        moved = [one for one in stops[1:] if one.trigger_e4 in asked and not trails]
        for before, after in zip(moved, moved[1:], strict=False):
            # A move may wait for the rate: it counts from when it was asked for.
            asked_ns = max(
                (
                    one.ts_ns
                    for one in bracket.moves
                    if one.level_e4 == before.trigger_e4 and one.ts_ns <= before.ts_ns
                ),
                default=before.ts_ns,
            )
            if after.ts_ns - asked_ns < APART_NS - ON_THE_WAY_NS:
                raise WrongMove(
                    f"the stop of bracket {bracket.tag} was moved twice in {(after.ts_ns - before.ts_ns) / SECOND:.3f} s"
                )

    def _check_move(
        self, bracket: EnteredBracket, stops: list[StandingStop], move: TraderMove
    ) -> None:
        """It stands there in time, unless price, target or a way out came first."""
        others = sum(one.open_qty(move.ts_ns) > 0 for one in self._brackets)
        due_ns = move.until_ns + APART_NS + OUT_NS + PLACE_NS * others
        if (
            move.is_close
            or move.ts_ns < bracket.opened_ns + BEAT_NS
            or bracket.open_qty(due_ns) <= 0
            or self._unsure(bracket.entry.ts_placed_ns, due_ns)
            or self._record.in_force(CLAMPING, bracket.opened_ns - CLAMPED_NS, due_ns)
            or any(_is_leaving(order, due_ns) for order in bracket.exits)
            or _n_changes(bracket.exits, due_ns) > self._changes_max - KEPT_CHANGES - 2
            or any(
                (one.ltp_e4 - move.level_e4) * bracket.side <= 0
                for one in bracket.prices(move.ts_ns, due_ns)
            )
        ):
            return
        self.n_moves += 1
        stands = [one.trigger_e4 for one in stops if one.ts_ns <= due_ns]
        if not stands or (stands[-1] - move.level_e4) * bracket.side < 0:
            at = f"{stands[-1] / E4:.2f}" if stands else "nowhere"
            raise WrongMove(
                f"the stop of bracket {bracket.tag} stands {at} {(due_ns - move.ts_ns) / SECOND:.1f} s after "
                f"{move.strategy.file} has asked for {move.level_e4 / E4:.2f}"
            )


def standing_stops(orders: Iterable[Order]) -> list[StandingStop]:
    """Each trigger that a stop has waited for, in the order of time, none twice in a row."""
    told = sorted(
        (ts_ns, state.terms.trigger_e4)
        for order in orders
        if (order.tag or "")[12] == "S"
        for ts_ns, state in order.told
        if state.terms.order_type == "SL" and state.status not in FINAL
    )
    found: list[StandingStop] = []
    for ts_ns, trigger_e4 in told:
        if not found or found[-1].trigger_e4 != trigger_e4:
            found.append(StandingStop(ts_ns, trigger_e4))
    return found


def _is_leaving(order: Order, until_ns: int) -> bool:
    """Was it, until then, anything else than a stop that waits for its trigger?"""
    return any(
        ts_ns <= until_ns and (state.terms.order_type != "SL" or state.status == OPEN)
        for ts_ns, state in order.told
    )


def _n_changes(orders: Iterable[Order], until_ns: int) -> int:
    """Of the order that was changed most."""
    return max(
        (sum(ts_ns <= until_ns and state.status == "MODIFIED" for ts_ns, state in order.told))
        for order in orders
    )
