"""What a day's trades cost: each instrument by its own segment, and the depository once a scrip and
day.
"""

from otrade.charges import Charges, DayCharges, TradedValue
from otrade.live.history.trade_ledger import ChargeRule, OrderFill
from otrade.live.plan.day_plan import DayPlan


def charge_rule_of(plan: DayPlan, rates: DayCharges) -> ChargeRule:
    """The rule for one day's trades."""
    sold_by: dict[str, int] = {}
    """By scrip: the first trade that sold from the demat account, which the depository's charge is
    put on.
    """

    def charge(bracket_id: int, instrument_id: int, fills: list[OrderFill]) -> Charges:
        instrument = plan.instruments[instrument_id]
        what = TradedValue.at(instrument.exchange, instrument.segment, instrument.root)
        is_sale = what.segment == "delivery" and sum(fill.side * fill.qty for fill in fills) < 0
        with_dp = is_sale and sold_by.setdefault(instrument.symbol, bracket_id) == bracket_id
        return rates.trade(what, fills, with_dp=with_dp)

    return charge
