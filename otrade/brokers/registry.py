"""The brokers that can be traded with: a row each. A new broker is its folder and its row here.

Light on purpose: nothing of ours is imported, so that configuration may read the rows, and a
broker's code is loaded only by who trades there. Its folder (`package`) has `adapter.py` with
`make` (see `adapter.MakeAdapter`) and `wire.py` with `WIRE` (see `wire.Wire`); the simulator speaks
its protocols from a folder of the same name. What changes by date (charges, square-off times) is
in the tables of `otrade/config`, under the broker's name.
"""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Literal, NamedTuple


class BrokerRow(NamedTuple):
    """What is known of a broker before its code is loaded."""

    name: str
    """In configuration, commands, journals, secrets' names and session files."""
    title: str
    """Its interface, for people."""
    firm: str
    package: str
    """The folder with its code."""
    price_plans: Mapping[str, str]
    """The plans of `broker.plan` that it has, by their names in the table of charges."""
    orders_per_min_max: int
    """0: no lower limit than the configuration's own."""
    market_protection_pct_max: float
    is_feed_by_number: bool = False
    updates_with_prices: bool = False
    """Order updates come by the connection of the prices."""
    """Its feed knows instruments by number, which must be ours; otherwise by a name of its own."""
    margin_in_book: bool = False
    """An order that the funds do not cover gets an id and is rejected; otherwise its request is refused."""
    order_hook: str = ""
    """Where it posts order updates to us; empty: it posts none of which the sender is proved."""
    token_hook: str = ""
    """Where it posts the token of a login that was approved in its app; empty: there is no such
    login.
    """
    simulator_ports: Mapping[str, int] = {}
    """Ports of `otrade sim serve` for it, by their names as settings of the simulator."""


BROKERS: Mapping[str, BrokerRow] = {
    row.name: row
    for row in (
        BrokerRow(
            name="kite",
            title="Kite",
            firm="Zerodha",
            package="otrade.brokers.kite",
            price_plans={"basic": "zerodha"},
            orders_per_min_max=400,
            market_protection_pct_max=100,
            is_feed_by_number=True,
            updates_with_prices=True,
            order_hook="/hooks/kite/order",
            simulator_ports={"rest_port": 8700, "feed_port": 8701},
        ),
        BrokerRow(
            name="upstox",
            title="Upstox",
            firm="Upstox",
            package="otrade.brokers.upstox",
            price_plans={"basic": "upstox-basic", "plus": "upstox-plus"},
            orders_per_min_max=0,
            market_protection_pct_max=25,
            margin_in_book=True,
            token_hook="/hooks/upstox/token",
            simulator_ports={"upstox_rest_port": 8702, "upstox_feed_port": 8703},
        ),
    )
}
NAMES = tuple(BROKERS)
DEFAULT = NAMES[0]
"""Of a configuration that names none."""
NO_BROKER = "none"

if TYPE_CHECKING:
    BrokerName = str
    OptionalBrokerName = str
else:  # what a configuration may say
    BrokerName = Literal[NAMES]
    OptionalBrokerName = Literal[(NO_BROKER, *NAMES)]


def part_of(name: str, part: str) -> ModuleType:
    """A module of that broker's folder. KeyError for a broker without a row."""
    return import_module(f"{BROKERS[name].package}.{part}")
