"""The broker's positions against the core's: read as an audit, more often while something is unexplained.

An instrument in quarantine is shown and not traded, the rest trades; it is released when the difference has gone, or when a
person has it adopted.
"""

import asyncio
from collections.abc import Callable, Mapping

from otrade._core.types import Severity
from otrade.brokers.base import BrokerPosition, BrokerSession
from otrade.errors import BrokerError, EngineError

from .clock import NS_PER_S, Clock
from .notices import NoticeBoard
from .plan import DayPlan
from .reconcile import Unexplained, unexplained_positions
from .recovery import adopt_position
from .units import rupees

CALM_AUDIT_NS = 300 * NS_PER_S
UNEXPLAINED_AUDIT_NS = 15 * NS_PER_S
SECOND_LOOK_NS = 5 * NS_PER_S


class PositionAudit:
    """One day's positions with the broker. `session` is set when it exists; `is_suspect` says whether an instrument has an
    order that could trade and is not the core's.
    """

    def __init__(
        self,
        plan: DayPlan,
        clock: Clock,
        board: NoticeBoard,
        *,
        is_suspect: Callable[[int], bool],
        on_trouble: Callable[[BrokerError], None],
        on_fault: Callable[[BaseException, str], None],
    ) -> None:
        self._plan = plan
        self._engine = plan.engine
        self._clock = clock
        self._board = board
        self._is_suspect = is_suspect
        self._on_trouble = on_trouble
        self._on_fault = on_fault
        self.session: BrokerSession | None = None
        self.differences: dict[int, tuple[int, BrokerPosition | None]] = {}
        """By instrument: units that the broker shows and the core does not, signed, and the broker's row."""
        self.ts_last_ns = 0
        """When the broker's positions were last read whole."""
        self._seen_once: set[str] = set()
        self._next_ns = 0
        self._task: asyncio.Task[None] | None = None
        self._n_adopted = 0

    # ------------------------------------------------------------------------------------ the audit
    def audit(self, now_ns: int) -> None:
        """Read the positions when the last reading is too old for what is going on."""
        if self._next_ns == 0:
            self._next_ns = now_ns + self._gap_ns()
        if now_ns < self._next_ns or self._task is not None:
            return
        self._next_ns = now_ns + self._gap_ns()
        self._task = asyncio.get_running_loop().create_task(self._audit())

    def look_soon(self) -> None:
        """Something has happened that may have changed them."""
        self._next_ns = self._clock.now_ns() + SECOND_LOOK_NS

    def _gap_ns(self) -> int:
        return UNEXPLAINED_AUDIT_NS if self._engine.n_quarantined else CALM_AUDIT_NS

    async def _audit(self) -> None:
        """Two looks that differ in the same way, with the core's own quantity unchanged in between, are a difference."""
        assert self.session is not None
        try:
            before = self._plan.net_of()
            positions = await self.session.positions()
            if before != self._plan.net_of():
                self.look_soon()
                return
            found = self.compare(positions)
            keys = {f"{item.instrument_id} {item.key} {before[item.instrument_id]}" for item in found}
            for item in found:
                key = f"{item.instrument_id} {item.key} {before[item.instrument_id]}"
                if key in self._seen_once and not self._engine.instrument(item.instrument_id)["quarantined"]:
                    self.quarantine(item)
            if keys - self._seen_once:
                self.look_soon()
            self._seen_once = keys
            self._release()
        except BrokerError as error:
            self._on_trouble(error)
        except Exception as error:
            self._on_fault(error, "comparing positions")
        finally:
            self._task = None

    def compare(self, positions: list[BrokerPosition]) -> list[Unexplained]:
        """Keep what differs between these and the core's."""
        ours = self._plan.net_of()
        shown: dict[int, int] = {}
        rows: dict[int, BrokerPosition] = {}
        for position in positions:
            instrument_id = self._plan.instrument_of.get(position.instrument_token)
            if instrument_id is not None:
                shown[instrument_id] = shown.get(instrument_id, 0) + position.net_qty
                rows[instrument_id] = position
        self.differences = {i: (shown.get(i, 0) - net_qty, rows.get(i)) for i, net_qty in ours.items() if shown.get(i, 0) != net_qty}
        self.ts_last_ns = self._clock.now_ns()
        return unexplained_positions(positions, self._plan.instrument_of, ours)

    # ----------------------------------------------------------------------------------- quarantine
    def quarantined(self) -> list[int]:
        """Instruments that do not trade."""
        return [i for i in range(len(self._plan.instruments)) if self._engine.instrument(i)["quarantined"]]

    def quarantine(self, item: Unexplained) -> None:
        """Nothing new is traded there; said with the difference."""
        self._engine.on_quarantine(item.instrument_id, True, self._clock.now_ns())
        self._board.say(Severity.ALARM, "UNEXPLAINED", item.text, instrument_id=item.instrument_id)

    def _release(self) -> None:
        """An instrument whose difference has gone, and that has no foreign order left, trades again."""
        for instrument_id in self.quarantined():
            if instrument_id not in self.differences and not self._is_suspect(instrument_id):
                self._engine.on_quarantine(instrument_id, False, self._clock.now_ns())

    # ------------------------------------------------------------------------------------- adoption
    def adopt(self, instrument_id: int) -> tuple[bool, str]:
        """A person hands over the difference that was seen last. (done, words)."""
        name = self._plan.symbol_of(instrument_id)
        qty, position = self.differences.get(instrument_id, (0, None))
        if qty == 0:
            return False, f"{name}: the broker shows no quantity that is not this engine's"
        value_e4 = _value_of(qty, position, self._engine.position(instrument_id))
        if value_e4 <= 0:
            return False, f"{name}: the broker tells no price for the position; close it there instead"
        self._n_adopted += 1
        try:
            words = adopt_position(self._plan, instrument_id, qty, value_e4, self._n_adopted, self._clock.now_ns())
        except EngineError as error:
            return False, str(error)
        del self.differences[instrument_id]
        self.look_soon()
        self._release()
        self._board.say(Severity.WARN, "ADOPTED", f"{words} (at {rupees(value_e4 // abs(qty))})", instrument_id=instrument_id)
        return True, words

    async def close(self) -> None:
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)


def _value_of(qty: int, position: BrokerPosition | None, ours: Mapping[str, int]) -> int:
    """What the foreign quantity cost: the broker's total less the core's own, exact when nobody else traded the other way. Else
    as if it had been traded at the last price; 0 when the broker tells none.
    """
    if position is None:
        return 0
    side = "buy" if qty > 0 else "sell"
    other = "sell" if qty > 0 else "buy"
    shown = {"buy": (position.buy_qty, position.buy_value_e4), "sell": (position.sell_qty, position.sell_value_e4)}
    strange_qty = shown[side][0] - ours[f"{side}_qty"]
    strange_value_e4 = shown[side][1] // position.multiplier - ours[f"{side}_value_e4"]
    if strange_qty == abs(qty) and shown[other][0] == ours[f"{other}_qty"] and strange_value_e4 > 0:
        return strange_value_e4
    return abs(qty) * position.ltp_e4
