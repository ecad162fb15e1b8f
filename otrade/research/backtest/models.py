"""What no price of the past tells, and how it is decided: stated in every result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from otrade.config.schema import BacktestConfig
from otrade.errors import BacktestError
from otrade.research.backtest.journal_latency import round_trips_ns
from otrade.research.history.series import TICK
from otrade.units import NS_PER_MS

QUEUES = {"drawn": 0, "through": 1, "touch": 2, "ahead": 3}
"""What a resting order gets when the market trades at its own price."""
LATENCY_MAX_MS = 60_000
SHARE_MIN_PERCENT = 0.01
"""The exchange counts in hundredths of a per cent."""
PATHS = {"nearer": 0, "high": 1, "low": 2}
"""Which extreme of a bar comes first."""
BAR_PATHS = {
    "nearer": "open, nearer extreme, other extreme, close",
    "high": "open, high, low, close",
    "low": "open, low, high, close",
}
BAR_TIMES = "at 0, 1/3, 2/3 of the bar, and 1 s before its end"
OPTION, CONFIGURATION, DEFAULT = "option", "configuration", "default"
MODEL_OF = {
    "latency_ms": "latency",
    "journals": "latency",
    "queue": "queue",
    "slippage_ticks": "slippage",
    "slippage_bps": "slippage",
    "share_percent": "partial_fills",
    "path": "path",
    "stop_first": "stop_first",
    "funds_rupees": "funds",
}
"""Fields of the configuration, and the model that each one is of."""


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """Latency in milliseconds each way, or whole round trips to draw from; slippage of an order that
    takes, where there is no order book; the most that an order gets of what trades, per cent (0:
    everything); whether the stop counts where stop and target lie in one bar; and the account's funds (0: nobody asks).
    """

    latency_ms: float = 0.0
    round_trips_ns: Sequence[int] = ()
    queue: str = "through"
    slippage_ticks: int = 1
    slippage_bps: float = 0.0
    share_percent: float = 0.0
    path: str = "nearer"
    stop_first: bool = True
    funds_rupees: float = 0.0

    @property
    def latency_ns(self) -> int:
        return round(self.latency_ms * NS_PER_MS)

    def stated(self, length: str) -> dict[str, Any]:
        """As a result says it."""
        trips = sorted(self.round_trips_ns)
        if trips:
            latency: dict[str, Any] = {
                "model": "drawn", "samples": len(trips), "median_ms": trips[len(trips) // 2] / NS_PER_MS
            }  # fmt: skip
        elif self.latency_ms:
            latency = {"model": "constant", "ms_each_way": self.latency_ms}
        else:
            latency = {"model": "none"}
        is_tick = length == "tick"
        return {
            "latency": latency,
            "queue": self.queue,
            "slippage": {"ticks": self.slippage_ticks, "bps": self.slippage_bps} if not is_tick else "by the recorded order book",
            "partial_fills": {"percent_of_volume": self.share_percent} if self.share_percent else "none",
            "path": "as recorded" if is_tick else f"{BAR_PATHS[self.path]}; {BAR_TIMES}",
            "stop_first": self.stop_first,
            "funds": {"rupees": self.funds_rupees} if self.funds_rupees else "never asked",
        }  # fmt: skip


def models_of(
    configured: BacktestConfig, options: Mapping[str, Any], length: str
) -> tuple[Models, dict[str, str]]:
    """The models, and where each one came from. `options`: fields of the configuration that the command says; what it
    says of a model goes before all that the configuration says of it.
    """
    plain = BacktestConfig()
    told = {MODEL_OF[name] for name in options}
    said: dict[str, Any] = {}
    origins = dict.fromkeys(MODEL_OF.values(), DEFAULT)
    for name, model in MODEL_OF.items():
        if model in told:
            said[name] = options.get(name, getattr(plain, name))
            origins[model] = OPTION
        else:
            said[name] = getattr(configured, name)
            if said[name] != getattr(plain, name):
                origins[model] = CONFIGURATION
    if said["queue"] == "auto":
        said["queue"] = "ahead" if length == TICK else "through"
    journals = [Path(name) for name in said.pop("journals")]
    return Models(**said, round_trips_ns=round_trips_ns(journals) if journals else ()), origins


def check_models(models: Models) -> Models:
    """BacktestError for what cannot be."""
    if models.queue not in QUEUES:
        raise BacktestError(f"--queue {models.queue}: choose one of {', '.join(QUEUES)}")
    if models.path not in PATHS:
        raise BacktestError(f"--path {models.path}: choose one of {', '.join(PATHS)}")
    if not 0 <= models.latency_ms <= LATENCY_MAX_MS:
        raise BacktestError(f"--latency {models.latency_ms:g}: 0 to {LATENCY_MAX_MS} milliseconds")
    if not 0 <= models.slippage_ticks <= 1000 or not 0 <= models.slippage_bps <= 1000:
        raise BacktestError("--slippage: 0 to 1000 ticks, or basis points")
    if not 0 <= models.funds_rupees <= 1e12:
        raise BacktestError(f"--funds {models.funds_rupees:g}: rupees, 0 to 1,000,000,000,000")
    if models.share_percent and not SHARE_MIN_PERCENT <= models.share_percent <= 100:
        raise BacktestError(
            f"--share {models.share_percent:g}: {SHARE_MIN_PERCENT:g} to 100 per cent of what trades, or 0 for no bound"
        )
    return models
