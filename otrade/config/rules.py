"""Rules between the keys of a configuration, which its schema cannot say. Each is a ConfigError
with the path of the key to change.
"""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

from otrade.brokers.registry import BROKERS
from otrade.config.schema import (
    AlertsConfig,
    AnyStrategy,
    BracketConfig,
    BrokerConfig,
    BuiltInStrategy,
    Config,
    DistanceConfig,
    FileStrategy,
    Params,
    SocketsConfig,
    TrailConfig,
    WebConfig,
)
from otrade.errors import ConfigError

PCT_MAX = 50
MINUTE_S = 60
SESSION_MAX_S = {
    "NSE": 22_500,
    "BSE": 22_500,
    "NFO": 23_400,
    "BFO": 23_400,
    "CDS": 28_800,
    "BCD": 28_800,
}
"""The longest session of a day by exchange: 375 minutes of shares, 390 of derivatives (to 15:45 from
December 2026), eight hours of currencies.
"""
LONGEST_SESSION_S = 53_700
"""Commodities: 09:00 to 23:55."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
CASH_EXCHANGES = frozenset({"NSE", "BSE"})
ADDRESSES = (
    ("rest_url", "https"),
    ("order_url", "https"),
    ("feed_url", "wss"),
    ("login_url", "https"),
    ("redirect_url", "https"),
    ("instruments_url", "https"),
)
RESERVES = (
    ("exit_reserve_per_s", "orders_per_s"),
    ("exit_reserve_per_min", "orders_per_min"),
    ("exit_reserve_per_day", "orders_per_day"),
)


def bars_needed(params: Params) -> int:
    """Closed bars that a strategy's indicators must see before they say anything: an average its
    period, a filter one bar more. Averages of ticks need none.
    """
    slow = getattr(params, "slow_period", getattr(params, "period", 0))
    filters = [one.period + 1 for one in (params.rsi, params.atr) if one is not None]
    return max([0, *filters, slow if params.on == "bar_close" else 0])


class Rules:
    """The rules, for one file."""

    def __init__(self, file: str) -> None:
        self._file = file

    def check(self, config: Config) -> None:
        """ConfigError for the first rule that is broken."""
        products = self._instruments(config)
        names: set[str] = set()
        for i, strategy in enumerate(config.strategies):
            at = f"strategies[{i}]"
            if strategy.name in names:
                raise self._error(f"{at}.name", f"the name {strategy.name!r} is used twice")
            names.add(strategy.name)
            self._strategy(at, strategy, products)
        self._broker(config.broker)
        self._alerts(config.alerts)
        self._web(config.web)
        self._sockets(config.sockets)
        if config.sessions.square_off_min > config.sessions.entry_stop_min:
            raise self._error(
                "sessions.entry_stop_min",
                "entries must end before square-off begins: make it at least "
                "sessions.square_off_min",
            )

    def _error(self, path: str, message: str, allowed: str = "") -> ConfigError:
        return ConfigError(message, file=self._file, path=path, allowed=allowed)

    def _instruments(self, config: Config) -> dict[str, str]:
        """Product by symbol."""
        products: dict[str, str] = {}
        for i, instrument in enumerate(config.instruments):
            symbol, at = instrument.symbol, f"instruments[{i}]"
            if symbol in products:
                raise self._error(f"{at}.symbol", f"{symbol} is named twice")
            if instrument.product == "CNC" and symbol.partition(":")[0] not in CASH_EXCHANGES:
                raise self._error(f"{at}.product", "CNC is for shares only", "MIS, NRML")
            if instrument.product == "NRML" and symbol.partition(":")[0] in CASH_EXCHANGES:
                raise self._error(f"{at}.product", "NRML is for contracts only", "MIS, CNC")
            products[symbol] = instrument.product
        return products

    def _strategy(self, at: str, strategy: AnyStrategy, products: dict[str, str]) -> None:
        product = products.get(strategy.instrument)
        if product is None:
            raise self._error(
                f"{at}.instrument",
                f"{strategy.instrument} is not among the instruments",
                ", ".join(list(products)[:20]),
            )
        if product == "CNC" and strategy.bracket.exit_mode == "oco":
            raise self._error(
                f"{at}.bracket.exit_mode",
                f"shares for delivery can be on sale only once; {strategy.instrument} has CNC",
                "stop_resting, auto, or product MIS",
            )
        sizing = strategy.sizing
        if sizing.mode == "fixed" and sizing.value != int(sizing.value):
            raise self._error(f"{at}.sizing.value", f"{sizing.value} units", "a whole number")
        if isinstance(strategy, FileStrategy):
            # Of its parameters and sides the file tells, when it is read; the core sells no CNC short.
            self._bracket(f"{at}.bracket", strategy.bracket, has_atr=False)
            return
        if product == "CNC" and strategy.params.side != "long":
            raise self._error(
                f"{at}.params.side",
                f"shares cannot be sold short with product CNC; {strategy.instrument} has it",
                "long, or product MIS",
            )
        self._params(f"{at}.params", strategy.params)
        self._bracket(f"{at}.bracket", strategy.bracket, has_atr=strategy.params.atr is not None)
        self._ready(f"{at}.params", strategy)

    def _ready(self, at: str, strategy: BuiltInStrategy) -> None:
        """Indicators that must see more bars than a day has need those of the days before."""
        params = strategy.params
        needed = bars_needed(params)
        exchange = strategy.instrument.partition(":")[0]
        n_day = (SESSION_MAX_S.get(exchange, LONGEST_SESSION_S) - 1) // params.bar_s
        if needed <= n_day or (strategy.warm_start and params.bar_s % MINUTE_S == 0):
            return
        why = (
            "history has whole minutes only, so that warm_start cannot help"
            if strategy.warm_start
            else "warm_start is off"
        )
        raise self._error(
            f"{at}.bar_s",
            f"the strategy is never ready: its indicators need {needed} bars, "
            f"{n_day} of {params.bar_s} s end before a session does, and {why}",
            "shorter bars, shorter periods, or warm_start with bars of whole minutes",
        )

    def _params(self, at: str, params: Params) -> None:
        fast, slow = getattr(params, "fast_period", 0), getattr(params, "slow_period", 1)
        if fast >= slow:
            raise self._error(at, f"fast_period {fast} must be below slow_period {slow}")
        window, rsi, atr = params.time_of_day, params.rsi, params.atr
        if window and window.start >= window.until:
            raise self._error(
                f"{at}.time_of_day", f"start {window.start} must be before until {window.until}"
            )
        if rsi and (rsi.long_min > rsi.long_max or rsi.short_min > rsi.short_max):
            raise self._error(f"{at}.rsi", "a minimum is above its maximum, so nothing could pass")
        if atr and 0 < atr.max_bps < atr.min_bps:
            raise self._error(f"{at}.atr", "min_bps is above max_bps, so nothing could pass")

    def _bracket(self, at: str, bracket: BracketConfig, *, has_atr: bool) -> None:
        for name, distance in (
            ("stop", bracket.stop),
            ("target", bracket.target),
            ("trail", bracket.trail),
        ):
            if distance is None:
                continue
            if distance.kind == "atr" and not has_atr:
                raise self._error(
                    f"{at}.{name}.kind",
                    "a distance in ATRs needs params.atr, which a strategy file has not",
                )
            value = distance.distance if isinstance(distance, TrailConfig) else distance.value
            if distance.kind == "pct" and value > PCT_MAX:
                raise self._error(f"{at}.{name}", f"{value} per cent", f"at most {PCT_MAX}")
        if bracket.trail is not None:
            self._trail(f"{at}.trail", bracket.trail, bracket.stop)
        if bracket.exit_mode == "oco" and bracket.target is None:
            raise self._error(f"{at}.target", "exit_mode oco needs a target")

    def _trail(self, at: str, trail: TrailConfig, stop: DistanceConfig) -> None:
        """A trail that begins with the first fill and is nearer than the stop would be the stop."""
        if trail.activate > 0:
            return
        if trail.kind != stop.kind:
            raise self._error(
                f"{at}.activate",
                f"nobody knows whether a trail in {trail.kind} begins nearer than a stop in {stop.kind}",
                "the distance from the entry at which it begins, or a trail of the stop's kind",
            )
        if trail.distance < stop.value:
            raise self._error(
                f"{at}.distance",
                f"{trail.distance:g} is nearer than the stop's {stop.value:g}, and would take its place at once",
                f"at least {stop.value:g}, or `activate`: the distance from the entry at which it begins",
            )

    def _alerts(self, alerts: AlertsConfig) -> None:
        names: set[str] = set()
        for i, target in enumerate(alerts.targets):
            if target.name in names:
                raise self._error(
                    f"alerts.targets[{i}].name", f"the name {target.name!r} is used twice"
                )
            names.add(target.name)
            for k, quiet in enumerate(target.quiet):
                if quiet.start == quiet.until:
                    raise self._error(
                        f"alerts.targets[{i}].quiet[{k}]",
                        f"start and until are both {quiet.start}: how long is that?",
                    )

    def _broker(self, broker: BrokerConfig) -> None:
        for reserve, limit in RESERVES:
            if getattr(broker, reserve) >= getattr(broker, limit):
                raise self._error(
                    f"broker.{reserve}",
                    f"leaves nothing for entries: it must be below {limit} "
                    f"{getattr(broker, limit)}",
                )
        if -1 < broker.market_protection_pct <= 0:
            raise self._error(
                "broker.market_protection_pct",
                "the exchange refuses market orders without protection",
                "-1 (automatic) or above 0 to 100",
            )
        for name, scheme in ADDRESSES:
            if url := getattr(broker, name):
                self._url(f"broker.{name}", url, scheme)
        if (
            broker.orders_per_half_hour
            and broker.exit_reserve_per_half_hour >= broker.orders_per_half_hour
        ):
            raise self._error(
                "broker.exit_reserve_per_half_hour",
                "leaves nothing for entries",
                "less than broker.orders_per_half_hour",
            )
        self._within(broker)

    def _within(self, broker: BrokerConfig) -> None:
        """What that broker takes, and no other."""
        row = BROKERS[broker.kind]
        if broker.plan not in row.price_plans:
            raise self._error(
                "broker.plan", f"{row.firm} has one price plan", ", ".join(row.price_plans)
            )
        if 0 < row.orders_per_min_max < broker.orders_per_min:
            raise self._error(
                "broker.orders_per_min",
                f"is more than {row.title} takes",
                f"at most {row.orders_per_min_max}",
            )
        if broker.market_protection_pct > row.market_protection_pct_max:
            raise self._error(
                "broker.market_protection_pct",
                f"is more than {row.title} takes",
                f"-1 (automatic) or above 0 to {row.market_protection_pct_max:g}",
            )

    def _web(self, web: WebConfig) -> None:
        """Passwords travel there: encrypted, or not off this machine."""
        try:
            address = ipaddress.ip_address("127.0.0.1" if web.host == "localhost" else web.host)
        except ValueError:
            raise self._error(
                "web.host",
                f"{web.host!r} is no address",
                "localhost, or an IP address of this computer",
            ) from None
        if bool(web.tls_cert) != bool(web.tls_key):
            missing = "web.tls_key" if web.tls_cert else "web.tls_cert"
            raise self._error(missing, "a certificate and its key come together")
        if address.is_loopback:
            return
        if not web.tls_cert:
            needs = f"others can reach {web.host}, so it needs web.tls_cert and web.tls_key"
            raise self._error("web.host", needs, "127.0.0.1, localhost, ::1")
        if address.is_unspecified and not web.names:
            raise self._error(
                "web.names",
                f"{web.host} stands for every address: name those by which the page is opened",
            )

    def _sockets(self, sockets: SocketsConfig) -> None:
        groups = [name for name in ("server_group", "hooks_group") if getattr(sockets, name)]
        if groups and not os.path.isabs(sockets.folder):
            raise self._error(
                "sockets.folder",
                f"sockets.{groups[0]} needs a folder that others can enter, and paths.var is its owner's alone",
                "an absolute path",
            )
        if sockets.folder and not groups:
            raise self._error("sockets.folder", "is for groups, and none is named")

    def _url(self, at: str, url: str, scheme: str) -> None:
        """Tokens travel there: encrypted, or not off this machine."""
        try:
            parts = urlsplit(url)
            host = parts.hostname
        except ValueError:
            parts, host = None, None
        plain = {"https": "http", "wss": "ws"}[scheme]
        allowed = f"{scheme}://HOST, or {plain}:// to this machine"
        if parts is None or not host or parts.username or parts.password:
            raise self._error(at, "not an address, or one that holds a password", allowed)
        if parts.scheme != scheme and not (parts.scheme == plain and host in LOOPBACK):
            raise self._error(at, f"{url!r} is not encrypted, or of another kind", allowed)
