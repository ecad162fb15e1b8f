"""Futures and options follow their underlying: what could be earned without a risk does not come."""

import datetime as dt
import random
from array import array
from statistics import NormalDist

import pytest

from otrade.simulator.base import hours
from otrade.simulator.base.config import NS_PER_S, SimConfig
from otrade.simulator.base.universe import E4, ListedContract
from otrade.simulator.prices.option_value import option_values
from otrade.simulator.prices.price_paths import PricePath
from otrade.simulator.prices.price_source import PriceSource

DATE = dt.date(2026, 11, 18)
EXPIRY = dt.date(2026, 11, 23)
STANDARD = NormalDist()
COARSE = {"tick_interval_ms": 20_000}


def sides(path: PricePath, i: int, tick_e4: int) -> tuple[int, int]:
    """Best bid and best offer at a trade."""
    spread_e4 = path.spread[i] * tick_e4
    bid_e4 = path.px_e4[i] - (spread_e4 if path.noise[i] & 1 else 0)
    return bid_e4, bid_e4 + spread_e4


def chain(prices: PriceSource, date: dt.date, kind: str) -> list[ListedContract]:
    """NIFTY's options of the nearest expiry, by strike."""
    options = [
        c
        for c in prices.universe(date).contracts
        if (c.name, c.instrument_type) == ("NIFTY", kind) and c.segment == "NFO-OPT"
    ]
    nearest = min(c.expiry or dt.date.max for c in options)
    return sorted((c for c in options if c.expiry == nearest), key=lambda c: c.strike_e4)


@pytest.mark.parametrize("sd", [1, 250, 100_000, 7_000_000_000])
@pytest.mark.parametrize("seed", [1, 2])
def test_values_are_bacheliers_and_leave_nothing_to_take(sd: int, seed: int) -> None:
    rng = random.Random(seed)
    strike = 10 * sd
    forwards = sorted(strike + rng.randint(-7 * sd, 7 * sd) for _ in range(200))
    calls, puts = (option_values(forwards, strike, sd, is_call) for is_call in (True, False))
    for forward, call, put in zip(forwards, calls, puts, strict=True):
        assert call - put == forward - strike, f"parity, to the unit; seed {seed}"
        assert call >= max(0, forward - strike) and put >= max(0, strike - forward)
        d = (forward - strike) / sd
        exact = (forward - strike) * STANDARD.cdf(d) + sd * STANDARD.pdf(d)
        assert call == pytest.approx(exact, abs=sd * 6e-5 + 1)
    assert calls == sorted(calls) and puts == sorted(puts, reverse=True)


def test_values_are_convex_in_the_strike() -> None:
    forward, sd = 66_000_000_000, 2_000_000_000
    strikes = range(forward - 7 * sd, forward + 7 * sd, sd // 9)
    values = [option_values([forward], strike, sd, True)[0] for strike in strikes]
    for low, middle, high in zip(values, values[1:], values[2:], strict=False):
        assert low - 2 * middle + high >= -4, "rounding of three values"


@pytest.mark.parametrize("sd", [0, -1])
def test_at_expiry_the_intrinsic_value_is_left(sd: int) -> None:
    assert option_values([90, 100, 110], 100, sd, True) == [0, 0, 10]
    assert option_values([90, 100, 110], 100, sd, False) == [10, 0, 0]


@pytest.mark.parametrize("seed", range(1, 6))
def test_parity_holds_within_costs_all_day(seed: int) -> None:
    """A call less a put is the future less the strike, or the spreads eat what there would be to
    earn.
    """
    prices = PriceSource(SimConfig(seed=seed, **COARSE))
    date = EXPIRY - dt.timedelta(days=3 * (seed % 2))
    future = prices.path(prices.universe(date).resolve("NFO:NIFTY.FUT"), date)
    for call, put in zip(chain(prices, date, "CE"), chain(prices, date, "PE"), strict=True):
        calls, puts = prices.path(call, date), prices.path(put, date)
        assert call.expiry == EXPIRY and list(calls.ts_ns) == list(future.ts_ns)
        for i in range(len(calls)):
            call_bid, call_ask = sides(calls, i, 500)
            put_bid, put_ask = sides(puts, i, 500)
            bid, ask = sides(future, i, 1000)
            # What is worth less than a tick cannot be quoted at what it is worth.
            assert call_bid - put_ask <= ask - call.strike_e4 + 1000, f"seed {seed}, trade {i}"
            assert call_ask - put_bid >= bid - call.strike_e4 - 1000, f"seed {seed}, trade {i}"


def test_no_strike_is_dearer_than_it_may_be() -> None:
    prices = PriceSource(SimConfig(seed=3, **COARSE))
    for kind, sign in (("CE", 1), ("PE", -1)):
        options = chain(prices, DATE, kind)[::sign]
        paths = [prices.path(option, DATE) for option in options]
        for i in range(0, len(paths[0]), 50):
            quoted = [sides(path, i, 500) for path in paths]
            for (bid, ask), (next_bid, next_ask) in zip(quoted, quoted[1:], strict=False):
                assert next_bid <= ask, "worth less, further from the money"
                assert bid - next_ask <= 50 * E4, "and not by more than the strikes differ"
            for low, middle, high in zip(quoted, quoted[1:], quoted[2:], strict=False):
                assert low[1] + high[1] - 2 * middle[0] >= 0, "no butterfly for nothing"


def test_options_move_as_far_as_their_index_takes_them() -> None:
    """They stood at a band of one per cent of the index on 14 of 40 days."""
    n_at_band = 0
    for seed in range(20):
        prices = PriceSource(SimConfig(seed=seed, **COARSE))
        options = [chain(prices, DATE, kind)[9] for kind in ("CE", "PE")]
        for option in options:
            path = prices.path(option, DATE)
            low_e4, high_e4 = prices.band_e4(option, DATE)
            assert low_e4 <= min(path.px_e4) and max(path.px_e4) <= high_e4
            n_at_band += max(path.px_e4) == high_e4
            close_e4 = prices.previous_close_e4(option, DATE)
            assert high_e4 > close_e4 + 2_000 * E4, "its index may move ten per cent"
    assert n_at_band == 0


@pytest.mark.parametrize("kind", ["CE", "PE"])
def test_expiry_leaves_the_intrinsic_value(kind: str) -> None:
    prices = PriceSource(SimConfig(seed=4))
    index = prices.path(prices.universe(EXPIRY).resolve("NSE:NIFTY 50"), EXPIRY)
    end_ns = hours.ist_ns(EXPIRY, "15:30")
    for option in chain(prices, EXPIRY, kind):
        path = prices.path(option, EXPIRY)
        last = path.ts_ns.index(end_ns - NS_PER_S)
        sign = 1 if kind == "CE" else -1
        intrinsic_e4 = max(0, sign * (index.px_e4[last] - option.strike_e4))
        spread_e4 = path.spread[last] * 500
        # A minute of time value is left in the last minute.
        assert abs(path.px_e4[last] - intrinsic_e4) <= spread_e4 + 8 * E4
        after = path.ts_ns.index(end_ns)
        future = prices.path(prices.universe(EXPIRY).resolve("NFO:NIFTY.FUT"), EXPIRY)
        settled_e4 = max(0, sign * (future.px_e4[after] - option.strike_e4))
        assert abs(path.px_e4[after] - settled_e4) <= path.spread[after] * 500 + 5 * E4


@pytest.mark.parametrize(
    ("spot", "name"), [("NSE:NIFTY 50", "NFO:NIFTY.FUT"), ("NSE:INFY", "NFO:INFY.FUT")]
)
def test_a_future_is_its_spot_and_the_interest(spot: str, name: str) -> None:
    prices = PriceSource(SimConfig(seed=5, **COARSE))
    universe = prices.universe(DATE)
    share, future = universe.resolve(spot), universe.resolve(name)
    assert future.expiry is not None
    below, above = prices.path(share, DATE), prices.path(future, DATE)
    for i in range(0, len(below), 7):
        left_s = (hours.ist_ns(future.expiry, "15:30") - below.ts_ns[i]) / NS_PER_S
        fair = below.px_e4[i] * (1 + 0.065 * left_s / (365 * 86_400))
        width = (below.spread[i] * share.tick_e4 + above.spread[i] * future.tick_e4) / 2
        assert abs(above.px_e4[i] - fair) <= width + share.tick_e4 + future.tick_e4
    # The share's auction begins at 15:15; its future goes on.
    assert future.session_ns(DATE)[1] == hours.ist_ns(DATE, "15:40")
    assert above.ts_ns[-1] == hours.ist_ns(DATE, "15:39:40")


def test_a_far_month_stands_higher() -> None:
    prices = PriceSource(SimConfig(seed=6, **COARSE))
    near, far = (
        prices.path(prices.universe(DATE).by_key[key], DATE)
        for key in ("NFO:NIFTY26NOVFUT", "NFO:NIFTY26DECFUT")
    )
    ratios = array("d", (b / a for a, b in zip(near.px_e4, far.px_e4, strict=True)))
    days = (dt.date(2026, 12, 29) - EXPIRY).days
    assert sum(ratios) / len(ratios) == pytest.approx(1 + 0.065 * days / 365, abs=2e-5)
