"""The judge of bars: each bar that an engine closes must be one of trades that happened, at their
prices, in its own time.

It hears every trade at the exchange itself and believes of the engine only its list of closed bars.
A bar may miss trades (a feed that is down tells of none); it may never hold a price that did not
trade in its interval, nor stand where nothing traded.
"""

from collections import defaultdict
from collections.abc import Iterable

from otrade.live.history.candles import ClosedBar
from otrade.simulator.exchange.market_data import MarketSnapshot
from otrade.simulator.simulator import Simulator

SECOND = 1_000_000_000


class BarJudge:
    """Listens to the exchange from now on."""

    def __init__(self, sim: Simulator, keys: Iterable[str]) -> None:
        market = sim.exchange.market
        self._trades: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._listed = {key: market.universe.resolve(key) for key in keys}
        for contract in self._listed.values():
            market.watch(
                contract
            )  # throughout, so that every trade is heard, also while no engine lives
        market.on_trades.append(self._traded)

    def _traded(self, quotes: list[MarketSnapshot]) -> None:
        for quote in quotes:
            self._trades[quote.contract.key].append((quote.ts_ns, quote.ltp_e4))

    def check(
        self, key: str, interval_ns: int, candles: Iterable[ClosedBar], *, is_timed: bool = True
    ) -> str:
        """What is wrong with one of these bars of the instrument; empty when nothing is.
        `is_timed`: else no packet says when its trade was, and a clock was wrong or the feed was
        silent: a bar stands where a price came, and holds what has traded at any time.
        """
        prices: dict[int, set[int]] = defaultdict(set)
        trades = self._trades[self._listed[key].key]
        bars = list(candles)
        if not bars:
            return ""
        if not is_timed:
            everything = {price_e4 for _, price_e4 in trades}
            held = {px for b in bars for px in (b.open_e4, b.high_e4, b.low_e4, b.close_e4)}
            strange = held - everything
            return f"bars of {key} hold {sorted(strange)} e4, which never traded" if strange else ""
        origin_ns = bars[0].ts_open_ns
        for ts_ns, price_e4 in trades:
            prices[(ts_ns - origin_ns) // interval_ns].add(price_e4)
        for bar in bars:
            traded = prices.get((bar.ts_open_ns - origin_ns) // interval_ns)
            if not traded:
                return f"a bar of {key} at {bar.ts_open_ns // SECOND}, where nothing traded"
            strange = {bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4} - traded
            if strange:
                return f"the bar of {key} at {bar.ts_open_ns // SECOND} holds {sorted(strange)} e4, which did not trade in it"
        return ""
