"""Configuration that changes while trading: looked for by its file's stamp. What may change is in
force at once, what waits for a restart is named, and a file with anything wrong in it changes
nothing.
"""

from otrade._core.types import Severity
from otrade.clock import NS_PER_S
from otrade.config import ConfigManager
from otrade.live.day.trading_day import TradingDay
from otrade.live.notices.board import NoticeBoard
from otrade.live.plan.config_to_spec import limits_of

LOOK_NS = 5 * NS_PER_S
NAMES_MAX = 12


class ConfigReloader:
    """Applies what may change: risk limits, what a stop does, strategies on and off. `on_beat` belongs
    on the beat.
    """

    def __init__(self, manager: ConfigManager, board: NoticeBoard) -> None:
        self._manager = manager
        self._board = board
        self._next_ns = 0

    def on_beat(self, day: TradingDay, now_ns: int) -> None:
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + LOOK_NS
        if self._manager.has_changed():
            self.reload(day)

    def reload(self, day: TradingDay) -> None:
        result = self._manager.reload()
        name = self._manager.path
        if result.error:
            self._board.say(
                Severity.ERROR, "CONFIG_REFUSED", f"the old configuration stays: {result.error}"
            )
            return
        if result.changed:
            self._apply(day)
            self._board.say(
                Severity.WARN, "CONFIG_CHANGED", f"{name}: now in force: {_some(result.changed)}"
            )
        if result.later:
            self._board.say(
                Severity.ERROR,
                "CONFIG_WAITS",
                f"{name}: not in force before a restart: {_some(result.later)}",
            )

    def _apply(self, day: TradingDay) -> None:
        config = self._manager.config
        day.engine.set_limits(**limits_of(config.risk))
        day.shutdown.on_stop = config.engine.on_stop
        is_enabled = {strategy.name: strategy.enabled for strategy in config.strategies}
        for strategy_id, planned in enumerate(day.plan.strategies):
            day.engine.set_strategy_enabled(strategy_id, is_enabled[planned.name])


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - NAMES_MAX} more" if len(paths) > NAMES_MAX else ""
    return ", ".join(paths[:NAMES_MAX]) + more
