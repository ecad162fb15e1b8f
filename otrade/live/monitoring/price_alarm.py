"""An alarm that stands while an open position's price is refused or old: what moves with the price
does not move then.
"""

from typing import TYPE_CHECKING

from otrade._core.types import Severity
from otrade.clock import NS_PER_S
from otrade.units import rupees

if TYPE_CHECKING:
    from otrade.live.day.trading_day import TradingDay

REFUSED_NS = 3 * NS_PER_S
"""The core settles a refused price within a few packets; one that stands for longer is one of which
no more is heard.
"""
OLD_NS = 30 * NS_PER_S
"""At least: a thin contract is quiet for seconds without anything being wrong."""

ADVICE = "the stop at the exchange stands; trailing, targets and profit wait for a price: look at the market in the broker's own app"


class PriceAlarm:
    """Says once of each instrument with an open bracket that its price is refused or old, and once
    that it is there again.
    """

    def __init__(self, day: "TradingDay", stale_feed_ns: int) -> None:
        """`stale_feed_ns`: from which age entries are refused. An alarm takes that long at least."""
        self._day = day
        self._old_ns = max(OLD_NS, stale_feed_ns)
        self._next_ns = 0
        self._said: dict[int, int] = {}
        """Instruments whose price was said to be missing, and since when it was."""

    def on_beat(self, now_ns: int) -> None:
        """At most once a second of engine time."""
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + NS_PER_S
        engine = self._day.engine
        open_now: dict[int, int] = {}
        for bracket_id in engine.live_brackets():
            bracket = engine.bracket(bracket_id)
            if bracket["open_qty"]:
                instrument_id = bracket["instrument_id"]
                open_now[instrument_id] = open_now.get(instrument_id, 0) + abs(bracket["open_qty"])
        missing = {i: found for i in open_now if (found := self._missing(i, now_ns)) is not None}
        for instrument_id, (is_refused, since_ns, words) in missing.items():
            if instrument_id in self._said:
                continue
            self._said[instrument_id] = since_ns
            words = f"{words} while {open_now[instrument_id]} units are open; {ADVICE}"
            if is_refused:
                self._say(Severity.ALARM, "PRICE_REFUSED", instrument_id, words)
            else:
                self._say(Severity.ALARM, "PRICE_OLD", instrument_id, words)
        for instrument_id in [i for i in self._said if i not in missing]:
            gone_s = (now_ns - self._said.pop(instrument_id)) // NS_PER_S
            how = (
                "its price is there again"
                if instrument_id in open_now
                else "nothing is open any more, the price is of no matter"
            )
            self._say(Severity.INFO, "PRICE_BACK", instrument_id, f"{how}, after {gone_s} s")

    def _missing(self, instrument_id: int, now_ns: int) -> tuple[bool, int, str] | None:
        """Refused or old, since when, and the words for it; None when the price is fine or the
        exchange is closed.
        """
        engine = self._day.engine
        instrument, market = engine.instrument(instrument_id), engine.market(instrument_id)
        if not instrument["open_ns"] <= now_ns < instrument["close_ns"]:
            return None
        since_ns = market["absurd_since_ns"]
        if market["n_absurd"] and now_ns - since_ns >= REFUSED_NS:
            return (
                True,
                since_ns,
                (
                    f"a price of {rupees(market['absurd_px_e4'])} was refused, the last one believed is {rupees(market['ltp_e4'])},"
                    f" and for {(now_ns - since_ns) // NS_PER_S} s nothing has settled it,"
                ),
            )
        since_ns = max(market["ts_recv_ns"], instrument["open_ns"])
        if now_ns - since_ns < self._old_ns:
            return None
        what = (
            f"nothing has been heard of it since its price of {rupees(market['ltp_e4'])}"
            if market["ltp_e4"]
            else "it has had no price"
        )
        return False, since_ns, f"{what}, for {(now_ns - since_ns) // NS_PER_S} s,"

    def _say(self, severity: Severity, code: str, instrument_id: int, words: str) -> None:
        symbol = self._day.plan.symbol_of(instrument_id)
        self._day.board.say(severity, code, f"{symbol}: {words}", instrument_id=instrument_id)
