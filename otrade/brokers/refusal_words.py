"""What brokers' and exchanges' words say about a price or a market: the same at every broker, for
the exchange's text is handed on.

Texts: reference of both brokers' forums; "Price exceeds circuit limits" is said of the limit price
protection too, which lies inside the circuit limits. `16387` and its kind: no continuous session.
"""

import re

from otrade._core.types import Reason

_RANGE = re.compile(
    r"circuit|price range|daily range|price protection range|\bLPP\b|price band|operating range|\b17070\b|\b16448\b",
    re.IGNORECASE,
)
_HALTED = re.compile(
    r"\b16387\b|not allowed to trade in this market|market (is )?halt|trading (is )?(halted|suspended)|markets? (is|are) closed"
    r"|UDAPI100057",
    re.IGNORECASE,
)


def reason_of_words(text: str) -> Reason:
    """PRICE_RANGE or MARKET_HALTED when the words say so, else OK."""
    if _HALTED.search(text):
        return Reason.MARKET_HALTED
    return Reason.PRICE_RANGE if _RANGE.search(text) else Reason.OK
