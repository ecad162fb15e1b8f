"""`otrade account`: what the brokers hold for us, each figure with who told it and when."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from otrade.calendar import Calendar
from otrade.clock import WallClock
from otrade.config import RunOptions, manager
from otrade.config.schema import Config
from otrade.contract.views import AccountView
from otrade.errors import OTradeError
from otrade.live.broker_io.account_queries import TIMEOUT_NS, in_trouble, read
from otrade.live.paper_account import restore_last
from otrade.live.paper_mode import paper_adapter, sim_config_of
from otrade.live.startup.credentials import LiveAccess, secondary_broker
from otrade.simulator.simulator import Simulator
from otrade.units import NS_PER_MS, ist_hms, rupees

GOOD, PART = 0, 4


def account(config_path: Path, *, as_json: bool) -> int:
    """Exit code 0 when every account was read, 4 when one could not be."""
    config = manager.load(config_path)
    accounts = asyncio.run(_paper(config) if config.mode == "paper" else _live(config))
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(accounts)).decode())
    else:
        print("\n\n".join(render(found) for found in accounts))
    return PART if any(found.trouble for found in accounts) else GOOD


def render(found: AccountView) -> str:
    """A block for one account."""
    head = f"{found.broker}, as its REST interface told at {ist_hms(found.ts_ms * NS_PER_MS)} IST"
    lines = [head]
    if found.trouble:
        lines.append(f"  could not be read, and is not known: {found.trouble}")
    lines += [
        f"  funds      {f.segment:<12}{rupees(f.net_e4):>18} free{rupees(f.used_e4):>18} used"
        for f in found.funds
    ]
    for p in found.positions:
        day = f"bought {p.buy_qty}, sold {p.sell_qty}, last {_price(p.ltp_e4)}"
        lines.append(f"  position   {p.symbol:<24}{p.product:<6}{p.net_qty:>+9}  {day}")
    for h in found.holdings:
        more = "".join(
            f", {qty} {what}"
            for qty, what in (
                (h.t1_qty, "not delivered yet"),
                (h.pledged_qty, "pledged"),
                (h.mtf_qty, "on margin (MTF)"),
            )
            if qty
        )
        lines.append(
            f"  holding    {h.symbol:<24}{h.qty:>9}  at {rupees(h.avg_px_e4)}, last {_price(h.ltp_e4)}{more}"
        )
    if not found.positions and not found.holdings and not found.trouble:
        lines.append("  no position and no holding")
    return "\n".join(lines)


def _price(px_e4: int | None) -> str:
    return "not told" if px_e4 is None else rupees(px_e4)


async def _live(config: Config) -> list[AccountView]:
    clock = WallClock()
    found = []
    for broker in (config.broker, secondary_broker(config)):
        if broker is None:
            continue
        try:
            access = LiveAccess(config, clock, broker)
            await access.token(ask=False)
            client = access.adapter.emergency_client(TIMEOUT_NS)
            access.close()
        except OTradeError as error:
            found.append(in_trouble(broker.kind, clock.now_ns(), str(error)))
            continue
        found.append(await read(broker.kind, client, clock.now_ns))
    return found


async def _paper(config: Config) -> list[AccountView]:
    """The simulated account as the last run of its day has left it; without one that was cut off, on
    the morning of that day, empty but for its funds.
    """
    calendar = Calendar.load(Path(config.paths.calendar) if config.paths.calendar else None)
    second = secondary_broker(config)
    sim = Simulator(sim_config_of(config, RunOptions(), calendar))
    if words := restore_last(sim, Path(config.paths.var)):
        print(words, file=sys.stderr)
    ports = await sim.start()
    try:
        found = []
        for broker in (config.broker, second):
            if broker is not None:
                adapter = paper_adapter(broker, sim, ports)
                await sim.during(adapter.log_in_here())
                client = adapter.emergency_client(TIMEOUT_NS)
                adapter.close()
                found.append(await sim.during(read(broker.kind, client, sim.clock.now_ns)))
        return found
    finally:
        await sim.stop()
