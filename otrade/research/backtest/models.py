"""What no price of the past tells, and how it is decided: stated in every result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from otrade.errors import BacktestError
from otrade.units import NS_PER_MS

QUEUES = {"drawn": 0, "through": 1, "touch": 2, "ahead": 3}
"""What a resting order gets when the market trades at its own price."""
LATENCY_MAX_MS = 60_000
BAR_PATH = (
    "open, nearer extreme, other extreme, close; at 0, 1/3, 2/3 of the bar, and 1 s before its end"
)


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """Latency in milliseconds each way, or whole round trips to draw from; slippage of an order that
    takes, where there is no order book; the most that an order gets of what trades, per cent (0:
    everything); and whether the stop counts where stop and target lie in one bar.
    """

    latency_ms: float = 0.0
    round_trips_ns: Sequence[int] = ()
    queue: str = "through"
    slippage_ticks: int = 1
    slippage_bps: float = 0.0
    share_percent: float = 0.0
    stop_first: bool = True

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
            "path": "as recorded" if is_tick else BAR_PATH,
            "stop_first": self.stop_first,
        }  # fmt: skip


def check_models(models: Models) -> Models:
    """BacktestError for what cannot be."""
    if models.queue not in QUEUES:
        raise BacktestError(f"--queue {models.queue}: choose one of {', '.join(QUEUES)}")
    if not 0 <= models.latency_ms <= LATENCY_MAX_MS:
        raise BacktestError(f"--latency {models.latency_ms:g}: 0 to {LATENCY_MAX_MS} milliseconds")
    if not 0 <= models.slippage_ticks <= 1000 or not 0 <= models.slippage_bps <= 1000:
        raise BacktestError("--slippage: 0 to 1000 ticks, or basis points")
    if not 0 <= models.share_percent <= 100:
        raise BacktestError("--share: 0 to 100 per cent of what trades")
    return models
