"""Configuration that changes while trading: looked for by its file's stamp, applied whole or not at
all, and always said.
"""

from otrade._core.types import Severity
from otrade.clock import NS_PER_S
from otrade.config import ConfigManager
from otrade.live.day.trading_day import TradingDay
from otrade.live.notices.board import NoticeBoard
from otrade.live.plan.config_to_spec import limits_of

LOOK_NS = 5 * NS_PER_S


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
        elif result.refused:
            self._board.say(
                Severity.ERROR,
                "CONFIG_REFUSED",
                f"{name}: the old configuration stays, because these need a restart: {', '.join(result.refused)}",
            )
        elif result.changed:
            self._apply(day)
            self._board.say(
                Severity.WARN,
                "CONFIG_CHANGED",
                f"{name}: now in force: {', '.join(result.changed)}",
            )

    def _apply(self, day: TradingDay) -> None:
        config = self._manager.config
        day.engine.set_limits(**limits_of(config.risk))
        day.shutdown.on_stop = config.engine.on_stop
        is_enabled = {strategy.name: strategy.enabled for strategy in config.strategies}
        for strategy_id, planned in enumerate(day.plan.strategies):
            day.engine.set_strategy_enabled(strategy_id, is_enabled[planned.name])
