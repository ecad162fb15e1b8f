"""Troubles that a paper day is told to have, at their times: to see what OTrade does, before it
must.

token: the broker refuses the access token, and somebody logs in again a minute later. feed: the
connection that gives prices is cut and cannot come back for two minutes. silence: it stays, and
says nothing for as long. hand: somebody buys a lot of the first instrument at the broker's own
terminal, which the engine must show, leave alone, and take over only when it is told to.
"""

from collections.abc import Callable
from functools import partial

from otrade._core.types import Severity
from otrade.brokers.adapter import BrokerAdapter
from otrade.clock import NS_PER_S
from otrade.config.schema import FaultRehearsalConfig
from otrade.errors import ConfigError
from otrade.live.day.trading_day import TradingDay
from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.simulator import Simulator
from otrade.units import NS_PER_MINUTE, ist_hms, ist_midnight_ns

LOGIN_AFTER_NS = 60 * NS_PER_S
OUTAGE_NS = 120 * NS_PER_S


def refuse_outside(begins_ns: int, close_ns: int, wanted: list[FaultRehearsalConfig]) -> None:
    """ConfigError for a trouble at a time at which the day is not under way."""
    for number, one in enumerate(wanted):
        if not begins_ns < _at_ns(begins_ns, one) < close_ns:
            raise ConfigError(
                f"{one.at} is outside the day ({one.what} would never come)",
                path=f"sim.rehearse[{number}].at",
                allowed=f"after {ist_hms(begins_ns)[:5]} and before {ist_hms(close_ns)[:5]}",
            )


def _at_ns(day_ns: int, one: FaultRehearsalConfig) -> int:
    hours, minutes = one.at.split(":")
    return ist_midnight_ns(day_ns) + (int(hours) * 60 + int(minutes)) * NS_PER_MINUTE


def rehearse(
    day: TradingDay, sim: Simulator, adapter: BrokerAdapter, wanted: list[FaultRehearsalConfig]
) -> None:
    """Arm today's troubles; those that an earlier run of the day has had are left out."""
    does: dict[str, Callable[[], None]] = {
        "token": partial(_token, day, sim, adapter),
        "feed": partial(_feed, day, sim, adapter.name, True),
        "silence": partial(_feed, day, sim, adapter.name, False),
        "hand": partial(_hand, day, sim),
    }
    now_ns = sim.clock.now_ns()
    for one in wanted:
        at_ns = _at_ns(now_ns, one)
        if at_ns > now_ns:
            sim.clock.call_at(at_ns, does[one.what])


def _say(day: TradingDay, text: str) -> None:
    day.board.say(Severity.WARN, "REHEARSAL", f"rehearsal: {text}")


def _token(day: TradingDay, sim: Simulator, adapter: BrokerAdapter) -> None:
    _say(day, "the broker refuses the access token from now on; somebody logs in again in a minute")
    sim.expire_token(adapter.name)

    def log_in() -> None:
        if not day.ended.is_set():
            token = sim.new_token(adapter.name)
            adapter.use(token)
            day.on_token(token)

    sim.clock.call_at(sim.clock.now_ns() + LOGIN_AFTER_NS, log_in)


def _feed(day: TradingDay, sim: Simulator, kind: str, is_cut: bool) -> None:
    _say(day, f"the prices of {kind} {'are cut off' if is_cut else 'stop coming'} for two minutes")
    feed = sim.feed_of(kind)
    feed.pause()
    if is_cut:
        feed.disconnect_all()
    sim.clock.call_at(sim.clock.now_ns() + OUTAGE_NS, feed.resume)


def _hand(day: TradingDay, sim: Simulator) -> None:
    planned = day.plan.instruments[0]
    lot = day.engine.instrument(0)["lot_size"]
    _say(day, f"somebody buys {lot} of {planned.name} by hand")
    try:
        sim.exchange.place_manual(planned.name, 1, lot, product=planned.product)
    except RequestRefused as refused:
        _say(day, f"the exchange has refused that: {refused}")
