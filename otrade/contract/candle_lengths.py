"""The lengths of candles that can be asked for, and longer ones from those of a minute."""

from collections.abc import Sequence

from otrade.contract.views import Candle

INTERVALS_S = (60, 300, 900)
"""The candle lengths that can be asked for; all are aligned to a 09:15 open in India and to the
UTC clock alike.
"""


def resample(candles: Sequence[Candle], interval_s: int) -> list[Candle]:
    """Longer candles out of shorter ones (oldest first), cut at multiples of `interval_s` of the
    clock.
    """
    interval_ms = interval_s * 1000
    longer: list[Candle] = []
    for candle in candles:
        ts_ms = candle.ts_ms - candle.ts_ms % interval_ms
        if not longer or longer[-1].ts_ms != ts_ms:
            longer.append(
                Candle(
                    ts_ms=ts_ms,
                    open_e4=candle.open_e4,
                    high_e4=candle.high_e4,
                    low_e4=candle.low_e4,
                    close_e4=candle.close_e4,
                    volume=candle.volume,
                )
            )
            continue
        last = longer[-1]
        longer[-1] = Candle(
            ts_ms=ts_ms,
            open_e4=last.open_e4,
            high_e4=max(last.high_e4, candle.high_e4),
            low_e4=min(last.low_e4, candle.low_e4),
            close_e4=candle.close_e4,
            volume=last.volume + candle.volume,
        )
    return longer
