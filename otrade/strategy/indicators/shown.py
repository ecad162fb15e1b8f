"""What a chart shows of each indicator: its name, which of its fields, and in which unit each is.

A field is in the unit of what the indicator was given (`GIVEN`: an average of prices is a price, of
volumes a volume), a difference of what it was given (`SPREAD`: a range, a deviation), or on a scale
of its own (`OWN`: RSI).
"""

from typing import NamedTuple

GIVEN, SPREAD, OWN = "given", "spread", "own"


class Shown(NamedTuple):
    name: str
    """As traders write it."""
    fields: dict[str, str]
    """Fields of its cell that are drawn, in their order, and the unit of each; what the helper gives
    is in the unit of the first."""


SHOWN: dict[str, Shown] = {
    "ema": Shown("EMA", {"value": GIVEN}),
    "sma": Shown("SMA", {"value": GIVEN}),
    "mean_price": Shown("SMA", {"value": GIVEN}),
    "wma": Shown("WMA", {"value": GIVEN}),
    "hma": Shown("HMA", {"value": GIVEN}),
    "highest": Shown("Highest", {"value": GIVEN}),
    "lowest": Shown("Lowest", {"value": GIVEN}),
    "rsi": Shown("RSI", {"value": OWN}),
    "macd": Shown("MACD", {"value": SPREAD, "signal": SPREAD, "histogram": SPREAD}),
    "roc": Shown("ROC", {"value": OWN}),
    "cci": Shown("CCI", {"value": OWN}),
    "williams_r": Shown("Williams %R", {"value": OWN}),
    "stochastic": Shown("Stochastic", {"k": OWN, "d": OWN}),
    "atr": Shown("ATR", {"value": SPREAD}),
    "deviation": Shown("Deviation", {"value": SPREAD}),
    "bollinger": Shown("Bollinger", {"mid": GIVEN, "upper": GIVEN, "lower": GIVEN}),
    "keltner": Shown("Keltner", {"mid": GIVEN, "upper": GIVEN, "lower": GIVEN}),
    "donchian": Shown("Donchian", {"mid": GIVEN, "upper": GIVEN, "lower": GIVEN}),
    "vwap": Shown("VWAP", {"value": GIVEN}),
    "obv": Shown("OBV", {"value": OWN}),
    "session_high": Shown("Session high", {"value": GIVEN}),
    "session_low": Shown("Session low", {"value": GIVEN}),
    "pivots": Shown("Pivots", dict.fromkeys(("pivot", "r1", "r2", "r3", "s1", "s2", "s3"), GIVEN)),
    "heikin_ashi": Shown("Heikin-Ashi", {"close": GIVEN, "open": GIVEN}),
    "supertrend": Shown("Supertrend", {"value": GIVEN}),
    "adx": Shown("ADX", {"value": OWN, "plus": OWN, "minus": OWN}),
    "linear_regression": Shown("Regression", {"value": GIVEN}),
}
"""By helper. A ring holds what the user puts there, and a cross is a side: neither is a line."""
