"""What `make bench-research` compares: the rules of its day, read once more in plain Python, give the trades of the engine; and
differences between two lists of trades are told.
"""

from __future__ import annotations

from bench.research import rules
from bench.research.otrade_day import TickBench, round_trips
from bench.research.trades import Placed, differences, placed

TICKS = 400_000
TICK_NS = rules.SESSION_NS // 5_000_000


def by_pencil(day: rules.Day) -> list[rules.RoundTrip]:
    """Bars, averages and brackets, one tick after another."""
    found: list[rules.RoundTrip] = []
    fast = slow = close = 0.0
    n_bars, side, bar = 0, 0, -1
    opened: tuple[int, int, int] | None = None
    for ts_ns, px_e4 in zip(day.ts_ns.tolist(), day.px_e4.tolist(), strict=True):
        if opened is not None:
            if opened[0] * (px_e4 - rules.target_e4(opened[0], opened[2])) >= 0:
                found.append(rules.RoundTrip(*opened, ts_ns, px_e4, "target"))
                opened = None
            elif opened[0] * (px_e4 - rules.stop_e4(opened[0], opened[2])) <= 0:
                found.append(rules.RoundTrip(*opened, ts_ns, px_e4, "stop"))
                opened = None
        of_bar = (ts_ns - rules.OPEN_NS) // (rules.BAR_S * 1_000_000_000)
        if bar not in (-1, of_bar):
            n_bars += 1
            fast = close if n_bars == 1 else fast + (close - fast) * 2 / (rules.FAST + 1)
            slow = close if n_bars == 1 else slow + (close - slow) * 2 / (rules.SLOW + 1)
            before, side = side, 1 if fast > slow else -1 if fast < slow else side
            if n_bars >= rules.SLOW and before not in (0, side) and opened is None:
                opened = (side, ts_ns, px_e4)
        bar, close = of_bar, px_e4 / rules.E4
    return found


def test_the_rules_read_in_plain_python_give_the_same_trades() -> None:
    for seed in (7, 8, 9):
        day = rules.make_day(TICKS, seed, TICK_NS)
        _, fills = TickBench(day).run()
        ours = placed(round_trips(fills), TICK_NS, TICKS)
        same, others = differences(ours, placed(by_pencil(day), TICK_NS, TICKS))
        assert not others and same == len(ours) >= 5, f"seed {seed}: {others}"


def test_prices_are_rounded_to_the_side_that_cannot_hurt() -> None:
    assert rules.stop_e4(1, 15_151_500) == 15_121_500  # 15,121,197: up, towards the entry
    assert rules.stop_e4(-1, 15_151_500) == 15_181_500  # 15,181,803: down
    assert rules.target_e4(1, 15_151_500) == 15_212_500  # 15,212,106: up, away from it
    assert rules.target_e4(-1, 15_151_500) == 15_090_500  # 15,090,894: down


def test_differences_are_told_by_what_differs() -> None:
    one = Placed(1, 10, 100, 20, 110, "target")
    later = Placed(-1, 30, 100, 40, 105, "stop")
    assert differences([one, later], [one, later]) == (2, {})
    assert differences([one], [one._replace(exit_tick=21, exit_e4=111)]) == (
        0,
        {"exit_tick, exit_e4": 1},
    )
    assert differences([one], [later]) == (0, {"only in OTrade": 1, "only in the peer": 1})
    assert differences([one], [one._replace(side=-1)]) == (0, {"only in OTrade": 1})


def test_a_time_kept_to_ten_microseconds_is_still_its_tick() -> None:
    at_ns = rules.OPEN_NS + rules.BEFORE_FIRST_NS + 7 * TICK_NS
    trip = rules.RoundTrip(1, at_ns - 40_000, 100, at_ns + TICK_NS + 40_000, 110, "stop")
    (found,) = placed([trip], TICK_NS, 9)
    assert (found.entry_tick, found.exit_tick) == (7, 8)
    assert placed([trip], TICK_NS, 8) == [], "it has not ended before that tick"
