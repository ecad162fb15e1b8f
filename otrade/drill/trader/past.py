"""Bars of a time in which nobody listened, out of the minutes that a broker has told."""

from dataclasses import dataclass

from otrade.drill.trader.plan import TraderInstrument
from otrade.drill.trader.reading.seen_bar import TraderBar
from otrade.drill.trader.record import ToldHistory

MINUTE = 60_000_000_000
DAY_NS = 1_440 * MINUTE


@dataclass(frozen=True, slots=True)
class JoinedBar:
    """The bar in which a process begins. Half a bar is none: where it is not told, bars begin at
    `from_ns`, its end.
    """

    bar: TraderBar | None
    from_ns: int


def bars_of(
    told: ToldHistory, instrument: TraderInstrument, length_ns: int, until_ns: int
) -> list[TraderBar]:
    """Those that had ended by then. Each session's bars begin at its open, at the time of day of
    today's; its close is not today's, which a scenario has moved.
    """
    found: list[TraderBar] = []
    for minute in told.minutes:
        today_ns = (minute.start_ns - instrument.open_ns) // DAY_NS * DAY_NS  # 0: today
        open_ns = instrument.open_ns + today_ns
        close_ns = instrument.close_ns if today_ns == 0 else open_ns + DAY_NS
        if minute.start_ns >= close_ns:
            continue
        start_ns = minute.start_ns - (minute.start_ns - open_ns) % length_ns
        if found and found[-1].start_ns == start_ns:
            bar = found[-1]
            bar.high_e4 = max(bar.high_e4, minute.high_e4)
            bar.low_e4 = min(bar.low_e4, minute.low_e4)
            bar.close_e4 = minute.close_e4
            bar.volume += minute.volume
        else:
            end_ns = min(start_ns + length_ns, close_ns)
            found.append(
                TraderBar(
                    start_ns,
                    end_ns,
                    minute.high_e4,
                    minute.low_e4,
                    minute.close_e4,
                    is_told=True,
                    volume=minute.volume,
                )
            )
    return [bar for bar in found if bar.end_ns <= until_ns]


def closed_bars(told: ToldHistory, instrument: TraderInstrument, length_ns: int) -> list[TraderBar]:
    """Those that had ended when it was asked, and that are told to their end: a broker is a little
    behind.
    """
    if not told.minutes:
        return []
    last = told.minutes[-1]
    if last.start_ns < instrument.open_ns:
        return bars_of(told, instrument, length_ns, instrument.open_ns)
    return bars_of(told, instrument, length_ns, min(told.asked_ns, last.start_ns + MINUTE))


def running_bar(
    told: ToldHistory | None, instrument: TraderInstrument, length_ns: int, now_ns: int
) -> JoinedBar:
    """Told: history reaches into this minute, or to the end of the one before."""
    start_ns = now_ns - (now_ns - instrument.open_ns) % length_ns
    bars = bars_of(told, instrument, length_ns, 1 << 62) if told is not None else []
    if bars and told is not None and bars[-1].start_ns == start_ns:
        reached_ns = told.minutes[-1].start_ns + 2 * MINUTE
        if reached_ns > now_ns - now_ns % MINUTE:
            return JoinedBar(bars[-1], start_ns)
    return JoinedBar(None, min(start_ns + length_ns, instrument.close_ns))
