"""The account's money."""

from dataclasses import dataclass

from otrade.simulator.exchange.ledger import Ledger
from otrade.simulator.exchange.market_data import MarketData


@dataclass(frozen=True, slots=True)
class AccountFunds:
    """All of it, e4 rupees."""

    opening_e4: int
    net_e4: int
    """What can still be blocked."""
    blocked_e4: int
    realised_e4: int
    unrealised_e4: int


def funds_of(ledger: Ledger, market: MarketData, blocked_e4: int) -> AccountFunds:
    """By the prices of now."""
    unrealised = 0
    for position in ledger.positions():
        if position.qty:
            ltp_e4 = market.quote(position.contract).ltp_e4
            gain = (ltp_e4 - position.average_e4) * position.qty
            unrealised += round(gain * position.contract.multiplier)
    realised, opening = ledger.realised_e4(), ledger.opening_e4
    return AccountFunds(opening, opening + realised - blocked_e4, blocked_e4, realised, unrealised)
