"""Whose a packet in a journal's frame is: brokers name an instrument by a key of their own or by its number."""

from collections.abc import Mapping
from typing import Any, TypeVar

Owner = TypeVar("Owner")


def owner_of(
    tick: Mapping[str, Any], by_key: Mapping[str, Owner], by_token: Mapping[tuple[int, int], Owner]
) -> Owner | None:
    """Of a decoded packet. `by_token`: by number and segment. None: an instrument that the journal does not name."""
    if tick.get("key"):
        return by_key.get(tick["key"])
    return by_token.get((tick["token"], tick["segment"]))
