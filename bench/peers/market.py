"""What every Python client knows of the mock exchange; `market.h` says the same in C."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

API_KEY = "peer"
ACCESS_TOKEN = "token"
NSE = 1
TICK_PAISE = 5
QTY = 10
OFFSET_PAISE = 50
"""How far through the level an entry is priced."""


def token_of(i: int) -> int:
    return (1001 + i) << 8 | NSE


def level_paise(i: int) -> int:
    return 100_000 + 100 * i


def symbol_of(i: int) -> str:
    return f"STOCK{i}"


@dataclass(frozen=True, slots=True)
class Where:
    """One client's task, from its command line."""

    feed_port: int
    desk_port: int
    mode: str
    instruments: int
    ca_file: str
    orders_max: int
    """At most this many triggers will come."""
    busy_poll: bool
    trace: bool
    late: bool
    pages: int
    """How many pages are open; -1: none is served. The last four are OTrade's."""

    @property
    def feed_root(self) -> str:
        return f"{'wss' if self.ca_file else 'ws'}://127.0.0.1:{self.feed_port}"

    @property
    def rest_root(self) -> str:
        return f"{'https' if self.ca_file else 'http'}://127.0.0.1:{self.desk_port}"

    @property
    def tokens(self) -> list[int]:
        return [token_of(i) for i in range(self.instruments)]


def read_arguments() -> Where:
    parser = argparse.ArgumentParser()
    parser.add_argument("feed_port", type=int)
    parser.add_argument("desk_port", type=int)
    parser.add_argument("mode", choices=("ltp", "full"))
    parser.add_argument("instruments", type=int)
    parser.add_argument("--ca-file", default="")
    parser.add_argument("--orders-max", type=int, default=10_000)
    parser.add_argument("--pages", type=int, default=-1)
    for name, meaning in (
        ("busy-poll", "never sleep"),
        ("trace", "count what Python runs"),
        ("late", "without the early writer"),
    ):
        parser.add_argument(f"--{name}", action="store_true", help=meaning)
    return Where(**vars(parser.parse_args()))


def form(i: int, side: int, tag: str) -> dict[str, str]:
    """The fields of an entry, as Kite wants them."""
    paise = level_paise(i) + (OFFSET_PAISE if side > 0 else -OFFSET_PAISE)
    return {
        "exchange": "NSE",
        "tradingsymbol": symbol_of(i),
        "transaction_type": "BUY" if side > 0 else "SELL",
        "product": "MIS",
        "quantity": str(QTY),
        "order_type": "LIMIT",
        "price": f"{paise / 100:.2f}",
        "validity": "DAY",
        "tag": tag,
    }
