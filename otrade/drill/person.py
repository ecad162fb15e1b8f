"""The person of a session, who changes limits, switches strategies and keeps entries out; and what
therefore must hold of every entry.

Nothing here is asked of the engine: what the person has done, and when, says what is in force.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from otrade.drill.draws.actions import PersonAction
from otrade.drill.scenario import Scenario
from otrade.drill.trader.record import SWITCHED_OFF, SWITCHED_ON, SessionRecorder
from otrade.live.control.commands import Commands
from otrade.live.plan.engine_builder import InstrumentSpec

SENT_NS = 1_000_000_000
"""An entry that left before may reach the exchange so much later, troubles apart."""


class Person:
    """Acts, and remembers it."""

    def __init__(
        self,
        scenario: Scenario,
        control: Commands,
        recorder: SessionRecorder,
        now_ns: Callable[[], int],
    ) -> None:
        """`recorder`: the independent trader hears of all that he does."""
        self._control = control
        self._recorder = recorder
        self._now_ns = now_ns
        self._keys = sorted({strategy.key for strategy in scenario.strategies})
        self._strategies = scenario.strategies
        self._limits: list[tuple[int, dict[str, int]]] = [(0, dict(scenario.limits))]
        self._off_since_ns: dict[int, int] = {}
        """Strategies that are switched off, by their place in the scenario."""
        self._out_since_ns: dict[str, int] = {}
        """Commands that keep entries out, since when."""

    # --------------------------------------------------------------------------------------- to act
    def act(self, day: Any, action: PersonAction) -> bool:
        """Do it. Whether it was done: the engine may have nothing to do, and says so."""
        args, what = action.args, action.what
        if what == "limits":
            limits = {**self.limits, **args["limits"]}
            day.engine.set_limits(**limits)
            self._limits.append((self._now_ns(), limits))
            self._recorder.limit(limits)
            return True
        if what == "enabled":
            return self._switch(day, args["number"], is_on=False)
        if what == "flatten":
            place = self._keys.index(args["key"])
            return self._command("flatten", {"instrument_id": place})
        done = self._command(what, {})
        if done:
            self._out_since_ns[what] = self._now_ns()
        return done

    def undo(self, day: Any, action: PersonAction) -> None:
        """`s` seconds later."""
        if action.what == "enabled":
            self._switch(day, action.args["number"], is_on=True)
        elif action.what == "pause" and self._command("resume", {}):
            self._out_since_ns.pop("pause", None)

    def _command(self, name: str, args: dict[str, Any]) -> bool:
        done, _ = self._control.command(name, args)
        self._recorder.commanded(name, args, done=done)
        return done

    def take_over(self, key: str) -> bool:
        """Hand to the engine what somebody else holds there."""
        return self._command("take-over", {"instrument_id": self._keys.index(key)})

    def rearmed(self) -> None:
        """A re-arm lifts a pause too."""
        self._out_since_ns.clear()

    def _switch(self, day: Any, number: int, *, is_on: bool) -> bool:
        if is_on == (number not in self._off_since_ns):
            return False
        if is_on:
            del self._off_since_ns[number]
        else:
            self._off_since_ns[number] = self._now_ns()
        place, name = self._named(number)
        for strategy_id, planned in enumerate(day.plan.strategies):
            if (planned.instrument_id, planned.name) == (place, name):
                day.engine.set_strategy_enabled(strategy_id, is_on)
        args = {"place": place, "name": name}
        self._recorder.commanded(SWITCHED_ON if is_on else SWITCHED_OFF, args, done=True)
        return True

    def _named(self, number: int) -> tuple[int, str]:
        """Instrument and name of a strategy, as `specs` gives them."""
        strategy = self._strategies[number]
        before = [s for s in self._strategies[:number] if s.key == strategy.key]
        return self._keys.index(strategy.key), f"{len(before)} {strategy.kind}"

    # ------------------------------------------------------------------------------ what a start reads
    @property
    def limits(self) -> dict[str, int]:
        return self._limits[-1][1]

    @property
    def keeps_out(self) -> bool:
        return bool(self._out_since_ns)

    def configured(self, specs: list[InstrumentSpec]) -> list[InstrumentSpec]:
        """The instruments as the changed configuration has them."""
        off = {self._named(number) for number in self._off_since_ns}
        return [
            msgspec.structs.replace(
                spec,
                strategies=[
                    msgspec.structs.replace(
                        strategy,
                        plan={**strategy.plan, "enabled": int((place, strategy.name) not in off)},
                    )
                    for strategy in spec.strategies
                ],
            )
            for place, spec in enumerate(specs)
        ]

    # ----------------------------------------------------------------------------------- what must hold
    def loosest(self, name: str, since_ns: int) -> int:
        """The highest value of a limit that was in force since then; 0: none was."""
        values = [
            limits[name]
            for number, (_, limits) in enumerate(self._limits)
            if number + 1 == len(self._limits) or self._limits[number + 1][0] >= since_ns
        ]
        return 0 if 0 in values else max(values)

    @property
    def may_flatten(self) -> bool:
        """Was there ever a limit that takes everything out?"""
        return any(limits["flatten_on_limit"] for _, limits in self._limits)

    def wrong_entry(self, key: str, ts_placed_ns: int, late_ns: int) -> str:
        """Why no entry may reach the exchange in this instrument then; empty: it may. `late_ns`: so
        much later the broker may carry out what was sent before.
        """
        left_ns = ts_placed_ns - late_ns - SENT_NS
        for command, since_ns in self._out_since_ns.items():
            if since_ns < left_ns:
                return f"{(ts_placed_ns - since_ns) / 1e9:.1f} s after a person's {command}"
        numbers = [number for number, s in enumerate(self._strategies) if s.key == key]
        if numbers and all(self._off_since_ns.get(number, left_ns) < left_ns for number in numbers):
            return "though every strategy there is switched off"
        return ""
