"""`otrade account`: what the brokers hold for us, each figure with who told it and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from otrade.brokers.base import BrokerPosition, Funds, HandDesk, Holding
from otrade.brokers.sim.config import SimConfig
from otrade.brokers.sim.simulator import Simulator
from otrade.calendar import Calendar
from otrade.config import manager
from otrade.config.schema import Config
from otrade.errors import OTradeError
from otrade.live.access import LiveAccess, second_broker
from otrade.live.clock import NS_PER_S, WallClock
from otrade.live.paper import date_of_run, paper_kit
from otrade.live.units import ist_hms, rupees

TIMEOUT_NS = 10 * NS_PER_S
GOOD, PART = 0, 4


@dataclass(frozen=True, slots=True)
class Account:
    """One broker's word. `trouble` when it could not be asked; then the rest is empty, which means nothing."""

    broker: str
    ts_ns: int
    positions: Sequence[BrokerPosition] = ()
    holdings: Sequence[Holding] = ()
    funds: Sequence[Funds] = ()
    trouble: str = ""


def account(config_path: Path, *, as_json: bool) -> int:
    """Exit code 0 when every account was read, 4 when one could not be."""
    config = manager.load(config_path)
    accounts = asyncio.run(_paper(config) if config.mode == "paper" else _live(config))
    if as_json:
        print(orjson.dumps([asdict(found) for found in accounts], option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n\n".join(render(found) for found in accounts))
    return PART if any(found.trouble for found in accounts) else GOOD


def render(found: Account) -> str:
    """A block for one account."""
    head = f"{found.broker}, as its REST interface told at {ist_hms(found.ts_ns)} IST"
    if found.trouble:
        return f"{head}\n  could not be read: {found.trouble}"
    lines = [head]
    lines += [f"  funds      {f.segment:<12}{rupees(f.net_e4):>18} free{rupees(f.used_e4):>18} used" for f in found.funds]
    for p in found.positions:
        name = f"{p.exchange}:{p.tradingsymbol}"
        day = f"bought {p.buy_qty}, sold {p.sell_qty}, last {rupees(p.ltp_e4)}"
        lines.append(f"  position   {name:<24}{p.product:<6}{p.net_qty:>+9}  {day}")
    for h in found.holdings:
        name = f"{h.exchange}:{h.tradingsymbol}"
        soon = f", {h.t1_qty} not delivered yet" if h.t1_qty else ""
        lines.append(f"  holding    {name:<24}{h.qty:>9}  at {rupees(h.avg_px_e4)}, last {rupees(h.ltp_e4)}{soon}")
    if not found.positions and not found.holdings:
        lines.append("  no position and no holding")
    return "\n".join(lines)


async def read(broker: str, desk: HandDesk, now_ns: Callable[[], int]) -> Account:
    """Ask one broker for everything; half an answer is none."""
    try:
        return Account(broker, now_ns(), await desk.positions(), await desk.holdings(), await desk.funds())
    except OTradeError as error:
        return Account(broker, now_ns(), trouble=str(error))
    finally:
        desk.close()


async def _live(config: Config) -> list[Account]:
    clock = WallClock()
    found = []
    for broker in (config.broker, second_broker(config)):
        if broker is None:
            continue
        try:
            access = LiveAccess(config, clock, broker)
            desk: Any = access.kit.by_hand(TIMEOUT_NS)
            desk.set_access_token(await access.token(ask=False))
            access.close()
        except OTradeError as error:
            found.append(Account(broker.kind, clock.now_ns(), trouble=str(error)))
            continue
        found.append(await read(broker.kind, desk, clock.now_ns))
    return found


async def _paper(config: Config) -> list[Account]:
    """The simulated account on the morning of its day: empty but for its funds."""
    calendar = Calendar.load(Path(config.paths.calendar) if config.paths.calendar else None)
    date = date_of_run(config.sim.date, calendar)
    second = second_broker(config)
    kind = "both" if second is not None else config.broker.kind
    sim = Simulator(SimConfig(broker=kind, dates=(date,), funds_rupees=config.sim.funds_rupees))
    ports = await sim.start()
    try:
        found = []
        for broker in (config.broker, second):
            if broker is not None:
                kit = paper_kit(broker, sim, ports)
                session = await sim.during(kit.log_in_here())
                desk = kit.by_hand(TIMEOUT_NS)
                desk.set_access_token(session.access_token)
                kit.close()
                found.append(await sim.during(read(broker.kind, desk, sim.clock.now_ns)))
        return found
    finally:
        await sim.stop()
