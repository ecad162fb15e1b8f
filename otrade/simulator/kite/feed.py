"""Kite's streaming interface over the model: binary ticks, heartbeats, and order updates as text
frames.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from picows import (
    WSListener,
    WSMsgType,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.day_draws import DayDraws
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.market_data import MarketSnapshot
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.orders import OrderState
from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.faults.pushes import GARBLED_FIELDS, UNKNOWN_STATUS, Garbling
from otrade.simulator.faults.ticks import WRONG, TickFault, wrong_by
from otrade.simulator.kite.rest.login_sessions import LoginSessions
from otrade.simulator.kite.rest.rows import push_row
from otrade.simulator.kite.rest.settings import settings_of
from otrade.simulator.kite.wire import HEARTBEAT, MODES, frame, packet, with_price, without_book
from otrade.simulator.net.feed_server import FeedClient, FeedServer
from otrade.simulator.net.reaction_gate import ReactionGate


class KiteFeedClient(FeedClient):
    """One connection and its subscriptions."""

    def __init__(self, server: "KiteFeedServer") -> None:
        super().__init__(server)
        self.modes: dict[int, str] = {}

    def beat(self) -> None:
        self.send(WSMsgType.BINARY, HEARTBEAT)


class KiteFeedServer(FeedServer[KiteFeedClient]):
    """The WebSocket server and its clients."""

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        gate: ReactionGate,
        exchange: OrderSystem,
        sessions: LoginSessions,
        faults: FaultInjector,
        draws: DayDraws,
    ) -> None:
        super().__init__(cfg, clock, gate, draws)
        self._faults = faults
        self._exchange = exchange
        self._sessions = sessions
        if "kite" not in cfg.also:
            exchange.on_update.append(self._push)
        exchange.on_day.append(self._new_day)

    def _accept(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        query = parse_qs(urlsplit(request.path.decode("latin-1")).query)
        api_key, access_token = query.get("api_key", [""])[0], query.get("access_token", [""])[0]
        if not self._sessions.is_valid(api_key, access_token):
            return WSUpgradeResponseWithListener(
                WSUpgradeResponse.create_error_response(403, b"Forbidden"), None
            )
        return KiteFeedClient(self)

    def left(self, client: KiteFeedClient) -> None:
        super().left(client)
        self._unwatch(client, list(client.modes))

    def heard(self, client: KiteFeedClient, kind: WSMsgType, payload: bytes) -> None:
        """A subscribe, unsubscribe or mode message."""
        if kind != WSMsgType.TEXT:
            return
        self._gate.activity += 1
        try:
            message = orjson.loads(payload)
            action, value = message["a"], message["v"]
            if action == "subscribe":
                self._subscribe(client, _tokens(value), None)
            elif action == "unsubscribe":
                self._unwatch(client, _tokens(value))
            elif action == "mode":
                mode, tokens = value
                if mode not in MODES:
                    raise ValueError(f"unknown mode {mode}")
                self._subscribe(client, _tokens(tokens), mode)
            else:
                raise ValueError(f"unknown action {action}")
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as exc:
            self._error(client, f"Invalid message: {exc}")

    def _subscribe(self, client: KiteFeedClient, tokens: list[int], mode: str | None) -> None:
        limit = settings_of(self._cfg).limits.tokens_per_connection
        market = self._exchange.market
        fresh = []
        refused = 0
        for token in tokens:
            if token not in client.modes:
                if len(client.modes) >= limit:
                    refused += 1
                    continue
                contract = market.contract(token)
                if contract is not None:
                    market.watch(contract)
            client.modes[token] = mode or client.modes.get(token, "quote")
            fresh.append(token)
        if refused:
            self._error(
                client,
                f"Maximum {limit} tokens can be subscribed on one connection; {refused} refused",
            )
        quotes = [
            market.quote(contract)
            for token in fresh
            if (contract := market.contract(token)) is not None
        ]
        if quotes:
            # What is on the screen now; the next trade may be long in coming.
            self._send_ticks([client], quotes)

    def _unwatch(self, client: KiteFeedClient, tokens: list[int]) -> None:
        market = self._exchange.market
        for token in tokens:
            if client.modes.pop(token, None) is not None:
                contract = market.contract(token)
                if contract is not None:
                    market.unwatch(contract)

    def _new_day(self) -> None:
        market = self._exchange.market
        market.on_trades.append(self._traded)
        market.on_books.append(self._send_books)
        for client in self._clients:
            for token in client.modes:
                contract = market.contract(token)
                if contract is not None:
                    market.watch(contract)

    # ---- frames out

    def _traded(self, quotes: list[MarketSnapshot]) -> None:
        if self._faults.has_hole or not self._clients:
            return
        faults = {
            quote.contract.token: fault
            for quote in quotes
            if (fault := "wrong" if self.is_wrong else self._faults.take_tick())
        }
        self._send_ticks(self._clients, quotes, faults)

    def _send_books(self, quotes: list[MarketSnapshot]) -> None:
        """The last trade again, with the order book of now: full packets come on any change."""
        if self._faults.has_hole:
            return
        now_ns = self._clock.now_ns()
        for client in self._clients:
            wanted = [quote for quote in quotes if client.modes.get(quote.contract.token) == "full"]
            if wanted:
                body = frame([packet(quote, "full", now_ns) for quote in wanted])
                self.send_book(client, body)

    def _send_ticks(
        self,
        clients: list[KiteFeedClient],
        quotes: list[MarketSnapshot],
        faults: Mapping[int, TickFault] | None = None,
    ) -> None:
        made: dict[tuple[int, str], list[bytes]] = {}
        for client in clients:
            packets: list[bytes] = []
            for quote in quotes:
                token = quote.contract.token
                mode = client.modes.get(token)
                if mode is None:
                    continue
                bodies = made.get((token, mode))
                if bodies is None:
                    body = packet(quote, mode)
                    bodies = made[token, mode] = (
                        self._spoiled(token, body, faults.get(token, "")) if faults else [body]
                    )
                packets += bodies
            if packets:
                self.send_ticks(client, WSMsgType.BINARY, frame(packets))
        for quote in quotes if faults else ():
            if faults and faults.get(quote.contract.token) == "part":
                self._send_books([quote])

    def _spoiled(self, token: int, body: bytes, fault: TickFault) -> list[bytes]:
        if fault == "doubled":
            return [body, body]
        if fault == "no_book":
            return [without_book(body)]
        if fault == "wrong":
            way = self._faults.choose(token, len(WRONG))
            paise = int.from_bytes(body[4:8], "big")
            return [with_price(body, *wrong_by(way, paise / 100)), body]
        return [body]

    def _push(self, state: OrderState) -> None:
        if not self._clients or not self._running:
            return
        fault, late_ns = self._faults.take_push(state.order.draw_key)
        if fault == "dropped":
            return
        row = push_row(state, self._cfg.user_id)
        if fault == "unknown_status":
            row["status"] = UNKNOWN_STATUS
        row["average_price"] = self._faults.tell_average(
            state.order.draw_key, row["filled_quantity"], row["average_price"]
        )
        text = orjson.dumps({"type": "order", "data": row})
        if fault == "garbled":
            text = _garbled(text, row, self._faults.take_garbling(state.order.draw_key))
        for client in self._clients:
            for _ in range(2 if fault == "doubled" else 1):
                if late_ns:
                    self.send_at(client, WSMsgType.TEXT, text, self._clock.now_ns() + late_ns)
                else:
                    self.send_news(client, text, state.order.draw_key)

    def _error(self, client: KiteFeedClient, text: str) -> None:
        payload = orjson.dumps({"type": "error", "data": text})
        self.send_news(client, payload, 0)


def _garbled(text: bytes, row: dict[str, Any], how: Garbling) -> bytes:
    if how == "cut":
        return text[: len(text) // 2]
    if how == "no_order":
        return orjson.dumps({"type": "order", "data": None})
    left = {name: value for name, value in row.items() if name not in GARBLED_FIELDS}
    return orjson.dumps({"type": "order", "data": left})


def _tokens(value: object) -> list[int]:
    if not isinstance(value, list) or not all(type(token) is int for token in value):
        raise ValueError("`v` should be an array of instrument tokens")
    return value
