"""What the brokers hold for us: positions, holdings and funds of every configured account, each
with who told it and when.

It is asked when somebody looks, at most every quarter of a minute; the engine's own books never
depend on it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from otrade.brokers.parse import clean_text
from otrade.brokers.session import BrokerRows, EmergencyClient
from otrade.clock import NS_PER_S
from otrade.contract.views import AccountView, BrokerPositionView, FundsView, HoldingView
from otrade.errors import OTradeError
from otrade.units import NS_PER_MS

TIMEOUT_NS = 10 * NS_PER_S
LOOK_EVERY_NS = 15 * NS_PER_S
UNREAD_TOLD = 5
T = TypeVar("T")


class AccountQueries:
    """`clients`: a broker's name and what makes a client at it, with the token of that moment."""

    def __init__(
        self,
        clients: Sequence[tuple[str, Callable[[], EmergencyClient]]],
        now_ns: Callable[[], int],
    ) -> None:
        self._clients = clients
        self._now_ns = now_ns
        self._lock = asyncio.Lock()
        self._ts_ns = -LOOK_EVERY_NS
        self._rows: list[AccountView] = []

    async def fetch(self) -> list[AccountView]:
        """A row for each account; those of the last time while they are young."""
        async with self._lock:
            if self._now_ns() - self._ts_ns >= LOOK_EVERY_NS:
                self._rows = [
                    await read(name, make(), self._now_ns) for name, make in self._clients
                ]
                self._ts_ns = self._now_ns()
            return self._rows


async def read(broker: str, client: EmergencyClient, now_ns: Callable[[], int]) -> AccountView:
    """Ask one broker for everything and close the client. What cannot be read is named, and hides
    nothing of the rest.
    """
    troubles: list[str] = []

    async def part(what: str, ask: Callable[[], Awaitable[list[T]]]) -> list[T]:
        try:
            rows = await ask()
        except OTradeError as error:
            troubles.append(f"{what}: {error}")
            return []
        unread = rows.unread if isinstance(rows, BrokerRows) else []
        troubles.extend(
            f"{what}, {clean_text(row.row_id) or 'a row without a name'}: {row.why}"
            for row in unread[:UNREAD_TOLD]
        )
        if len(unread) > UNREAD_TOLD:
            troubles.append(f"{what}, {len(unread) - UNREAD_TOLD} more rows")
        return rows

    try:
        positions = [
            *await part("positions", client.positions),
            *await part("positions on margin (MTF)", client.mtf_positions),
        ]
        holdings = await part("holdings", client.holdings)
        funds = await part("funds", client.funds)
    finally:
        client.close()
    return AccountView(
        broker=broker,
        ts_ms=now_ns() // NS_PER_MS,
        trouble="; ".join(troubles),
        funds=[FundsView(segment=f.segment, net_e4=f.net_e4, used_e4=f.used_e4) for f in funds],
        positions=[
            BrokerPositionView(
                symbol=f"{p.exchange}:{p.tradingsymbol}",
                product=p.product,
                net_qty=p.net_qty,
                buy_qty=p.buy_qty,
                sell_qty=p.sell_qty,
                ltp_e4=p.ltp_e4 or None,
            )
            for p in positions
        ],
        holdings=[
            HoldingView(
                symbol=f"{h.exchange}:{h.tradingsymbol}",
                qty=h.qty,
                t1_qty=h.t1_qty,
                pledged_qty=h.pledged_qty,
                mtf_qty=h.mtf_qty,
                avg_px_e4=h.avg_px_e4,
                ltp_e4=h.ltp_e4 or None,
            )
            for h in holdings
        ],
    )


def in_trouble(broker: str, ts_ns: int, why: str) -> AccountView:
    """A broker that could not be asked: what it holds is not known, which is not nothing."""
    return AccountView(
        broker=broker, ts_ms=ts_ns // NS_PER_MS, trouble=why, funds=[], positions=[], holdings=[]
    )
