"""Bars of the past by pencil: what a broker tells, and what runs when a process begins."""

from otrade.drill.trader.past import MINUTE, JoinedBar, bars_of, closed_bars, running_bar
from otrade.drill.trader.plan import TraderInstrument
from otrade.drill.trader.reading.seen_bar import TraderBar
from otrade.drill.trader.record import ToldHistory, ToldMinute
from tests.drill.trader import test_trader

OPEN = test_trader.OPEN // MINUTE * MINUTE
DAY = 1_440 * MINUTE
YESTERDAY = OPEN - DAY


def instrument() -> TraderInstrument:
    return test_trader.instrument(open_ns=OPEN)


def told(*minutes: tuple[int, int], asked_ns: int = 0) -> ToldHistory:
    """Minutes (start, price) at one price each."""
    return ToldHistory(asked_ns, tuple(ToldMinute(ts, px + 1, px - 1, px) for ts, px in minutes))


def bar(start_ns: int, end_ns: int, high: int, low: int, close: int) -> TraderBar:
    return TraderBar(start_ns, end_ns, high, low, close, is_told=True)


def test_bars_begin_at_each_sessions_open() -> None:
    history = told((YESTERDAY, 10), (YESTERDAY + MINUTE, 20), (YESTERDAY + 3 * MINUTE, 15))
    assert bars_of(history, instrument(), 3 * MINUTE, OPEN) == [
        bar(YESTERDAY, YESTERDAY + 3 * MINUTE, 21, 9, 20),
        bar(YESTERDAY + 3 * MINUTE, YESTERDAY + 6 * MINUTE, 16, 14, 15),
    ]


def test_a_bar_of_today_is_closed_once_it_is_told_to_its_end() -> None:
    minutes = [(OPEN, 10), (OPEN + MINUTE, 11), (OPEN + 2 * MINUTE, 12)]
    first = bar(OPEN, OPEN + MINUTE, 11, 9, 10)
    second = bar(OPEN + MINUTE, OPEN + 2 * MINUTE, 12, 10, 11)
    asked_ns = OPEN + 2 * MINUTE + 1
    assert closed_bars(told(*minutes, asked_ns=asked_ns), instrument(), MINUTE) == [first, second]
    assert closed_bars(told(minutes[0], asked_ns=asked_ns), instrument(), MINUTE) == [first]
    assert closed_bars(told(asked_ns=asked_ns), instrument(), MINUTE) == []


def test_half_a_bar_is_none() -> None:
    now_ns = OPEN + 2 * MINUTE + 30
    after = JoinedBar(None, OPEN + 3 * MINUTE)
    assert running_bar(None, instrument(), MINUTE, now_ns) == after
    assert running_bar(told((OPEN + MINUTE, 11)), instrument(), MINUTE, now_ns) == after
    joined = running_bar(told((OPEN + 2 * MINUTE, 12)), instrument(), MINUTE, now_ns)
    start_ns = OPEN + 2 * MINUTE
    assert joined == JoinedBar(bar(start_ns, start_ns + MINUTE, 13, 11, 12), start_ns)
    late = running_bar(told((OPEN, 10)), instrument(), 3 * MINUTE, now_ns)
    assert late == JoinedBar(None, OPEN + 3 * MINUTE), "history is two minutes behind"
