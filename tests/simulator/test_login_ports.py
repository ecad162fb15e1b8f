"""Servers on other ports than the usual ones send a login to where they listen; a configuration that
names an address keeps it.
"""

import asyncio
from urllib.parse import urlsplit

from otrade.simulator.base.config import SimConfig
from otrade.simulator.kite.rest.settings import KiteSettings
from otrade.simulator.simulator import Ports, Simulator

ANY_PORTS = dict.fromkeys(("rest_port", "feed_port", "upstox_rest_port", "upstox_feed_port"), 0)
KITE = "/connect/login?v=3&api_key=paper"
UPSTOX = "/v2/login/authorization/dialog?response_type=code&client_id=paper"


async def location(port: int, path: str) -> str:
    """Where a GET is sent on to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    lines = dict(line.partition(": ")[::2] for line in head.split("\r\n")[1:])
    url = urlsplit({name.lower(): value for name, value in lines.items()}["location"])
    return f"{url.scheme}://{url.netloc}{url.path}"


def logins(cfg: SimConfig) -> tuple[Ports, str, str]:
    """Where Kite's and Upstox's login pages send the browser."""

    async def main() -> tuple[Ports, str, str]:
        sim = Simulator(cfg)
        ports = await sim.start()
        try:
            sim.open_day(sim.dates()[0])
            upstox = ports.client_settings["upstox"]
            kite_url = await sim.during(
                location(urlsplit(ports.client_settings["kite"]["rest_url"]).port or 0, KITE)
            )
            upstox_url = await sim.during(
                location(
                    urlsplit(upstox["rest_url"]).port or 0,
                    f"{UPSTOX}&redirect_uri={upstox['redirect_url']}",
                )
            )
            return ports, kite_url, upstox_url
        finally:
            await sim.stop()

    return asyncio.run(main())


def test_a_login_comes_back_to_the_ports_that_were_given() -> None:
    ports, kite_url, upstox_url = logins(SimConfig(broker="both", ports=ANY_PORTS))
    assert kite_url == f"{ports.client_settings['kite']['rest_url']}/login/kite"
    assert upstox_url == f"{ports.client_settings['upstox']['rest_url']}/login/upstox"
    assert kite_url in ports.listing and upstox_url in ports.listing


def test_an_address_that_is_set_is_kept() -> None:
    there = "http://127.0.0.1:9999/mine"
    cfg = SimConfig(
        broker="both", ports=ANY_PORTS, servers={"kite": KiteSettings(redirect_url=there)}
    )
    assert logins(cfg)[1] == there
