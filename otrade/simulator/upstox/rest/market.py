"""Upstox's quotes, candles and instrument files."""

import datetime as dt
from collections.abc import Callable
from itertools import groupby
from typing import Any

from otrade.simulator.base import hours
from otrade.simulator.base.config import NS_PER_MS, NS_PER_S
from otrade.simulator.base.formats import rupees
from otrade.simulator.base.hours import CAS_FROM, IST, ist_ns
from otrade.simulator.base.universe import E4, ListedContract
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.candles import CandleBar, bars
from otrade.simulator.exchange.greeks import Greeks, greeks
from otrade.simulator.exchange.market_data import (
    LEVELS,
    OI_UNITS,
    DepthLevel,
    MarketSnapshot,
    oi_unit,
)
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.net.http_server import HttpReply, HttpRequest
from otrade.simulator.upstox.rest import request_params as params
from otrade.simulator.upstox.rest.errors import NO_ROUTE, UpstoxError, bad_field, bad_key
from otrade.simulator.upstox.rest.instruments import FILES, instruments_file
from otrade.simulator.upstox.rest.names import InstrumentKeys, quote_name

KEYS_MAX = 500
MINUTE_NS = 60 * NS_PER_S
DAY_NS = 86_400 * NS_PER_S
_SPANS_V2 = {"1minute": 31, "30minute": 366, "day": 366, "week": 3653, "month": 3653}
_OHLC_MINUTES = {"1d": 0, "I1": 1, "I30": 30}


class UpstoxMarket:
    """One method a route."""

    def __init__(
        self, exchange: OrderSystem, clock: VirtualClock, keys: Callable[[], InstrumentKeys]
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._keys = keys

    def instruments(self, request: HttpRequest, name: str) -> HttpReply:
        stem = name.removesuffix(".json.gz")
        if stem == name or stem not in FILES:
            raise UpstoxError(NO_ROUTE, "Resource not Found.", status=404)
        return HttpReply(200, instruments_file(self._keys().universe, stem), "application/gzip")

    # ---- quotes

    def _wanted(self, request: HttpRequest) -> list[tuple[str, MarketSnapshot]]:
        # The SDK says `symbol` for the older calls, the documentation says `instrument_key`.
        text = params.optional_query(request, "instrument_key") or params.optional_query(
            request, "symbol"
        )
        if text is None:
            raise bad_field("instrument_key", "instrument_key is required", "UDAPI1026")
        names = list(dict.fromkeys(text.split(",")))
        if len(names) > KEYS_MAX:
            raise bad_field("instrument_key", f"At most {KEYS_MAX} instruments are allowed")
        return [(name, self._exchange.market.told(self._contract(name))) for name in names]

    def _contract(self, key: str) -> ListedContract:
        contract = self._keys().find(key)
        if contract is None:
            raise bad_key(key)
        return contract

    def quotes(self, request: HttpRequest) -> Any:
        now = dt.datetime.fromtimestamp(self._clock.now_ns() / NS_PER_S, IST)
        stamp = now.isoformat(timespec="milliseconds")
        return {quote_name(q.contract): _whole(key, q, stamp) for key, q in self._wanted(request)}

    def ltp(self, request: HttpRequest) -> Any:
        return {
            quote_name(quote.contract): {
                "last_price": rupees(quote.ltp_e4),
                "instrument_token": key,
                "ltq": quote.last_qty,
                "volume": quote.volume,
                "cp": rupees(quote.prev_close_e4),
            }
            for key, quote in self._wanted(request)
        }

    def ltp_v2(self, request: HttpRequest) -> Any:
        return {
            name: {field: row[field] for field in ("last_price", "instrument_token")}
            for name, row in self.ltp(request).items()
        }

    def ohlc_v2(self, request: HttpRequest) -> Any:
        """The candle in the making alone, or the last finished one where nothing has traded."""
        rows = {}
        for name, row in self.ohlc(request).items():
            bar = row["live_ohlc"] or row["prev_ohlc"] or {}
            rows[name] = {
                "ohlc": {field: bar.get(field, 0) for field in ("open", "high", "low", "close")},
                "last_price": row["last_price"],
                "instrument_token": row["instrument_token"],
            }
        return rows

    def quotes_v3(self, request: HttpRequest) -> Any:
        rows = self.quotes(request)
        for key, quote in self._wanted(request):
            contract = quote.contract
            rows[quote_name(contract)] |= {
                "ohlc": _ohlc(self._last_two(quote, 0)[1]),
                "prev_close_price": rupees(quote.prev_close_e4),
                "previous_oi": oi_unit(contract) * OI_UNITS,
                "cas_eligible": contract.hours_kind == "cash_fno" and quote.date >= CAS_FROM,
                "instrument_token": key,
            }
        return rows

    def option_greeks(self, request: HttpRequest) -> Any:
        """Of options; of anything else zeros."""
        rows = self.ltp(request)
        for _, quote in self._wanted(request):
            contract = quote.contract
            values = (
                greeks(self._exchange.market.outlook(contract), contract)
                if contract.is_option
                else Greeks(0.0, 0.0, 0.0, 0.0, 0.0)
            )
            rows[quote_name(contract)] |= values._asdict() | {"oi": quote.oi}
        return rows

    def ohlc(self, request: HttpRequest) -> Any:
        interval = params.query(request, "interval")
        if interval not in _OHLC_MINUTES:
            raise bad_field("interval", "Use 1d, I1 or I30", value=interval)
        rows = {}
        for key, quote in self._wanted(request):
            before, live = self._last_two(quote, _OHLC_MINUTES[interval])
            rows[quote_name(quote.contract)] = {
                "last_price": rupees(quote.ltp_e4),
                "instrument_token": key,
                "prev_ohlc": _ohlc(before),
                "live_ohlc": _ohlc(live),
            }
        return rows

    def _last_two(
        self, quote: MarketSnapshot, minutes: int
    ) -> tuple[CandleBar | None, CandleBar | None]:
        """The last finished candle, and the one in the making."""
        now_ns, today = self._clock.now_ns(), self._exchange.date
        if not minutes:
            days = self._day_bars(
                quote.contract, hours.previous_trading_day(today), today - hours.DAY
            )
            before = days[-1] if days else None
            if not quote.traded_today:
                return before, None
            prices = [quote.open_e4, quote.high_e4, quote.low_e4, quote.ltp_e4]
            return before, CandleBar(ist_ns(today, "00:00"), prices, quote.volume, quote.oi)
        length_ns = minutes * MINUTE_NS
        found = bars(
            self._exchange, self._clock, quote.contract, minutes, now_ns - 2 * length_ns, now_ns
        )
        live = found.pop() if found and found[-1].ts_ns + length_ns > now_ns else None
        return (found[-1] if found else None), live

    def _day_bars(self, contract: ListedContract, first: dt.date, last: dt.date) -> list[CandleBar]:
        from_ns, to_ns = ist_ns(first, "00:00"), ist_ns(last, "00:00") + DAY_NS - 1
        return bars(self._exchange, self._clock, contract, 0, from_ns, to_ns)

    # ---- candles

    def historical(
        self,
        request: HttpRequest,
        key: str,
        unit: str,
        interval: str,
        to: str,
        start: str | None = None,
    ) -> Any:
        """Earlier days only; what has happened today is the other call's."""
        contract, minutes = self._contract(key), _minutes(unit, interval)
        return self._historical(contract, unit, minutes, to, start)

    def historical_v2(
        self, request: HttpRequest, key: str, interval: str, to: str, start: str | None = None
    ) -> Any:
        """The older interface: five intervals, each with a span of its own."""
        contract, (unit, minutes) = self._contract(key), _interval_v2(interval)
        return self._historical(contract, unit, minutes, to, start, _SPANS_V2[interval])

    def intraday_v2(self, request: HttpRequest, key: str, interval: str) -> Any:
        unit, minutes = _interval_v2(interval)
        if not minutes:
            raise bad_field("interval", "Use 1minute or 30minute", "UDAPI1020", interval)
        return self.intraday(request, key, unit, str(minutes))

    def no_expired(self, request: HttpRequest, *_: str) -> Any:
        raise UpstoxError(
            "UDAPI1149", "Expired contracts need Upstox Plus, which this user does not have"
        )

    def _historical(
        self,
        contract: ListedContract,
        unit: str,
        minutes: int,
        to: str,
        start: str | None,
        span: int = 0,
    ) -> Any:
        last = _date(to, "to_date")
        span = span or _span_days(unit, minutes)
        first = last - dt.timedelta(days=span) if start is None else _date(start, "from_date")
        if first > last:
            raise bad_field("from_date", "from_date should not be after to_date", value=start)
        if (last - first).days > span:
            raise bad_field(
                "from_date", f"At most {span} days can be asked for at once", value=start
            )
        last = min(last, self._exchange.date - hours.DAY)
        if minutes:
            from_ns, to_ns = ist_ns(first, "00:00"), ist_ns(last, "00:00") + DAY_NS - 1
            found = bars(self._exchange, self._clock, contract, minutes, from_ns, to_ns)
        else:
            found = _merged(self._day_bars(contract, first, last), unit)
        return {"candles": [_candle(bar) for bar in reversed(found)]}

    def intraday(self, request: HttpRequest, key: str, unit: str, interval: str) -> Any:
        contract, minutes = self._contract(key), _minutes(unit, interval)
        if unit in ("weeks", "months"):
            raise bad_field("unit", "Use minutes, hours or days", value=unit)
        from_ns = ist_ns(self._exchange.date, "00:00")
        found = bars(self._exchange, self._clock, contract, minutes, from_ns, self._clock.now_ns())
        return {"candles": [_candle(bar) for bar in reversed(found)]}


def _whole(key: str, quote: MarketSnapshot, stamp: str) -> dict[str, Any]:
    wanted, offered = quote.totals()
    bids, asks = quote.depth()
    return {
        "ohlc": {
            "open": rupees(quote.open_e4),
            "high": rupees(quote.high_e4),
            "low": rupees(quote.low_e4),
            "close": rupees(quote.prev_close_e4),
        },
        "depth": {"buy": _levels(bids), "sell": _levels(asks)},
        "timestamp": stamp,
        "instrument_token": key,
        "symbol": quote.contract.tradingsymbol,
        "last_price": rupees(quote.ltp_e4),
        "volume": quote.volume,
        "average_price": quote.average_price,
        "oi": quote.oi,
        "net_change": rupees(quote.ltp_e4 - quote.prev_close_e4),
        "total_buy_quantity": wanted,
        "total_sell_quantity": offered,
        "lower_circuit_limit": rupees(quote.low_band_e4),
        "upper_circuit_limit": rupees(quote.high_band_e4),
        "last_trade_time": str(quote.ts_ns // NS_PER_MS),
        "oi_day_high": quote.oi_high,
        "oi_day_low": quote.oi_low,
    }


def _levels(side: list[DepthLevel]) -> list[dict[str, Any]]:
    rows = [
        {"quantity": level.qty, "price": rupees(level.price_e4), "orders": level.orders}
        for level in side[:LEVELS]
    ]
    return rows + [{"quantity": 0, "price": 0, "orders": 0}] * (LEVELS - len(rows))


def _ohlc(bar: CandleBar | None) -> dict[str, Any] | None:
    if bar is None:
        return None
    prices = dict(zip(("open", "high", "low", "close"), map(rupees, bar.ohlc_e4), strict=True))
    return prices | {"volume": bar.volume, "ts": bar.ts_ns // NS_PER_MS}


def _candle(bar: CandleBar) -> list[Any]:
    opened = dt.datetime.fromtimestamp(bar.ts_ns // NS_PER_S, IST).isoformat()
    return [opened, *(price / E4 for price in bar.ohlc_e4), bar.volume, bar.oi]


def _minutes(unit: str, interval: str) -> int:
    """Length of a candle of the day; 0 for days and longer. UpstoxError 400."""
    most = {"minutes": 300, "hours": 5, "days": 1, "weeks": 1, "months": 1}.get(unit)
    if most is None:
        raise bad_field("unit", "Use minutes, hours, days, weeks or months", value=unit)
    if not (interval.isascii() and interval.isdigit() and 1 <= int(interval) <= most):
        raise bad_field("interval", f"Use 1 to {most} for {unit}", value=interval)
    return {"minutes": 1, "hours": 60}.get(unit, 0) * int(interval)


def _interval_v2(interval: str) -> tuple[str, int]:
    """(unit, minutes) of an interval of the older interface. UpstoxError 400."""
    found = {
        "1minute": ("minutes", 1),
        "30minute": ("minutes", 30),
        "day": ("days", 0),
        "week": ("weeks", 0),
        "month": ("months", 0),
    }.get(interval)
    if found is None:
        words = "Interval accepts one of (1minute,30minute,day,week,month)"
        raise bad_field("interval", words, "UDAPI1020", interval)
    return found


def _span_days(unit: str, minutes: int) -> int:
    if unit == "days":
        return 3653
    if unit in ("weeks", "months"):
        return 20_000
    return 31 if minutes <= 15 else 92


def _date(text: str, name: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise bad_field(name, "Use yyyy-mm-dd", value=text) from None


def _merged(days: list[CandleBar], unit: str) -> list[CandleBar]:
    """Candles of days put together to those of weeks or months, stamped with their first day's
    date.
    """
    if unit == "days":
        return days

    def start(bar: CandleBar) -> dt.date:
        date = hours.ist_date(bar.ts_ns)
        return date - hours.DAY * date.weekday() if unit == "weeks" else date.replace(day=1)

    found = []
    for first, group in groupby(days, start):
        part = list(group)
        high = max(bar.ohlc_e4[1] for bar in part)
        low = min(bar.ohlc_e4[2] for bar in part)
        prices = [part[0].ohlc_e4[0], high, low, part[-1].ohlc_e4[3]]
        volume = sum(bar.volume for bar in part)
        found.append(CandleBar(ist_ns(first, "00:00"), prices, volume, part[-1].oi))
    return found
