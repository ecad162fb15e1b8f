"""What is said on `var/run/hooks.sock`, as msgpack in the chunks of `framing`: what brokers have
posted, from the hooks' process to the engine. Nothing is answered.

A hint is never a fact: the engine reads the broker's book, or asks the broker whose a token is.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

SOCKET = "hooks.sock"
"""In the folder `run` of the engine's directory."""
HINT_BYTES_MAX = 20 * 1024
NOTICE_BYTES_MAX = 16 * 1024

ShortText = Annotated[str, Meta(max_length=64)]


class OrderHint(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="order"):
    """An order has changed, says somebody who knows the app's secret. That is all the proof covers."""

    broker: ShortText
    order_id: ShortText
    order_time: ShortText


class TokenNotice(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="token"):
    """A body that came to where a broker posts the token of an approved login; nobody has read it."""

    broker: ShortText
    body: Annotated[bytes, Meta(max_length=NOTICE_BYTES_MAX)]


Hint = OrderHint | TokenNotice
