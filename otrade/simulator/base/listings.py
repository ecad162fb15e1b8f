"""What is listed: shares and indices with their real tokens, and the rules for
tick and lot sizes."""

import datetime as dt
from typing import NamedTuple

# exchange token, symbol, company, level in rupees, daily sigma, has derivatives
SHARES = (
    (2885, "RELIANCE", "RELIANCE INDUSTRIES", 1480.0, 0.013, True),
    (1594, "INFY", "INFOSYS", 1545.0, 0.014, True),
    (11536, "TCS", "TATA CONSULTANCY SERV LT", 3110.0, 0.012, True),
    (1333, "HDFCBANK", "HDFC BANK", 985.0, 0.011, True),
    (4963, "ICICIBANK", "ICICI BANK", 1372.0, 0.012, True),
    (3045, "SBIN", "STATE BANK OF INDIA", 962.0, 0.014, True),
    (1660, "ITC", "ITC", 408.0, 0.010, True),
    (11483, "LT", "LARSEN & TOUBRO", 4015.0, 0.013, True),
    (2031, "M&M", "MAHINDRA & MAHINDRA", 3690.0, 0.015, True),
    (10999, "MARUTI", "MARUTI SUZUKI INDIA", 15900.0, 0.013, True),
    (3499, "TATASTEEL", "TATA STEEL", 172.0, 0.017, True),
    (14366, "IDEA", "VODAFONE IDEA", 9.8, 0.026, True),
    (10576, "NIFTYBEES", "NIP IND ETF NIFTY BEES", 292.0, 0.008, False),
)
ISINS = {
    "RELIANCE": "INE002A01018",
    "INFY": "INE009A01021",
    "TCS": "INE467B01029",
    "HDFCBANK": "INE040A01034",
    "ICICIBANK": "INE090A01021",
    "SBIN": "INE062A01020",
    "ITC": "INE154A01025",
    "LT": "INE018A01030",
    "M&M": "INE101A01026",
    "MARUTI": "INE585B01010",
    "TATASTEEL": "INE081A01020",
    "IDEA": "INE669E01016",
    "NIFTYBEES": "INF204KB14I2",
}


class ListedIndex(NamedTuple):
    """An index and what its derivatives have in common."""

    number: int
    """Its exchange token, and so at the brokers."""
    symbol: str
    name: str
    """Of its derivatives."""
    level: float
    sigma: float
    future_tick_e4: int
    step: int
    """Between strikes, rupees."""
    freeze_qty: int
    depth_lots: int
    exchange: str = "NSE"
    is_near: bool = False
    """It is listed always; the others only where the whole exchange is."""
    has_weeks: bool = False
    strikes: int = 20
    """On either side of the money, where the whole exchange is listed."""


INDICES = (
    ListedIndex(
        *(1001, "NIFTY 50", "NIFTY", 25_900.0, 0.0070, 1000, 50, 1800, 8, "NSE"),
        is_near=True,
        has_weeks=True,
        strikes=30,
    ),
    ListedIndex(
        *(1016, "NIFTY BANK", "BANKNIFTY", 58_400.0, 0.0095, 2000, 100, 600, 8, "NSE"),
        is_near=True,
        strikes=30,
    ),
    ListedIndex(1007, "NIFTY FIN SERVICE", "FINNIFTY", 27_300.0, 0.0098, 1000, 50, 1800, 4),
    ListedIndex(1125, "NIFTY MID SELECT", "MIDCPNIFTY", 13_900.0, 0.0110, 500, 25, 2800, 4),
    ListedIndex(1058, "NIFTY NEXT 50", "NIFTYNXT50", 69_200.0, 0.0112, 2000, 100, 600, 2),
    ListedIndex(
        *(1, "SENSEX", "SENSEX", 84_600.0, 0.0070, 500, 100, 600, 6, "BSE"),
        has_weeks=True,
        strikes=30,
    ),
    ListedIndex(1072, "BANKEX", "BANKEX", 65_800.0, 0.0095, 500, 100, 600, 2, "BSE"),
)
"""Freeze quantities: NSE's lists of 2026, BSE's as the smaller of what brokers say."""
INDEX_SYMBOLS = frozenset(index.symbol for index in INDICES)
UNDERLYINGS = (*(share[1] for share in SHARES), *(index.symbol for index in INDICES))
"""In the order that numbers their contracts: append only."""

# lot by the contract's expiry: until the end of 2025, since
_LOTS = {
    "NIFTY": (75, 65),
    "BANKNIFTY": (35, 30),
    "FINNIFTY": (65, 60),
    "MIDCPNIFTY": (140, 120),
    "NIFTYNXT50": (25, 25),
    "SENSEX": (20, 20),
    "BANKEX": (30, 30),
}
LOTS_FROM = dt.date(2026, 1, 1)
CENT_TICKS_FROM = dt.date(2025, 11, 3)
"""Options of shares below 250 rupees move by 0.01."""


def share_tick_e4(price_rupees: float) -> int:
    """NSE's tick size by price level."""
    for below, tick_e4 in ((250, 100), (1000, 500), (5000, 1000), (10_000, 5000), (20_000, 10_000)):
        if price_rupees < below:
            return tick_e4
    return 50_000


def share_option_tick_e4(price_rupees: float, date: dt.date) -> int:
    return 100 if price_rupees < 250 and date >= CENT_TICKS_FROM else 500


def share_step_e4(price_rupees: float) -> int:
    """Between the strikes of a share's options: about a hundredth of its price, or two."""
    for below, step_e4 in (
        (50, 10_000),
        (500, 25_000),
        (750, 50_000),
        (1500, 100_000),
        (3000, 200_000),
        (6000, 500_000),
    ):
        if price_rupees < below:
            return step_e4
    return 1_000_000


def lot_size(name: str, expiry: dt.date) -> int:
    """Units in one lot of the index contract that expires then: a listed contract keeps its lot
    (NSE/FAOP/70616).
    """
    return _LOTS[name][expiry >= LOTS_FROM]


def share_lot(price_rupees: float) -> int:
    """About 7.5 lakh rupees."""
    return max(25, round(750_000 / price_rupees / 25) * 25)
