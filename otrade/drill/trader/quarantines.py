"""When an instrument that somebody else trades must be traded again: from the exchange's orders and
trades, and from what an engine shows a person. Nothing here is the engine's own reason.

While the account holds units that are not ours, or an order that is not ours could trade, the
instrument is in quarantine. Once neither is so, the next look at the positions must lift it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from otrade.drill.trader.account import OthersShare
from otrade.drill.trader.plan import TraderInstrument
from otrade.drill.trader.record import SessionRecord
from otrade.drill.trader.tolerances import GIVEN_BACK_NS, TOLD_NS, doubtful_windows
from otrade.simulator.exchange.orders import FINAL, Order

SECOND = 1_000_000_000
STARTED_NS = 90 * SECOND
"""A process that begins reads orders and positions until they fit; what was under way is told late."""
HIS_OWN = frozenset({"manual", "closed_by_hand", "broker_square_off"})
"""What somebody else does is in the exchange's books: it is no reason to be late."""


class WrongQuarantine(AssertionError):
    """An instrument is kept out for longer than anybody has given cause, in words."""


@dataclass(slots=True)
class ShownQuarantine:
    """An engine has shown an instrument as kept out, from then until then."""

    key: str
    from_ns: int
    until_ns: int = 0


class ShownQuarantines:
    """What a person could see, written down by the driver."""

    def __init__(self) -> None:
        self._open: dict[str, ShownQuarantine] = {}
        self.stretches: list[ShownQuarantine] = []

    def see(self, now_ns: int, keys: Iterable[str]) -> None:
        """These are kept out now. A process that is dead keeps none out."""
        shown = set(keys)
        for key in self._open.keys() - shown:
            self._open.pop(key).until_ns = now_ns
        for key in sorted(shown - self._open.keys()):
            self._open[key] = ShownQuarantine(key, now_ns)
            self.stretches.append(self._open[key])


class QuarantineJudge:
    """One session, once it is over. `others`: what others held, by instrument and product, after
    each execution there.
    """

    def __init__(
        self,
        record: SessionRecord,
        instruments: Iterable[TraderInstrument],
        orders: Iterable[Order],
        others: Mapping[tuple[str, str], list[OthersShare]],
    ) -> None:
        self._instruments = {one.key: one for one in instruments}
        self._foreign = [order for order in orders if not order.tag]
        self._others = others
        doubts = [
            (one.from_ns, one.until_ns)
            for one in doubtful_windows(record)
            if one.kind and one.kind not in HIS_OWN
        ]
        starts = [(life.started_ns, life.started_ns + STARTED_NS) for life in record.lives[1:]]
        self._doubts = sorted([*doubts, *starts])

    def check(self, shown: Iterable[ShownQuarantine]) -> int:
        """WrongQuarantine for the first one that should have been lifted. How many were looked at."""
        n = 0
        for stretch in shown:
            n += 1
            since_ns = self._overdue_since(stretch)
            if since_ns:
                instrument = self._instruments[stretch.key]
                raise WrongQuarantine(
                    f"[{(since_ns - instrument.open_ns) / SECOND:.3f}] {stretch.key} was kept out for "
                    f"{GIVEN_BACK_NS / SECOND:.0f} s and more, though nobody else held or ordered anything there"
                )
        return n

    def _overdue_since(self, stretch: ShownQuarantine) -> int:
        """Since when nothing kept it out, long enough and without a trouble; 0: never."""
        causes = sorted([*self._causes(stretch.key), *self._doubts])
        free_ns = stretch.from_ns
        for from_ns, until_ns in [*causes, (stretch.until_ns, stretch.until_ns)]:
            if min(from_ns, stretch.until_ns) > free_ns + GIVEN_BACK_NS:
                return free_ns
            free_ns = max(free_ns, until_ns)
        return 0

    def _causes(self, key: str) -> list[tuple[int, int]]:
        """When somebody else held something there, or had an order that could trade."""
        place = key, self._instruments[key].product
        shares, found = self._others.get(place, []), list[tuple[int, int]]()
        ends_ns = [*(one.ts_ns for one in shares[1:]), 1 << 62]
        for share, end_ns in zip(shares, ends_ns, strict=False):
            if share.units or not share.is_sure:
                found.append((share.ts_ns, end_ns))
        for order in self._foreign:
            if (order.contract.key, order.product) == place:
                ended = [ts_ns for ts_ns, told in order.told if told.status in FINAL]
                found.append((order.ts_placed_ns, min(ended, default=1 << 62) + TOLD_NS))
        return found
