"""Commands from people, by page or command line: what each does, or in words why it does not.

kill is the big red button: HALTED, no entries, every stop stays at the exchange. It closes nothing,
because a market order in the middle of whatever made somebody press it may be worse than the stop;
`flatten` is there for that.
"""

from collections.abc import Callable, Mapping

from otrade._core.types import Halt, Reason, Severity
from otrade.live.day.trading_day import TradingDay
from otrade.live.notices.messages import HALT_WORDS, reason_words
from otrade.live.persistence.actor import Actor
from otrade.live.plan.open_exposure import what_is_open

Args = Mapping[str, int | bool | None]
Result = tuple[bool, str]
NOBODY = Actor()


class Commands:
    """Carries out commands on the current day."""

    def __init__(
        self,
        *,
        on_stop: Callable[[str], None] = lambda why: None,
        blocks_rearm: Callable[[], str] = str,
    ) -> None:
        """`on_stop` hears of a stop, so that no further day begins. `blocks_rearm`: why nobody may
        re-arm now, in words; empty when somebody may.
        """
        self._day: TradingDay | None = None
        self._on_stop = on_stop
        self._blocks_rearm = blocks_rearm

    def set_day(self, day: TradingDay | None) -> None:
        """None between days."""
        self._day = day

    def command(self, name: str, args: Args, who: Actor = NOBODY) -> Result:
        """(done, words). Runs inside the engine's loop, between events. `who` is for the journal."""
        if name not in COMMANDS:
            return False, f"there is no command {name!r}; commands are {', '.join(COMMANDS)}"
        day = self._day
        is_trading = day is not None and not day.ended.is_set()
        done: Result
        if name == STOP_ENGINE:
            done = self._stop_engine()
        elif day is None or not is_trading:
            return False, "no trading day is running"
        else:
            done = OF_A_DAY[name](self, day, args)
        if day is not None and is_trading:
            day.router.drain()
        self.record(who, name, args, done)
        return done

    def record(self, who: Actor, what: str, args: Args, done: Result) -> None:
        """Who did what, into the journal of the running day, if there is one."""
        day = self._day
        if day is not None and not day.ended.is_set() and day.journal is not None:
            day.journal.person(what, args, done, day.clock.now_ns(), who)

    def _pause(self, day: TradingDay, args: Args) -> Result:
        if day.is_paused:
            return False, "entries are paused already"
        day.engine.on_pause(True, day.clock.now_ns())
        day.board.say(
            Severity.WARN, "PAUSED", "paused by command: no new entries; exits and stops go on"
        )
        return True, "paused: no new entries; exits and stops go on"

    def _resume(self, day: TradingDay, args: Args) -> Result:
        """Lifts a pause. A halt is latched: only `rearm` lifts it."""
        return self._enable_entries(day, lifts_halt=False)

    def _rearm(self, day: TradingDay, args: Args) -> Result:
        """Lifts a latched halt, and a pause with it."""
        return self._enable_entries(day, lifts_halt=True)

    def _enable_entries(self, day: TradingDay, *, lifts_halt: bool) -> Result:
        if day.shutdown.is_stopping:
            return False, "the engine is stopping; start it again to trade"
        if blocked := self._blocks_rearm():
            return False, blocked
        risk = day.engine.risk()
        halt = Halt(risk["halt"])
        if halt != Halt.ACTIVE and not lifts_halt:
            why = reason_words(risk["halt_reason"]) if risk["halt_reason"] else "by command"
            return False, f"the engine is {HALT_WORDS[halt]} ({why}); re-arm it to trade again"
        if halt == Halt.ACTIVE and not day.is_paused:
            return False, "nothing is paused or halted"
        if day.is_token_dead:
            return False, "the broker's access token is dead; log in again first"
        now_ns = day.clock.now_ns()
        day.engine.on_pause(False, now_ns)
        if halt != Halt.ACTIVE:
            day.engine.on_halt(Halt.ACTIVE, Reason.OK, now_ns)
        done = "re-armed" if halt != Halt.ACTIVE else "resumed"
        day.board.say(Severity.WARN, "RESUMED", f"{done} by command: entries are taken again")
        return True, f"{done}: entries are taken again"

    def _stop_entries(self, day: TradingDay, args: Args) -> Result:
        halt = Halt(day.engine.risk()["halt"])
        if halt != Halt.ACTIVE:
            return False, f"the engine is {HALT_WORDS[halt]} already"
        day.engine.on_halt(Halt.REDUCING, Reason.OK, day.clock.now_ns())
        words = f"REDUCING by command: unfilled entries are taken out, no new ones come; exits and stops go on. {what_is_open(day.plan)}"
        day.board.say(Severity.WARN, "REDUCING", words)
        return True, words

    def _flatten(self, day: TradingDay, args: Args) -> Result:
        instrument_id = args.get("instrument_id")
        where = -1 if instrument_id is None else int(instrument_id)
        if not -1 <= where < len(day.plan.instruments):
            return False, f"there is no instrument {where}"
        brackets = [day.engine.bracket(i) for i in day.engine.live_brackets()]
        n_open = sum(where in (-1, bracket["instrument_id"]) for bracket in brackets)
        if n_open == 0:
            return False, "nothing is open there"
        day.engine.on_flatten(where, day.clock.now_ns())
        name = "everything" if where == -1 else day.plan.symbol_of(where)
        day.board.say(Severity.WARN, "FLATTEN", f"flatten by command: {name}")
        return True, f"closing {n_open} position{'s' if n_open > 1 else ''} ({name})"

    def _kill(self, day: TradingDay, args: Args) -> Result:
        if day.engine.risk()["halt"] == Halt.HALTED:
            return False, "the engine is halted already"
        day.engine.on_halt(Halt.HALTED, Reason.OK, day.clock.now_ns())
        words = f"HALTED by command: no entries, every stop stays at the exchange. {what_is_open(day.plan)}"
        day.board.say(Severity.ALARM, "KILLED", words)
        return True, words

    def _take_over(self, day: TradingDay, args: Args) -> Result:
        instrument_id = args.get("instrument_id")
        if instrument_id is None or not 0 <= int(instrument_id) < len(day.plan.instruments):
            return False, "name the instrument whose foreign position is to be taken over"
        if day.reconciler is None:
            return False, "the day is not open yet"
        return day.reconciler.positions.adopt(int(instrument_id))

    def _stop_engine(self) -> Result:
        day = self._day
        is_trading = day is not None and not day.ended.is_set()
        if is_trading and day is not None and day.shutdown.is_stopping:
            return False, "the engine is stopping already"
        words = day.shutdown.stop("stop command") if is_trading and day is not None else "stopping"
        self._on_stop("stop command")
        return True, words


STOP_ENGINE = "stop-engine"
"""The one command that needs no day."""
OF_A_DAY: Mapping[str, Callable[[Commands, TradingDay, Args], Result]] = {
    "pause": Commands._pause,
    "resume": Commands._resume,
    "rearm": Commands._rearm,
    "stop-entries": Commands._stop_entries,
    "flatten": Commands._flatten,
    "take-over": Commands._take_over,
    "kill": Commands._kill,
}
COMMANDS = (*OF_A_DAY, STOP_ENGINE)
