"""What the broker shows and the core cannot explain. Pure comparison; the orchestrator acts on it.

The core begins every day flat and without orders. Whatever is open for one of its instruments
before the gate opens was made by somebody else or by a run that ended badly: such an instrument is
quarantined, and the others trade.
"""

from collections.abc import Iterable, Mapping

import msgspec

from otrade.brokers.book_cache import ENDED
from otrade.brokers.session import BrokerPosition, OrderReport
from otrade.live.plan.day_plan import DayPlan
from otrade.units import rupees


class Discrepancy(msgspec.Struct, frozen=True):
    """One thing of the broker's that the core did not make. `key` tells it from others, so that it
    is said once.
    """

    instrument_id: int
    key: str
    text: str


def order_discrepancies(rows: Iterable[OrderReport], plan: DayPlan) -> list[Discrepancy]:
    """Orders of our instruments, in our products, that can still trade. `rows` are unknown to the
    core.
    """
    found = []
    for row in rows:
        instrument_id = plan.instrument_of.get(row.instrument_token)
        if (
            instrument_id is None
            or row.ev in ENDED
            or row.product not in ("", plan.instruments[instrument_id].product)
        ):
            continue
        found.append(
            Discrepancy(
                instrument_id,
                f"order {row.broker_order_id}",
                f"{row.tradingsymbol}: order {row.broker_order_id} ({row.order_qty} units, "
                f"{row.status}) is not this "
                "engine's; nothing new is traded here. Cancel it at the broker, then restart.",
            )
        )
    return found


def position_discrepancies(
    rows: Mapping[int, BrokerPosition], net_of: Mapping[int, int], plan: DayPlan
) -> list[Discrepancy]:
    """Positions in our products, by instrument, that differ from the core's, `net_of` each
    instrument id.
    """
    found = []
    for instrument_id, ours in net_of.items():
        row = rows.get(instrument_id)
        shown = row.net_qty if row is not None else 0
        if shown == ours:
            continue
        instrument = plan.instruments[instrument_id]
        price = f" (last price {rupees(row.ltp_e4)})" if row is not None else ""
        found.append(
            Discrepancy(
                instrument_id,
                f"position {shown}",
                f"{instrument.symbol}: the broker shows {shown:+d} units of {instrument.product}{price} and this engine {ours:+d}; nothing "
                "new is traded here. Close the difference at the broker, or take it over.",
            )
        )
    return found
