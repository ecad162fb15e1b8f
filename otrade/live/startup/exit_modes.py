"""`exit_mode: auto`, settled once a day from the broker's margin preview.

Stop and target can both work only where the second of them costs no margin. The broker is asked
what an entry with its stop costs, and what it costs with the target too. Nothing more: `oco`. More,
no answer, or one that cannot be read: `stop_resting`, unknown is not free. Of shares for delivery
nothing is asked: the broker lets them be on sale once, and rejects the second order. An answer
holds for the day: it goes into the journal's HELLO, and a later start goes by it, so that no bracket changes its
mode and the core stays one that understands its journal.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import msgspec

from otrade._core.types import OrdType, Severity
from otrade.brokers.adapter import BrokerAdapter
from otrade.brokers.session import OrderTerms, Wanted
from otrade.clock import NS_PER_S, Clock, pause
from otrade.errors import BrokerError, NetworkError, RateLimitError, TokenError
from otrade.live.notices.board import NoticeBoard
from otrade.live.plan.engine_builder import InstrumentSpec, StrategySpec

HELLO_FIELD = "exits"
MODE_OCO = 1
BOTH_SIDES = 3
"""Of a strategy file, which says itself what it enters."""
FREE, COSTS, DELIVERY, UNKNOWN = "free", "costs", "delivery", "unknown: "
"""What an answer is, or how it begins where nothing is known: then the reason follows."""
OTHERS = "*"
"""The answer for whatever has none of its own."""
QUESTIONS_MAX = 20
"""Two requests each: the table in docs/operations.md."""
APART_NS = NS_PER_S // 2
AGAIN_NS = (NS_PER_S, 2 * NS_PER_S)
"""A busy broker, or a lost answer, must not decide a day by itself: so long to the next try, and no
more than these in all.
"""
VALUE_E4 = 100_000_000
"""Ten thousand rupees: of less than that the paise of an answer say little."""
AWAY = 100
"""Stop and target are asked about a hundredth of the price away: the margin of an exit does not
hang on its distance.
"""
NAMES_MAX = 12


class Question(msgspec.Struct, frozen=True):
    """An entry as far as its exits' margin depends on it: instrument, product and side, but not the
    size, to which margin is proportional.
    """

    instrument: InstrumentSpec
    side: int

    @property
    def name(self) -> str:
        return f"{self.instrument.exchange}:{self.instrument.symbol} {self.instrument.product} {'BUY' if self.side > 0 else 'SELL'}"

    def orders(self) -> list[Wanted]:
        """Entry, stop and target, in the middle of the day's band. BrokerError when no band is
        known.
        """
        spec = self.instrument
        tick_e4 = spec.tick_size_e4
        px_e4 = (spec.band_lo_e4 + spec.band_hi_e4) // 2 // tick_e4 * tick_e4
        if px_e4 <= 0:
            raise BrokerError("no price band of today is known")
        qty = -(-VALUE_E4 // (px_e4 * spec.lot_size * spec.multiplier)) * spec.lot_size
        if spec.freeze_qty:
            qty = max(min(qty, spec.freeze_qty) // spec.lot_size, 1) * spec.lot_size
        away_e4 = max(px_e4 // AWAY // tick_e4, 1) * tick_e4
        stop_e4, target_e4 = (max(px_e4 + way * self.side * away_e4, tick_e4) for way in (-1, 1))
        return [
            self._order(self.side, OrderTerms(qty, OrdType.LIMIT, px_e4)),
            self._order(-self.side, OrderTerms(qty, OrdType.SL, stop_e4, stop_e4)),
            self._order(-self.side, OrderTerms(qty, OrdType.LIMIT, target_e4)),
        ]

    def _order(self, side: int, terms: OrderTerms) -> Wanted:
        spec = self.instrument
        return Wanted(spec.exchange, spec.wire_symbol or spec.symbol, spec.product, side, terms)


def questions_of(spec: InstrumentSpec, strategy: StrategySpec) -> list[Question]:
    """One for each side that the strategy may enter."""
    sides = BOTH_SIDES if strategy.compiled is not None else int(strategy.params["side_mask"])
    return [Question(spec, side) for bit, side in ((1, 1), (2, -1)) if sides & bit]


class Settled(msgspec.Struct, frozen=True):
    """The day's specs with every exit mode known, the answers that they rest on, and what people
    are to be told: once a day, and after the journal has begun, which listens.
    """

    specs: list[InstrumentSpec]
    answers: dict[str, str]
    severity: Severity = Severity.INFO
    words: str = ""

    def say(self, board: NoticeBoard) -> None:
        if self.words:
            board.say(self.severity, "EXIT_MODES", self.words)


async def settle(
    specs: Sequence[InstrumentSpec],
    adapter: BrokerAdapter,
    clock: Clock,
    before: Mapping[str, object],
    on_trouble: Callable[[BrokerError], None],
) -> Settled:
    """`before`: the answers of an earlier start of the day. Never fails: what cannot be asked is
    not free. `on_trouble` hears of an answer that is asked for again.
    """
    wanted = [
        (spec, strategy) for spec in specs for strategy in spec.strategies if strategy.is_auto
    ]
    if not wanted:
        return Settled(list(specs), {})
    known = {name: text for name, text in before.items() if isinstance(text, str) and text}
    questions = {
        question.name: question
        for spec, strategy in wanted
        for question in questions_of(spec, strategy)
    }
    new = [
        question
        for name, question in questions.items()
        if name not in known and OTHERS not in known
    ]
    answers = known | await _ask(new, QUESTIONS_MAX - len(known), adapter, clock, on_trouble)
    told = _told(wanted, answers) if new else (Severity.INFO, "")
    return Settled([_settled(spec, answers) for spec in specs], answers, *told)


async def _ask(
    questions: Sequence[Question],
    n_left: int,
    adapter: BrokerAdapter,
    clock: Clock,
    on_trouble: Callable[[BrokerError], None],
) -> dict[str, str]:
    answers: dict[str, str] = {}
    waits = iter(AGAIN_NS)

    async def margin_e4(orders: Sequence[Wanted]) -> int:
        while True:
            try:
                return await adapter.margin_e4(orders)
            except (NetworkError, RateLimitError) as error:
                wait_ns = next(waits, 0)
                if not wait_ns:
                    raise
                on_trouble(error)
                await pause(clock, wait_ns)

    for question in questions:
        if question.instrument.product == "CNC":
            answers[question.name] = DELIVERY
            continue
        if len(answers) >= n_left:
            answers[OTHERS] = (
                f"{UNKNOWN}only {QUESTIONS_MAX} different entries are asked about in a day"
            )
            break
        try:
            orders = question.orders()
            with_stop_e4 = await margin_e4(orders[:2])
            with_both_e4 = await margin_e4(orders)
            answers[question.name] = FREE if with_both_e4 <= with_stop_e4 else COSTS
        except (NetworkError, RateLimitError, TokenError) as error:
            # The next one would not be answered either, and a start must not wait long.
            answers[OTHERS] = f"{UNKNOWN}{error}"
            break
        except BrokerError as error:
            answers[question.name] = f"{UNKNOWN}{error}"
        await pause(clock, APART_NS)
    return answers


def _why(spec: InstrumentSpec, strategy: StrategySpec, answers: Mapping[str, str]) -> str:
    """The answer for all its sides: the first that is not free."""
    told = [
        answers.get(question.name) or answers[OTHERS] for question in questions_of(spec, strategy)
    ]
    return next((text for text in told if text != FREE), FREE)


def _settled(spec: InstrumentSpec, answers: Mapping[str, str]) -> InstrumentSpec:
    strategies = [
        msgspec.structs.replace(strategy, plan={**strategy.plan, "exit_mode": MODE_OCO})
        if strategy.is_auto and _why(spec, strategy, answers) == FREE
        else strategy
        for strategy in spec.strategies
    ]
    return msgspec.structs.replace(spec, strategies=strategies)


def _told(
    wanted: Sequence[tuple[InstrumentSpec, StrategySpec]], answers: Mapping[str, str]
) -> tuple[Severity, str]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for spec, strategy in wanted:
        groups[_why(spec, strategy, answers)].append(strategy.name)
    parts = []
    for why, names in sorted(
        groups.items(), key=lambda item: (item[0] != FREE, item[0] != COSTS, item[0])
    ):
        unknown = f"the broker's margin preview does not say what the second exit costs ({why.removeprefix(UNKNOWN)})"
        mode = "oco, because the second exit costs no margin"
        if why != FREE:
            known = {
                COSTS: "the second exit would cost margin",
                DELIVERY: "shares for delivery can be on sale only once",
            }
            mode = f"stop_resting, because {known.get(why, unknown)}"
        more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
        parts.append(f"{', '.join(names[:NAMES_MAX])}{more}: {mode}")
    severity = Severity.INFO if set(groups) <= {FREE, COSTS, DELIVERY} else Severity.WARN
    return severity, f"exit_mode auto is settled for this day: {'; '.join(parts)}"
