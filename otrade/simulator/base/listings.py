"""What is listed: shares and indices with their real tokens, and the rules for
tick and lot sizes."""

import datetime as dt

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
# exchange token of the index, its symbol, name of its derivatives, level, sigma, future tick e4,
# strike step, freeze quantity, depth lots
INDICES = (
    (1001, "NIFTY 50", "NIFTY", 25_900.0, 0.0070, 1000, 50, 1800, 8),
    (1016, "NIFTY BANK", "BANKNIFTY", 58_400.0, 0.0095, 2000, 100, 600, 8),
)


def share_tick_e4(price_rupees: float) -> int:
    """NSE's tick size by price level."""
    for below, tick_e4 in ((250, 100), (1000, 500), (5000, 1000), (10_000, 5000), (20_000, 10_000)):
        if price_rupees < below:
            return tick_e4
    return 50_000


def lot_size(name: str, expiry: dt.date) -> int:
    """Units in one lot of the index contract that expires then: a listed contract keeps its lot."""
    sizes = {"NIFTY": (75, 65), "BANKNIFTY": (35, 30)}
    return sizes[name][expiry >= dt.date(2026, 1, 1)]
