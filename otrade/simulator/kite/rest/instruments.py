"""Kite's instrument dump, as CSV."""

from collections.abc import Callable

from otrade.simulator.base.universe import E4, ListedContract, Universe

CSV_HEADER = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,"
    "instrument_type,segment,exchange\n"
)


def instruments_csv(
    universe: Universe, exchange: str | None, last_price_e4: Callable[[ListedContract], int]
) -> str:
    """The dump of one exchange, or whole."""
    rows = [CSV_HEADER]
    for c in universe.contracts:
        if exchange is None or c.exchange == exchange:
            rows.append(
                f"{c.token},{c.token >> 8},{c.tradingsymbol},{c.name},{last_price_e4(c) / E4},"
                f"{c.expiry or ''},{c.strike_e4 / E4},{c.tick_e4 / E4},{c.lot},"
                f"{c.instrument_type},{c.segment},{c.exchange}\n"
            )
    return "".join(rows)
