"""Following a simulator's login page on this machine, as a person's browser would. No broker's own
page is ever followed.
"""

from urllib.parse import parse_qs, urljoin, urlsplit

from otrade.brokers.transport.endpoint import LOOPBACK, Endpoint, parse
from otrade.brokers.transport.http_connection import HttpResponse, ask, connect
from otrade.clock import Clock
from otrade.errors import BrokerError

HOPS_MAX = 4
PAGE_BYTES_MAX = 1 << 20
PAGE_TIMEOUT_NS = 10_000_000_000


async def follow(url: str, wanted: str, *, clock: Clock) -> str:
    """The first address on the way whose query has `wanted`. BrokerError when none has, or when the
    way leads elsewhere.
    """
    for _ in range(HOPS_MAX):
        endpoint = parse(url, ("http",))
        parts = urlsplit(url)
        response = await _get(endpoint, f"{parts.path}?{parts.query}", clock)
        location = response.headers.get("location", "")
        if response.status not in (301, 302, 303, 307) or not location:
            raise BrokerError(f"the login page answered {response.status} and did not redirect")
        url = urljoin(url, location)
        if wanted in parse_qs(urlsplit(url).query):
            return url
        if urlsplit(url).hostname not in LOOPBACK:
            break
    raise BrokerError(f"the login page redirected without a {wanted.replace('_', ' ')}")


async def _get(endpoint: Endpoint, target: str, clock: Clock) -> HttpResponse:
    connection = await connect(endpoint, None, lambda _: None, body_bytes_max=PAGE_BYTES_MAX)
    request = f"GET {target} HTTP/1.1\r\nHost: {endpoint.authority}\r\n\r\n".encode()
    try:
        return await ask(connection, request, clock=clock, timeout_ns=PAGE_TIMEOUT_NS)
    finally:
        connection.abandon()
