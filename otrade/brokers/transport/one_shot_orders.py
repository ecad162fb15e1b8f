"""Order requests one at a time, each on a connection of its own, never repeated: for what works
beside an engine, or without one.
"""

from collections.abc import Callable

from otrade._core.types import Ev, Reason
from otrade.brokers.session import Answer
from otrade.brokers.transport.endpoint import Endpoint
from otrade.brokers.transport.http_connection import ask, connect
from otrade.clock import Clock
from otrade.errors import NetworkError

ANSWER_BYTES_MAX = 1 << 20


class OneShotOrders:
    """`headers` gives the broker's own header lines, with the token of the moment; `answer_of`
    reads its answers.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        clock: Clock,
        timeout_ns: int,
        *,
        headers: Callable[[], list[str]],
        answer_of: Callable[[int, bytes], Answer],
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._timeout_ns = timeout_ns
        self._headers = headers
        self._answer_of = answer_of

    def __repr__(self) -> str:
        return f"OrderDoor({self._endpoint.authority})"

    async def send(
        self, method: str, path: str, body: bytes = b"", content_type: str = ""
    ) -> Answer:
        """ACK, REFUSED, or TIMEOUT when nobody knows."""
        at = self._endpoint
        lines = [
            f"{method} {at.path}{path} HTTP/1.1",
            f"Host: {at.authority}",
            "User-Agent: otrade",
            *self._headers(),
        ]
        if body:
            lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
        request = "\r\n".join([*lines, "", ""]).encode() + body
        try:
            connection = await connect(
                at, at.tls(), lambda _: None, body_bytes_max=ANSWER_BYTES_MAX
            )
        except NetworkError as error:
            return Answer(Ev.REFUSED, "", Reason.BROKER_NETWORK, f"not sent: {error}")
        try:
            response = await ask(
                connection, request, clock=self._clock, timeout_ns=self._timeout_ns
            )
        except NetworkError as error:
            return Answer(Ev.TIMEOUT, "", Reason.TIMED_OUT, str(error))
        finally:
            connection.abandon()
        return self._answer_of(response.status, response.body)
