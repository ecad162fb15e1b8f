"""What the account held when its day was opened, as the broker told: for the day's result, and for nothing else."""

import logging

from otrade.brokers.session import BrokerSession
from otrade.errors import OTradeError
from otrade.live.day.trading_day import TradingDay

log = logging.getLogger("otrade")


async def note_opening_funds(day: TradingDay, session: BrokerSession) -> None:
    """Into the journal, once the day is open. A broker that does not say it leaves it unknown."""
    if day.journal is None:
        return
    try:
        funds = await session.funds()
    except OTradeError as error:
        log.info("the account's funds are not known: %s", error)
        return
    day.journal.opening_funds(funds, day.clock.now_ns())
