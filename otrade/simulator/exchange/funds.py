"""The account's money as `GET /user/margins` tells it."""

from typing import Any

from otrade.simulator.exchange.ledger import Ledger
from otrade.simulator.exchange.market_data import MarketData
from otrade.simulator.exchange.orders import number


def funds(ledger: Ledger, market: MarketData, blocked_e4: int) -> dict[str, Any]:
    """Both segments. All money is in the equity segment, which carries every order."""
    unrealised = 0
    for position in ledger.positions():
        if position.qty:
            ltp_e4 = market.quote(position.contract).ltp_e4
            gain = (ltp_e4 - position.average_e4) * position.qty
            unrealised += round(gain * position.contract.multiplier)
    realised, opening = ledger.realised_e4(), ledger.opening_e4
    net = opening + realised - blocked_e4
    return {
        "equity": _segment(opening, net, blocked_e4, realised, unrealised),
        "commodity": _segment(0, 0, 0, 0, 0),
    }


def _segment(
    opening: int, net: int, blocked: int, realised: int, unrealised: int
) -> dict[str, Any]:
    available = dict.fromkeys(("adhoc_margin", "collateral", "intraday_payin"), 0)
    utilised = dict.fromkeys(
        (
            "exposure",
            "option_premium",
            "payout",
            "holding_sales",
            "turnover",
            "liquid_collateral",
            "stock_collateral",
            "delivery",
        ),
        0,
    )
    return {
        "enabled": True,
        "net": number(net),
        "available": available
        | {
            "cash": number(opening),
            "opening_balance": number(opening),
            "live_balance": number(net),
        },
        "utilised": utilised
        | {
            "debits": number(blocked - realised),
            "span": number(blocked),
            "m2m_realised": number(realised),
            "m2m_unrealised": number(unrealised),
        },
    }
