"""Upstox's names of our instruments, both ways."""

from collections.abc import Iterable, Mapping
from typing import Any

from otrade.brokers.parse import clean_text
from otrade.brokers.session import ListedInstrument


class SymbolMap:
    """Finds an instrument by our token or by Upstox's key."""

    def __init__(self, listed: Iterable[ListedInstrument] = ()) -> None:
        self._by_token: dict[int, ListedInstrument] = {}
        self._by_key: dict[str, ListedInstrument] = {}
        for one in listed:
            self._by_token[one.token] = one
            self._by_key[one.key] = one

    def key_of(self, token: int) -> str:
        """KeyError for an instrument that is not ours."""
        return self._by_token[token].key

    def of_row(self, row: Mapping[str, Any]) -> ListedInstrument:
        """The instrument of a broker's row. One that is not ours has token 0 and the row's own
        words.
        """
        for field in ("instrument_key", "instrument_token"):
            known = self._by_key.get(str(row.get(field) or ""))
            if known is not None:
                return known
        exchange = clean_text(row.get("exchange")).partition("_")[0]
        return ListedInstrument(
            0,
            str(row.get("instrument_token") or ""),
            exchange,
            clean_text(row.get("trading_symbol") or row.get("tradingsymbol")),
        )
