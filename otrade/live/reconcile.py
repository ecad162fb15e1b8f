"""What the broker shows and the core cannot explain. Pure comparison; the orchestrator acts on it.

The core begins every day flat and without orders. Whatever is open for one of its instruments
before the gate opens was made by somebody else or by a run that ended badly: such an instrument is
quarantined, and the others trade.
"""

from collections.abc import Iterable, Mapping

import msgspec

from otrade.brokers.base import BrokerPosition, OrderReport
from otrade.brokers.order_book import ENDED

from .units import rupees


class Unexplained(msgspec.Struct, frozen=True):
    """One thing of the broker's that the core did not make. `key` tells it from others, so that it
    is said once.
    """

    instrument_id: int
    key: str
    text: str


def unexplained_orders(rows: Iterable[OrderReport], instrument_of: Mapping[int, int]) -> list[Unexplained]:
    """Orders of our instruments that can still trade. `rows` are unknown to the core."""
    found = []
    for row in rows:
        instrument_id = instrument_of.get(row.instrument_token)
        if instrument_id is None or row.ev in ENDED:
            continue
        found.append(
            Unexplained(
                instrument_id,
                f"order {row.broker_order_id}",
                f"{row.tradingsymbol}: order {row.broker_order_id} ({row.order_qty} units, "
                f"{row.status}) is not this "
                "engine's; nothing new is traded here. Cancel it at the broker, then restart.",
            )
        )
    return found


def unexplained_positions(
    positions: Iterable[BrokerPosition], instrument_of: Mapping[int, int], net_of: Mapping[int, int]
) -> list[Unexplained]:
    """Positions of our instruments that differ from the core's, `net_of` each instrument id."""
    shown: dict[int, int] = dict.fromkeys(net_of, 0)
    names: dict[int, BrokerPosition] = {}
    for position in positions:
        instrument_id = instrument_of.get(position.instrument_token)
        if instrument_id is not None:
            shown[instrument_id] = shown.get(instrument_id, 0) + position.net_qty
            names[instrument_id] = position
    found = []
    for instrument_id, net_qty in shown.items():
        ours = net_of.get(instrument_id, 0)
        if net_qty == ours:
            continue
        shown_as = names.get(instrument_id)
        symbol = shown_as.tradingsymbol if shown_as else f"instrument {instrument_id}"
        price = f" (last price {rupees(shown_as.ltp_e4)})" if shown_as else ""
        found.append(
            Unexplained(
                instrument_id,
                f"position {net_qty}",
                f"{symbol}: the broker shows {net_qty:+d} units{price} and this engine "
                f"{ours:+d}; nothing new is traded "
                "here. Close the difference at the broker, then restart.",
            )
        )
    return found
