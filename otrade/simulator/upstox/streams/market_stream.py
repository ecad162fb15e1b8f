"""Upstox's market data feed v3: what a client is subscribed to, and protobuf messages of what
trades.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import orjson
from picows import WSMsgType

from otrade.simulator.base.config import NS_PER_MS, SimConfig
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.base.virtual_clock import EventKind, VirtualClock
from otrade.simulator.exchange.greeks import Greeks, greeks
from otrade.simulator.exchange.market_data import MarketSnapshot
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.faults.ticks import WRONG, TickFault, wrong_by
from otrade.simulator.upstox.rest.calendar import SEGMENTS, status_at, timeline
from otrade.simulator.upstox.rest.names import InstrumentKeys, instrument_key
from otrade.simulator.upstox.rest.settings import settings_of
from otrade.simulator.upstox.rest.user import MARKET_PATH
from otrade.simulator.upstox.streams.proto import (
    INITIAL_FEED,
    LIVE_FEED,
    MARKET_INFO,
    Feed,
    FeedResponse,
    number_of,
)
from otrade.simulator.upstox.streams.server import UpstoxFeedClient, UpstoxFeedServer
from otrade.simulator.upstox.streams.ticks import MODES, WHOLE, MinuteBar, book_alone, feed

log = logging.getLogger(__name__)

METHODS = ("sub", "change_mode", "unsub")
NO_PLUS = (
    "mode full_d30 needs Upstox Plus, which this user does not have; mode full has five levels"
)
FIVE_LEVELS = "mode full_d30 shows the five levels that a simulated order book has, not thirty"
REFUSALS_KEPT = 20


class _Refused(Exception):
    """A request that the server takes no notice of; there is no answer for it on this feed."""


class MarketStreamServer:
    """Subscriptions are JSON in binary frames; first comes the state of the market, then a snapshot
    of what is subscribed, then what has changed.
    """

    path = MARKET_PATH
    is_binary = True

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        exchange: OrderSystem,
        server: UpstoxFeedServer,
        keys: Callable[[], InstrumentKeys],
        faults: FaultInjector,
    ) -> None:
        """`keys` gives the instrument keys of the present day."""
        settings = settings_of(cfg)
        limits, self._has_plus = settings.limits, settings.has_plus
        self._cfg = cfg
        self._clock = clock
        self._exchange = exchange
        self._server = server
        self._keys = keys
        self._faults = faults
        self._connections_max = (
            limits.feed_connections_plus if self._has_plus else limits.feed_connections
        )
        self._alone = {
            "ltpc": limits.ltpc_keys,
            "option_greeks": limits.option_greeks_keys,
            "full": limits.full_keys,
            "full_d30": limits.full_d30_keys,
        }
        self._combined = {
            "ltpc": limits.ltpc_keys_combined,
            "option_greeks": limits.option_greeks_keys_combined,
            "full": limits.full_keys_combined,
            "full_d30": limits.full_d30_keys_combined,
        }
        self._minutes: dict[int, MinuteBar] = {}
        self._wide: Counter[int] = Counter()
        """Token to how many clients want candles of it."""
        self.clients: list[UpstoxFeedClient] = []
        self.refusals: list[str] = []
        """Why no notice was taken of a request; the newest, and how many: `refused`."""
        self.refused = 0

    # ---- clients

    def has_room(self) -> bool:
        return not self._connections_max or len(self.clients) < self._connections_max

    def joined(self, client: UpstoxFeedClient) -> None:
        self._tell_status([client])

    def left(self, client: UpstoxFeedClient) -> None:
        self._drop(client, list(client.modes))

    def heard(self, client: UpstoxFeedClient, payload: bytes) -> None:
        try:
            message = orjson.loads(payload)
            method, data = message["method"], message["data"]
            keys, mode = data["instrumentKeys"], data.get("mode")
            if not isinstance(message["guid"], str) or method not in METHODS:
                raise _Refused(f"method {method!r}")
            if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
                raise _Refused("instrumentKeys should be an array of texts")
            if method == "unsub":
                self._drop(client, keys)
                return
            mode = "ltpc" if mode is None and method == "sub" else mode
            if mode not in MODES:
                raise _Refused(f"mode {mode!r} is not offered")
            if mode == "full_d30" and not self._has_plus:
                raise _Refused(NO_PLUS)
            if method == "change_mode":
                keys = [key for key in keys if key in client.modes]
            self._take(client, keys, mode)
            if mode == "full_d30":
                log.warning("market feed: %s", FIVE_LEVELS)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, _Refused) as exc:
            self.refused += 1
            self.refusals = [*self.refusals[-REFUSALS_KEPT:], str(exc)]
            log.warning("market feed: a request was refused: %s", exc)

    def _take(self, client: UpstoxFeedClient, keys: list[str], mode: str) -> None:
        found = {key: contract for key in keys if (contract := self._keys().find(key)) is not None}
        self._check_room(client.modes | dict.fromkeys(found, mode))
        market = self._exchange.market
        for key, contract in found.items():
            # First the new watch, so that an instrument whose mode changes is watched throughout.
            market.watch(contract)
            self._drop(client, [key])
            client.modes[key] = mode
            if mode in WHOLE:
                self._wide[contract.token] += 1
                if contract.token not in self._minutes:
                    quote = market.quote(contract)
                    self._minutes[contract.token] = MinuteBar(quote, self._clock.now_ns())
        if found:
            quotes = [market.quote(contract) for contract in found.values()]
            self._send([client], quotes, INITIAL_FEED)

    def _check_room(self, modes: dict[str, str]) -> None:
        counts = Counter(modes.values())
        limits = self._alone if len(counts) == 1 else self._combined
        for mode, count in counts.items():
            if limits[mode] and count > limits[mode]:
                raise _Refused(f"{count} keys in mode {mode}; at most {limits[mode]} are allowed")

    def _drop(self, client: UpstoxFeedClient, keys: Iterable[str]) -> None:
        market = self._exchange.market
        for key in keys:
            mode, contract = client.modes.pop(key, None), self._keys().find(key)
            if mode is None or contract is None:
                continue
            market.unwatch(contract)
            if mode in WHOLE:
                self._wide[contract.token] -= 1
                if not self._wide[contract.token]:
                    self._minutes.pop(contract.token, None)

    # ---- the day

    def open_day(self) -> None:
        """A new day: subscriptions stay, for what is still listed."""
        market, now_ns = self._exchange.market, self._clock.now_ns()
        market.on_trades.append(self._traded)
        market.on_books.append(self._moved)
        self._minutes.clear()
        self._wide.clear()
        for client in self.clients:
            for key, mode in list(client.modes.items()):
                contract = self._keys().find(key)
                if contract is None:
                    del client.modes[key]
                    continue
                market.watch(contract)
                if mode in WHOLE:
                    self._wide[contract.token] += 1
                    self._minutes[contract.token] = MinuteBar(market.quote(contract), now_ns)
        times = {ts_ns for segment in SEGMENTS for ts_ns, _ in timeline(segment, market.date)}
        for ts_ns in sorted(times):
            if ts_ns > now_ns:
                self._clock.schedule(
                    ts_ns, lambda: self._tell_status(self.clients), EventKind.SESSION
                )

    # ---- messages out

    def _tell_status(self, clients: list[UpstoxFeedClient]) -> None:
        now_ns = self._clock.now_ns()
        message = FeedResponse(type=MARKET_INFO, currentTs=now_ns // NS_PER_MS)
        for segment in SEGMENTS:
            word, _ = status_at(segment, now_ns)
            message.marketInfo.segmentStatus[segment] = number_of("MarketStatus", word)
        self._write(clients, message)

    def _traded(self, quotes: list[MarketSnapshot]) -> None:
        for quote in quotes:
            minute = self._minutes.get(quote.contract.token)
            if minute is not None:
                minute.add(quote.ltp_e4, quote.last_qty, quote.ts_ns)
        if self._faults.has_hole or not self.clients:
            return
        for quote in quotes:
            fault = "wrong" if self._server.is_wrong else self._faults.take_tick()
            if fault:
                self._send_spoiled(quote, fault)
        self._send(self.clients, quotes, LIVE_FEED)

    def _moved(self, quotes: list[MarketSnapshot]) -> None:
        """Depth alone, without the last trade."""
        if not self._faults.has_hole:
            self._send(self.clients, quotes, LIVE_FEED, book_alone)

    def _send_spoiled(self, quote: MarketSnapshot, fault: TickFault) -> None:
        """A message before the whole one: the same, a part of it, one without a book, or one with a
        wrong price.
        """
        way = self._faults.choose(quote.contract.token, len(WRONG))

        def spoil(whole: Any) -> Any:
            message = Feed()
            message.CopyFrom(whole)
            full = message.fullFeed.marketFF
            if fault == "no_book":
                del full.marketLevel.bidAskQuote[:]
                full.marketLevel.SetInParent()
            elif fault == "wrong":
                times, divided_by = wrong_by(way, full.ltpc.ltp)
                full.ltpc.ltp = full.ltpc.ltp * times / divided_by
            elif fault == "part":
                full.ClearField(("ltpc", "marketLevel", "marketOHLC", "ltpc")[way])
            return message

        self._send(self.clients, [quote], LIVE_FEED, spoil)

    def _send(
        self,
        clients: list[UpstoxFeedClient],
        quotes: list[MarketSnapshot],
        kind: int,
        change: Callable[[Any], Any] | None = None,
    ) -> None:
        """`change` makes another message of a full one; who has not subscribed to that mode gets
        none then.
        """
        made: dict[tuple[str, str], Any] = {}
        keys = [instrument_key(quote.contract) for quote in quotes] if clients else []
        for client in clients:
            message = FeedResponse(type=kind, currentTs=self._clock.now_ns() // NS_PER_MS)
            for key, quote in zip(keys, quotes, strict=True):
                mode = client.modes.get(key)
                if mode is None or (
                    change is not None and (mode not in WHOLE or not quote.contract.tradable)
                ):
                    continue
                one = made.get((key, mode))
                if one is None:
                    minute = self._minutes.get(quote.contract.token)
                    one = made[key, mode] = feed(
                        quote, mode, minute, self._greeks(quote.contract, mode)
                    )
                    if change is not None:
                        one = made[key, mode] = change(one)
                message.feeds[key].CopyFrom(one)
            if message.feeds and change is book_alone:
                payload = message.SerializeToString(deterministic=True)
                self._server.send_book(client, payload)
            elif message.feeds:
                self._write([client], message)

    def _greeks(self, contract: ListedContract, mode: str) -> Greeks | None:
        if mode == "ltpc" or not contract.is_option:
            return None
        market = self._exchange.market
        return greeks(market.outlook(contract), contract)

    def _write(self, clients: list[UpstoxFeedClient], message: Any) -> None:
        # Maps in the order of their keys: the same run gives the same bytes.
        payload = message.SerializeToString(deterministic=True)
        for client in clients:
            self._server.send_ticks(client, WSMsgType.BINARY, payload)
