"""How a day ends: at the last instrument's close, or earlier when somebody asks.

A graceful stop takes the entries out first. Then it flattens, or leaves positions under their
stops, as configured. Nothing ends silently with open quantity: `what_is_open` names each position
and the order that protects it.
"""

from typing import TYPE_CHECKING

from otrade._core.types import Halt, Leg, OrdStatus, PauseBy, Reason, Severity, Side
from otrade.clock import NS_PER_S
from otrade.live.plan.day_plan import DayPlan
from otrade.units import rupees

if TYPE_CHECKING:
    from otrade.live.day.trading_day import TradingDay

CLOSE_GRACE_NS = 2 * NS_PER_S
QUIET_NS = 5 * NS_PER_S
"""For so long after the close a feed that still speaks is waited for, while something is open."""
LEAVE_TIMEOUT_NS = 10 * NS_PER_S
WORKING = frozenset({OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED})


class Shutdown:
    """Decides when the day is over. `look` is called on every beat."""

    def __init__(self, day: "TradingDay") -> None:
        self._day = day
        self._stop_ns = 0
        self._flatten = False
        self._tick_ns = self._tick_seen_ns = 0
        self.why = ""

    @property
    def is_stopping(self) -> bool:
        return self._stop_ns > 0

    def stop(self, why: str, *, flatten: bool | None = None) -> str:
        """Begin a graceful stop; says in words what happens. Asking again changes nothing."""
        day = self._day
        if day.ended.is_set():
            return "the day has ended already"
        if self.is_stopping:
            return "the engine is stopping already"
        now_ns = day.clock.now_ns()
        self._stop_ns = now_ns
        self._flatten = day.options.on_stop == "flatten" if flatten is None else flatten
        self.why = why
        day.engine.on_pause(True, now_ns, PauseBy.STOP)
        if self._flatten:
            day.engine.on_flatten(-1, now_ns)
            words = f"stopping ({why}): open positions are being closed"
        else:
            if day.engine.risk()["halt"] == Halt.ACTIVE:
                day.engine.on_halt(Halt.REDUCING, Reason.STOPPING, now_ns)
            words = f"stopping ({why}): entries are taken out, positions stay under their stops"
        day.board.say(Severity.WARN, "STOPPING", words)
        day.desk.drain()
        return words

    def insist(self, why: str) -> None:
        """End now, whatever is open; say what that is."""
        self._end(f"stopped at once ({why})")

    def look(self, now_ns: int) -> None:
        day = self._day
        if self.is_stopping:
            waited_ns = now_ns - self._stop_ns
            if self._flatten:
                if day.engine.n_live == 0:
                    self._end(f"stopped ({self.why})")
                elif waited_ns >= day.options.stop_timeout_ns:
                    self._end(f"stopped ({self.why}), but not everything could be closed in time")
            elif not entries_pending(day.plan) or waited_ns >= LEAVE_TIMEOUT_NS:
                self._end(f"stopped ({self.why})")
        elif now_ns >= day.plan.close_ns + CLOSE_GRACE_NS and not self._still_trades(now_ns):
            self._end("the last session has closed")

    def _still_trades(self, now_ns: int) -> bool:
        """Something of ours is open, and the exchange goes on putting times before the close on its
        ticks: then our clock is wrong, from this process's start perhaps, and the day is not over.
        """
        day = self._day
        tick_ns = day.engine.newest_exchange_ns()
        if tick_ns != self._tick_ns:
            self._tick_ns, self._tick_seen_ns = tick_ns, now_ns
        return (
            day.engine.n_live > 0
            and 0 < tick_ns < day.plan.close_ns
            and now_ns - self._tick_seen_ns < QUIET_NS
        )

    def _end(self, why: str) -> None:
        day = self._day
        if day.ended.is_set():
            return
        self.why = why
        is_open = any(day.plan.net_of().values())
        severity = Severity.ALARM if is_open else Severity.INFO
        day.board.say(severity, "DAY_END", f"{day.plan.day}: {why}. {what_is_open(day.plan)}")
        day.ended.set()


def entries_pending(plan: DayPlan) -> bool:
    """Could an entry still trade?"""
    for bracket_id in plan.engine.live_brackets():
        slot = plan.engine.bracket(bracket_id)["entry_slot"]
        if slot >= 0:
            order = plan.engine.order(slot)
            if order["in_doubt"] or order["ord_status"] in (
                *WORKING,
                OrdStatus.PENDING_NEW,
                OrdStatus.UNKNOWN,
            ):
                return True
    return False


def what_is_open(plan: DayPlan) -> str:
    """Every open quantity and the order that protects it, in words."""
    lines = [
        line
        for bracket_id in plan.engine.live_brackets()
        if (line := _open_words(plan, bracket_id))
    ]
    return " ".join(lines) if lines else "Nothing is open."


def uncovered(plan: DayPlan) -> list[str]:
    """Instruments with open quantity that no working stop covers."""
    brackets = [plan.engine.bracket(bracket_id) for bracket_id in plan.engine.live_brackets()]
    return sorted(
        {
            plan.symbol_of(b["instrument_id"])
            for b in brackets
            if b["open_qty"] != b["protected_qty"]
        }
    )


def _open_words(plan: DayPlan, bracket_id: int) -> str:
    bracket = plan.engine.bracket(bracket_id)
    open_qty = bracket["open_qty"]
    if open_qty == 0:
        return ""
    direction = "long" if bracket["side"] == Side.BUY else "short"
    words = f"OPEN: {plan.symbol_of(bracket['instrument_id'])} {open_qty} units {direction}, "
    slot = bracket["stop_slot"]
    order = plan.engine.order(slot) if slot >= 0 else None
    if order is None or order["ord_status"] not in WORKING:
        return words + "WITHOUT a working stop."
    price = order["trigger_e4"] or order["price_e4"]
    covered = bracket["protected_qty"]
    partly = "" if covered >= open_qty else f" for {covered} of them only"
    leg = "stop" if order["leg"] == Leg.STOP and not bracket["target_armed"] else "exit"
    return words + (
        f"{leg} order {order['broker_order_id']} at {rupees(price)} rests at the exchange{partly}."
    )
