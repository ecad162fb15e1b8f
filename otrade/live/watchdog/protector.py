"""Protection at the broker without an engine: reads the book, does what `protection_plan` finds needed, and
reads it again until nothing is.

Two polls a safe time apart must agree before an order is placed or changed: the first may be old,
and what a dying engine sent may still be on its way. A request without an answer is in doubt and is
looked for by its tag twice before anything else is placed for its bracket. Only cancelling an entry
does not wait.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from otrade._core.types import Ev, Leg, OrdType, Reason, Severity
from otrade.brokers.session import Answer, BrokerQuote, EmergencyClient, OrderReport, OrderTerms
from otrade.errors import BrokerError
from otrade.live.oms.book_completeness import hides_ours, lacking_orders
from otrade.live.oms.cl_ord_id import WATCHDOG_SLOT, ClOrdId, make
from otrade.live.watchdog.heartbeat import ProtectionFile
from otrade.live.watchdog.protection_plan import (
    BracketRows,
    Key,
    ProtectionAct,
    ProtectionNeed,
    StopLevel,
    groups_of,
    has_risk,
    level_of,
    most_of,
    needs_of,
    room_of,
    spec_of,
)
from otrade.units import rupees

Say = Callable[[Severity, str, str], None]
LACKING_MAX = 5
"""Books in a row that lack something, before one is taken all the same."""
POLLS = 2
"""Readings of the book that must agree."""
ATTEMPT_MAX = 36**2 - 1
LADDER_START_BPS = 10.0
LADDER_STEP_BPS = 20.0
LADDER_STEPS_MAX = 10


class ProtectionOutcome(msgspec.Struct, frozen=True):
    """How protecting ended. `is_safe`: every open unit has its stop, or nothing is open (`is_flat`)."""

    is_safe: bool
    is_flat: bool
    n_requests: int
    words: str


class _Doubt(msgspec.Struct):
    """A tag whose order the book must show before its bracket is given another. `polls` without it;
    acknowledged ones wait on.
    """

    key: Key
    is_acked: bool
    polls: int = 0


class Protector:
    """One account's brackets under the watchdog's care."""

    def __init__(
        self,
        client: EmergencyClient,
        say: Say,
        *,
        gap_s: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._say = say
        self._gap_s = gap_s
        self._sleep = sleep
        self._now_s = now_s
        self._doubts: dict[str, _Doubt] = {}
        self._attempts: dict[Key, int] = {}
        self._steps: Counter[Key] = Counter()
        self._no_stop: set[Key] = set()
        self._said: set[str] = set()
        self._shown: set[str] = set()
        """Ids of our orders that a book has shown."""
        self._n_lacking = self._n_lacking_positions = 0
        self._n_requests = 0
        self._round = 0

    async def groups(self, protection: ProtectionFile | None = None) -> dict[Key, BracketRows]:
        """Our brackets by the broker's book. BrokerError when it cannot be read, or lacks what it
        has shown before or what the engine
        has left word of: such a book proves nothing. One that goes on to lack the same is taken at
        last.
        """
        book = await self._client.order_book()
        if hides_ours(book):
            raise BrokerError(
                f"a row of the book that may be ours cannot be read: {book.unread[0].why}"
            )
        groups = groups_of(book)
        missing = lacking_orders(book, self._shown)
        self._shown.update(
            row.broker_order_id for group in groups.values() for _, row in group.rows
        )
        left = _left_open(protection, groups)
        self._n_lacking = self._n_lacking + 1 if missing or left else 0
        if 0 < self._n_lacking <= LACKING_MAX:
            raise BrokerError(
                f"the book lacks {len(missing)} orders that it has shown, and {left} brackets that the engine left open"
            )
        return groups

    async def has_risk(self, protection: ProtectionFile | None = None) -> bool:
        """By the book, or by what the engine has left word of and the book does not show at all."""
        groups = groups_of(await self._client.order_book())
        return has_risk(groups) or _left_open(protection, groups) > 0

    async def protect(
        self, protection: ProtectionFile | None, *, flatten: bool, give_up_s: float
    ) -> ProtectionOutcome:
        """Until two polls in a row find nothing to do, or time is up. Trouble with the broker is
        said and tried again.
        """
        self._n_requests = n_calm = 0
        before: set[ProtectionNeed] = set()
        groups: dict[Key, BracketRows] = {}
        end_s = self._now_s() + give_up_s
        while self._now_s() < end_s:
            self._round += 1
            try:
                groups = await self.groups(protection)
                net_of = await self._positions(groups)
            except BrokerError as error:
                self._say_once(
                    Severity.ALARM, "BOOK_FAILED", f"the broker cannot be asked: {error}"
                )
                n_calm, before = 0, set()
                await self._sleep(self._gap_s)
                continue
            self._settle_doubts(groups)
            needs = self._needs(groups, net_of, protection, flatten=flatten)
            if not needs and not self._doubts:
                n_calm += 1
                if n_calm >= POLLS:
                    return self._outcome(groups, net_of, n_requests=self._n_requests)
            else:
                n_calm = 0
                await self._carry_out(needs, before, groups, protection)
            before = set(needs)
            await self._sleep(self._gap_s)
        open_words = ", ".join(_open_words(group) for group in groups.values() if group.net_qty)
        what = open_words or "the book could not be read, or orders still rest"
        words = f"not done in {give_up_s:.0f} s, look at the broker yourself: {what}"
        return ProtectionOutcome(False, False, self._n_requests, words)

    # -------------------------------------------------------------------------------------- polling
    async def _positions(
        self, groups: Mapping[Key, BracketRows]
    ) -> dict[tuple[str, str, str], int]:
        """The account's positions. BrokerError when they lack one that our orders have traded, or a
        row that may be it cannot be read: what is open would seem to be closed, and stay without a
        stop. As with books, at last it is taken.
        """
        table = await self._client.positions()
        found = {(row.exchange, row.tradingsymbol, row.product): row.net_qty for row in table}
        traded = {
            (g.first.exchange, g.first.tradingsymbol, g.first.product)
            for g in groups.values()
            if any(r.cum_qty for _, r in g.rows)
        }
        for row in table.unread:
            if not row.row_id or any(symbol == row.row_id for _, symbol, _ in traded):
                raise BrokerError(
                    f"the positions' row of {row.row_id or 'an unknown instrument'} cannot be read: {row.why}"
                )
        missing = traded - found.keys()
        self._n_lacking_positions = self._n_lacking_positions + 1 if missing else 0
        if 0 < self._n_lacking_positions <= LACKING_MAX:
            raise BrokerError(
                f"the positions lack {next(iter(missing))[1]}, which our orders have traded"
            )
        return found

    def _settle_doubts(self, groups: Mapping[Key, BracketRows]) -> None:
        """What the book shows is no longer in doubt; what two polls do not find never arrived."""
        seen = {row.cl_ord_id for group in groups.values() for _, row in group.rows}
        for tag, doubt in list(self._doubts.items()):
            doubt.polls += 1
            if tag in seen:
                del self._doubts[tag]
            elif doubt.polls >= POLLS and not doubt.is_acked:
                del self._doubts[tag]
                self._say(
                    Severity.WARN,
                    "ABSENT",
                    f"order {tag} never arrived: {POLLS} looks at the book do not find it",
                )

    def _needs(
        self,
        groups: Mapping[Key, BracketRows],
        net_of: Mapping[tuple[str, str, str], int],
        protection: ProtectionFile | None,
        *,
        flatten: bool,
    ) -> list[ProtectionNeed]:
        room = room_of([group for group in groups.values() if group.net_qty], net_of)

        def is_wanted_out(group: BracketRows) -> bool:
            unknown = level_of(group, protection) is None and not any(
                row.trigger_e4 for _, row in group.live
            )
            return flatten or unknown or group.key in self._no_stop or group.n_stops_rejected > 0

        found = []
        for group in groups.values():
            key_room = room.get(group.key, 0)
            if key_room < abs(group.net_qty):
                self._say_once(
                    Severity.ALARM,
                    "CLOSED_ELSEWHERE",
                    f"{_open_words(group)} by our orders, but the position shows {key_room} of them: no exit is placed for the rest. "
                    "Look at what rests for it yourself",
                )
            found += needs_of(
                group,
                is_wanted_out=is_wanted_out,
                room=key_room,
                most_qty=most_of(group, protection),
            )
        return found

    def _outcome(
        self,
        groups: Mapping[Key, BracketRows],
        net_of: Mapping[tuple[str, str, str], int],
        *,
        n_requests: int,
    ) -> ProtectionOutcome:
        room = room_of([group for group in groups.values() if group.net_qty], net_of)
        still = [
            group for group in groups.values() if group.net_qty and (room[group.key] or group.live)
        ]
        if not still:
            return ProtectionOutcome(
                True, True, n_requests, "nothing of ours is open, and no order of ours rests"
            )
        words = ", ".join(f"{_open_words(group)} under {_stop_words(group)}" for group in still)
        return ProtectionOutcome(True, False, n_requests, f"protected: {words}")

    # ---------------------------------------------------------------------------------------- doing
    async def _carry_out(
        self,
        needs: list[ProtectionNeed],
        before: set[ProtectionNeed],
        groups: Mapping[Key, BracketRows],
        protection: ProtectionFile | None,
    ) -> None:
        in_doubt = {doubt.key for doubt in self._doubts.values()}
        for need in needs:
            group = groups[need.key]
            is_entry = any(
                row.broker_order_id == need.order_id and tag.leg == Leg.ENTRY
                for tag, row in group.rows
            )
            if need.act == ProtectionAct.WAIT or not (is_entry or need in before):
                continue
            if need.act == ProtectionAct.CANCEL:
                await self._cancel(group, need.order_id, "cancel")
                continue
            # A broker that keeps refusing is asked less and less often.
            if need.key in in_doubt or self._round % (1 + min(group.n_rejected, LADDER_STEPS_MAX)):
                continue
            try:
                await self._repair(need, group, protection)
            except BrokerError as error:
                self._say_once(
                    Severity.ALARM, "NO_PRICE", f"{group.name}: no price to act on ({error})"
                )

    async def _repair(
        self, need: ProtectionNeed, group: BracketRows, protection: ProtectionFile | None
    ) -> None:
        if need.act == ProtectionAct.SHRINK:
            row = _row(group, need.order_id)
            terms = OrderTerms(need.qty, row.ord_type, row.price_e4, row.trigger_e4)
            await self._modify(group, need.order_id, terms, f"lower to {need.qty}")
            return
        market = await self._market(group, protection)
        side = -1 if group.net_qty > 0 else 1
        if need.act == ProtectionAct.EXIT:
            self._steps[need.key] += 1
            px_e4 = market.exit_px_e4(side, self._steps[need.key] - 1)
            await self._order(
                need, group, OrdType.LIMIT, px_e4, 0, f"close at {rupees(px_e4)} or better"
            )
            return
        level = level_of(group, protection) or StopLevel(0, 0)
        if level.trigger_e4 == 0 or (market.ltp_e4 - level.trigger_e4) * side >= 0:
            self._no_stop.add(need.key)
            words = f"{_open_words(group)}: the price {rupees(market.ltp_e4)} is past the stop {rupees(level.trigger_e4)}; it is closed"
            self._say(Severity.ALARM, "STOP_PASSED", words)
            return
        limit_e4 = min(max(level.limit_e4, market.band_lo_e4), market.band_hi_e4 or level.limit_e4)
        await self._order(
            need,
            group,
            OrdType.SL,
            limit_e4,
            level.trigger_e4,
            f"stop at {rupees(level.trigger_e4)}",
        )

    async def _order(
        self,
        need: ProtectionNeed,
        group: BracketRows,
        ord_type: OrdType,
        px_e4: int,
        trigger_e4: int,
        what: str,
    ) -> None:
        """Place it, or change the order that the need names."""
        terms = OrderTerms(need.qty, ord_type, px_e4, trigger_e4)
        if need.order_id:
            row = _row(group, need.order_id)
            if (row.ord_type, row.price_e4, row.order_qty) != (ord_type, px_e4, need.qty):
                await self._modify(group, need.order_id, terms, what)
            return
        attempt = max(group.next_attempt, self._attempts.get(group.key, 0))
        if attempt > ATTEMPT_MAX:
            self._say_once(
                Severity.ALARM,
                "GIVEN_UP",
                f"{_open_words(group)}: every attempt has failed; act at the broker yourself",
            )
            return
        self._attempts[group.key] = attempt + 1
        leg = Leg.FIX if group.is_over_exited else Leg.STOP
        tag = make(ClOrdId(*group.key, leg, attempt, WATCHDOG_SLOT))
        # Written down before it leaves: whatever happens now, this tag is looked for.
        self._doubts[tag] = _Doubt(group.key, is_acked=False)
        side = -1 if group.net_qty > 0 else 1
        answer = await self._told(
            self._client.place(group.first, side, terms, tag),
            f"{_open_words(group)}: {what} for {need.qty}",
        )
        if answer.outcome == Ev.REFUSED:
            del self._doubts[tag]
            if ord_type == OrdType.SL and answer.reason in (
                Reason.BROKER_INPUT,
                Reason.BROKER_ORDER,
                Reason.EXCHANGE_REJECT,
            ):
                self._no_stop.add(group.key)
        elif answer.outcome == Ev.ACK:
            self._doubts[tag].is_acked = True

    async def _modify(
        self, group: BracketRows, order_id: str, terms: OrderTerms, what: str
    ) -> None:
        """In doubt it is simply seen in the next poll whether it is done."""
        answer = await self._told(
            self._client.modify(_row(group, order_id), terms),
            f"{group.name} order {order_id}: {what}",
        )
        if answer.outcome == Ev.REFUSED and answer.reason == Reason.MODIFY_CAP:
            await self._cancel(group, order_id, "cancel, it takes no more changes")

    async def _cancel(self, group: BracketRows, order_id: str, what: str) -> None:
        await self._told(
            self._client.cancel(_row(group, order_id)), f"{group.name} order {order_id}: {what}"
        )

    async def _told(self, request: Awaitable[Answer], what: str) -> Answer:
        self._n_requests += 1
        answer = await request
        outcome = {Ev.ACK: "taken", Ev.REFUSED: "refused", Ev.TIMEOUT: "IN DOUBT"}[answer.outcome]
        severity = Severity.WARN if answer.outcome == Ev.ACK else Severity.ALARM
        self._say(
            severity, "REQUEST", f"{what}: {outcome}" + (f" ({answer.text})" if answer.text else "")
        )
        return answer

    # --------------------------------------------------------------------------------------- prices
    async def _market(
        self, group: BracketRows, protection: ProtectionFile | None
    ) -> "ProtectorQuote":
        """BrokerError when there is no price."""
        spec = spec_of(group.key, protection)
        return ProtectorQuote.read(
            await self._client.quote(group.first),
            spec.tick_size_e4 if spec is not None else 0,
            group,
        )

    def _say_once(self, severity: Severity, code: str, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(severity, code, text)


class ProtectorQuote(msgspec.Struct, frozen=True):
    """One instrument's prices, ten-thousandths; 0 is none."""

    ltp_e4: int
    bid_e4: int
    ask_e4: int
    band_lo_e4: int
    band_hi_e4: int
    tick_e4: int

    @classmethod
    def read(cls, quote: BrokerQuote, tick_e4: int, group: BracketRows) -> "ProtectorQuote":
        """Without a known tick size, what all prices seen have in common serves: a multiple of it
        is a multiple of the tick.
        """
        own = [px for _, row in group.rows for px in (row.price_e4, row.trigger_e4)]
        tick_e4 = tick_e4 or math.gcd(
            quote.ltp_e4, quote.band_lo_e4, quote.band_hi_e4, *quote.others_e4, *own
        )
        return cls(
            quote.ltp_e4, quote.bid_e4, quote.ask_e4, quote.band_lo_e4, quote.band_hi_e4, tick_e4
        )

    def exit_px_e4(self, side: int, step: int) -> int:
        """A limit that trades at once if anything does: beyond the touch, deeper with each step,
        inside the day's band.
        """
        bps = LADDER_START_BPS + LADDER_STEP_BPS * min(step, LADDER_STEPS_MAX)
        touch_e4 = (self.ask_e4 if side > 0 else self.bid_e4) or self.ltp_e4
        # Two prices of one moment can disagree: the one that asks for more room counts.
        touch_e4 = max(touch_e4, self.ltp_e4) if side > 0 else min(touch_e4, self.ltp_e4)
        wanted_e4 = round(touch_e4 * (1 + side * bps / 10_000))
        ticks = -(-wanted_e4 // self.tick_e4) if side > 0 else wanted_e4 // self.tick_e4
        px_e4 = ticks * self.tick_e4
        if self.band_hi_e4:
            px_e4 = min(px_e4, self.band_hi_e4)
        return max(px_e4, self.band_lo_e4, self.tick_e4)


def _row(group: BracketRows, order_id: str) -> OrderReport:
    return next(row for _, row in group.rows if row.broker_order_id == order_id)


def _open_words(group: BracketRows) -> str:
    net = group.net_qty
    return (
        f"{group.name} {abs(net)} units {'long' if net > 0 else 'short'}"
        if net
        else f"{group.name} flat"
    )


def _stop_words(group: BracketRows) -> str:
    stops = [f"{row.broker_order_id} at {rupees(row.trigger_e4)}" for _, row in group.live]
    return f"stop {', '.join(stops)}" if stops else "no order"


def _left_open(protection: ProtectionFile | None, groups: Mapping[Key, BracketRows]) -> int:
    """How many brackets the engine has left word of, none of whose orders the book shows."""
    return (
        sum((row.run, row.bracket) not in groups for row in protection.brackets)
        if protection is not None
        else 0
    )
