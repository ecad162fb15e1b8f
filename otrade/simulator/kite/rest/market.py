"""REST answers about instruments and prices."""

from typing import Any

from otrade.simulator.base.errors import bad_input
from otrade.simulator.base.formats import rupees, stamp
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.market_data import LEVELS, DepthLevel, MarketSnapshot
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.kite.rest.candles import candles, parse_time
from otrade.simulator.kite.rest.instruments import instruments_csv
from otrade.simulator.net.http_server import HttpReply, HttpRequest

QUOTES_MAX = 500
PRICES_MAX = 1000


class MarketRoutes:
    """One method a route."""

    def __init__(self, exchange: OrderSystem, clock: VirtualClock) -> None:
        self._exchange = exchange
        self._clock = clock

    def instruments(self, request: HttpRequest, exchange: str | None = None) -> HttpReply:
        market = self._exchange.market
        if exchange is not None and exchange not in (
            "NSE",
            "BSE",
            "NFO",
            "BFO",
            "CDS",
            "BCD",
            "MCX",
        ):
            raise bad_input("Invalid `exchange`.")
        prices, date = self._exchange.prices, market.date
        # As in the real dump, made in the morning: the price is the previous close.
        text = instruments_csv(
            market.universe, exchange, lambda contract: prices.previous_close_e4(contract, date)
        )
        return HttpReply(200, text.encode(), "text/csv")

    def _quotes(self, request: HttpRequest, limit: int) -> list[tuple[str, MarketSnapshot]]:
        names = request.query.get("i", [])
        if not names:
            raise bad_input("Missing `i`. Send i=EXCH:SYMBOL for each instrument.")
        if len(names) > limit:
            raise bad_input(f"Maximum {limit} instruments are allowed in one request.")
        market = self._exchange.market
        found = []
        for name in dict.fromkeys(names):
            contract = market.universe.by_key.get(name)
            if contract is None and name.isascii() and name.isdigit():
                contract = market.contract(int(name))
            if contract is not None:
                found.append((name, market.told(contract)))
        return found

    def ltp(self, request: HttpRequest) -> Any:
        return {
            name: {"instrument_token": quote.contract.token, "last_price": rupees(quote.ltp_e4)}
            for name, quote in self._quotes(request, PRICES_MAX)
        }

    def ohlc(self, request: HttpRequest) -> Any:
        return {
            name: {
                "instrument_token": quote.contract.token,
                "last_price": rupees(quote.ltp_e4),
                "ohlc": _ohlc(quote),
            }
            for name, quote in self._quotes(request, PRICES_MAX)
        }

    def quote(self, request: HttpRequest) -> Any:
        return {name: self._whole(quote) for name, quote in self._quotes(request, QUOTES_MAX)}

    def _whole(self, quote: MarketSnapshot) -> dict[str, Any]:
        wanted, offered = quote.totals()
        bids, asks = quote.depth()
        last = stamp(quote.ts_ns)
        data: dict[str, Any] = {
            "instrument_token": quote.contract.token,
            "timestamp": last,
            "last_trade_time": last,
            "last_price": rupees(quote.ltp_e4),
            "last_quantity": quote.last_qty,
            "buy_quantity": wanted,
            "sell_quantity": offered,
            "volume": quote.volume,
            "average_price": quote.average_price,
            "oi": quote.oi,
            "oi_day_high": quote.oi_high,
            "oi_day_low": quote.oi_low,
            "net_change": rupees(quote.ltp_e4 - quote.prev_close_e4),
            "lower_circuit_limit": rupees(quote.low_band_e4),
            "upper_circuit_limit": rupees(quote.high_band_e4),
            "ohlc": _ohlc(quote),
            "depth": {"buy": _levels(bids), "sell": _levels(asks)},
        }
        return data

    def historical(self, request: HttpRequest, token: str, interval: str) -> Any:
        contract = (
            self._exchange.market.contract(int(token))
            if token.isascii() and token.isdigit()
            else None
        )
        if contract is None:
            raise bad_input("Invalid `instrument_token`.")
        fields = request.form()
        if "from" not in fields or "to" not in fields:
            raise bad_input("Missing `from` or `to`. Use yyyy-mm-dd hh:mm:ss.")
        start_ns, end_ns = parse_time(fields["from"], "from"), parse_time(fields["to"], "to")
        rows = candles(
            self._exchange,
            self._clock,
            contract,
            interval,
            start_ns,
            end_ns,
            fields.get("oi") == "1",
        )
        return {"candles": rows}


def _ohlc(quote: MarketSnapshot) -> dict[str, Any]:
    return {
        "open": rupees(quote.open_e4),
        "high": rupees(quote.high_e4),
        "low": rupees(quote.low_e4),
        "close": rupees(quote.prev_close_e4),
    }


def _levels(side: list[DepthLevel]) -> list[dict[str, Any]]:
    rows = [
        {"price": rupees(level.price_e4), "quantity": level.qty, "orders": level.orders}
        for level in side[:LEVELS]
    ]
    return rows + [{"price": 0, "quantity": 0, "orders": 0}] * (LEVELS - len(rows))
