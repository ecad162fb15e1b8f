"""How Upstox names what the model has: instrument keys, segments, symbols, products, status words."""

from otrade.simulator.base.listings import ISINS
from otrade.simulator.base.universe import ListedContract, Universe

SEGMENTS = {
    "NSE": "NSE_EQ",
    "NFO": "NSE_FO",
    "CDS": "NCD_FO",
    "MCX": "MCX_FO",
    "BSE": "BSE_EQ",
    "BFO": "BSE_FO",
}
EXCHANGES = {"NFO": "NSE", "CDS": "NSE", "BFO": "BSE"}
"""Of the instrument file; orders and positions say NFO and CDS as other brokers do."""
INDEX_NAMES = {
    "NIFTY 50": "Nifty 50",
    "NIFTY BANK": "Nifty Bank",
    "NIFTY FIN SERVICE": "Nifty Fin Service",
    "NIFTY MID SELECT": "NIFTY MID SELECT",
    "NIFTY NEXT 50": "Nifty Next 50",
    "SENSEX": "SENSEX",
    "BANKEX": "BANKEX",
}
INTRADAY, DELIVERY = "I", "D"


def segment(contract: ListedContract) -> str:
    """`NSE_EQ`, `NSE_FO`, `BSE_INDEX`."""
    return SEGMENTS[contract.exchange] if contract.tradable else f"{contract.exchange}_INDEX"


def instrument_key(contract: ListedContract) -> str:
    """A share by its ISIN, an index by its name, a derivative by its exchange token."""
    if not contract.tradable:
        return f"{segment(contract)}|{INDEX_NAMES[contract.tradingsymbol]}"
    if contract.expiry is None:
        return f"{segment(contract)}|{ISINS[contract.tradingsymbol]}"
    return f"{segment(contract)}|{contract.token >> 8}"


def quote_name(contract: ListedContract) -> str:
    """The key of a row of quotes, `NSE_EQ:INFY`."""
    name = INDEX_NAMES[contract.tradingsymbol] if not contract.tradable else contract.tradingsymbol
    return f"{segment(contract)}:{name}"


def product(kite_product: str) -> str:
    return INTRADAY if kite_product == "MIS" else DELIVERY


def model_product(name: str, contract: ListedContract) -> str | None:
    """The model's word for Upstox's product; None for one that is not offered."""
    if name == INTRADAY:
        return "MIS"
    return ("CNC" if contract.expiry is None else "NRML") if name == DELIVERY else None


class InstrumentKeys:
    """The contracts of a trading date by instrument key."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self._by_key = {instrument_key(contract): contract for contract in universe.contracts}

    def find(self, key: str) -> ListedContract | None:
        return self._by_key.get(key)
