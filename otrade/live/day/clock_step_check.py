"""Whether a step of the machine's clock is to be believed: the exchange's time on ticks is shown to
the clock, and people are told.

Square-off, the cut-off of entries and the day's end go by the engine's time; a machine's clock that
is wrong for a few seconds must move none of them.
"""

from otrade._core.types import Severity
from otrade.clock import NS_PER_S, WallClock
from otrade.live.day.trading_day import TradingDay


class ClockStepCheck:
    """`on_beat` on every beat."""

    def __init__(self, day: TradingDay, clock: WallClock) -> None:
        self._day = day
        self._clock = clock
        self._error_ns = 0
        """Of the step that was told last; 0: none is under way."""
        self._said = ""

    def on_beat(self, now_ns: int) -> None:
        clock = self._clock
        if clock.is_in_doubt:
            clock.testify(self._day.engine.newest_exchange_ns())
        step = clock.step
        if step is None:
            if self._error_ns:
                self._say(
                    Severity.INFO,
                    "CLOCK_RIGHT",
                    "this machine's clock and the engine's time agree again",
                )
                self._error_ns, self._said = 0, ""
            return
        if step.error_ns != self._error_ns:
            self._error_ns, self._said = step.error_ns, ""
        words = f"this machine's clock was set {abs(step.error_ns) / NS_PER_S:,.1f} s {'ahead' if step.error_ns > 0 else 'back'}"
        if step.is_believed:
            way = (
                "the engine's time has jumped"
                if step.error_ns > 0
                else "the engine's time waits for it, a tenth of each second"
            )
            self._say(Severity.WARN, "CLOCK_BELIEVED", f"{words}, and it is believed: {way}")
        elif step.is_denied:
            self._say(
                Severity.ALARM,
                "CLOCK_WRONG",
                f"{words}, and the exchange's time on ticks says that it is wrong: square-off, cut-offs and the day's end go by the "
                "engine's own time. Set the clock right (chrony or systemd-timesyncd) before the engine is started again",
            )
        else:
            self._say(
                Severity.WARN,
                "CLOCK_STEP",
                f"{words}: not believed before ticks of the exchange agree",
            )

    def _say(self, severity: Severity, code: str, text: str) -> None:
        if code != self._said:
            self._said = code
            self._day.board.say(severity, code, text)
