"""The morning board: is everything ready for today? Each line is go, look or no-go, with the fix
for what is not go.

It asks the broker and changes nothing there. One question looks like an order and is none: the
cancellation of an order number that cannot exist, which a broker refuses for the number where this
machine's address is registered, and for the address where it is not.
"""

import asyncio
import datetime as dt
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import IntEnum
from functools import partial
from pathlib import Path

import msgspec

from otrade._core.types import Ev, Reason, Side, Source
from otrade.brokers.adapter import BrokerAdapter
from otrade.brokers.session import EmergencyClient, OrderReport
from otrade.calendar import Calendar, date_of
from otrade.clock import NS_PER_S, Clock, pause
from otrade.config.schema import Config
from otrade.errors import InstrumentError, OTradeError, TokenError
from otrade.instruments import Instrument
from otrade.instruments.dated import freeze_words, not_by_api
from otrade.instruments.model import Freeze
from otrade.live.notices.board import NoticeBoard
from otrade.live.plan.config_to_spec import own_square_off_ns, wanted_square_off_ns
from otrade.live.startup.symbol_resolver import SymbolResolver
from otrade.square_off import SquareOffs
from otrade.units import NS_PER_MS, ist_hms, rupees

DISK_MB_MIN = 200
CLOCK_LOOK_NS = 2 * NS_PER_S
"""The broker tells its time in whole seconds: less than this says nothing."""
CLOCK_NO_GO_NS = 10 * NS_PER_S
TOKEN_SOON_NS = 8 * 3_600 * NS_PER_S
EXPIRY_SOON_DAYS = 1
LEVERAGE_MIS = 5
"""Most that brokers lend for a day's trade in shares (SEBI's peak margin rule asks for a fifth)."""
NO_ORDER = "1"


class PreflightVerdict(IntEnum):
    GO = 0
    LOOK = 1
    NO_GO = 2


class PreflightCheck(msgspec.Struct, frozen=True):
    """One check. `fix` is empty for a go."""

    name: str
    verdict: PreflightVerdict
    words: str
    fix: str = ""


class PreflightBoard(msgspec.Struct):
    """What was found, in the order in which it is asked."""

    lines: list[PreflightCheck] = msgspec.field(default_factory=list)

    @property
    def verdict(self) -> PreflightVerdict:
        return max((line.verdict for line in self.lines), default=PreflightVerdict.NO_GO)

    def add(self, name: str, verdict: PreflightVerdict, words: str, fix: str = "") -> None:
        self.lines.append(PreflightCheck(name, verdict, words, fix))

    def go(self, name: str, words: str) -> None:
        self.add(name, PreflightVerdict.GO, words)


class OwnPositions(msgspec.Struct, frozen=True):
    """What a running engine knows to be its own, when it asks in the middle of a day."""

    has_order: Callable[[OrderReport], bool]
    nets: Mapping[tuple[str, str, str], int]
    """Net quantity by exchange, symbol and product."""


async def preflight(
    config: Config,
    adapter: BrokerAdapter,
    token: Callable[[], Awaitable[str]] | None,
    calendar: Calendar,
    clock: Clock,
    *,
    records: Sequence[Instrument] | None = None,
    asks_address: bool = True,
    ours: OwnPositions | None = None,
) -> PreflightBoard:
    """Everything that can be known before the open. Never raises for what is not ready: that is a
    line. `token` None: the adapter has it already. `records`: the instruments, when they have been
    found already. `ours`: what is not left over but at work.
    """
    board = PreflightBoard()
    today = date_of(clock.now_ns())
    _calendar(board, calendar, today, config)
    _disk(board, Path(config.paths.var))
    _protection(board, config)
    try:
        if token is not None:
            adapter.use(await token())
        offset_ns = await adapter.prove()
    except OTradeError as error:
        fix = (
            "run `otrade login`"
            if isinstance(error, TokenError)
            else "check the network and broker.rest_url"
        )
        board.add("token", PreflightVerdict.NO_GO, str(error), fix)
        adapter.close()
        return board
    try:
        _token(board, adapter, clock.now_ns())
        _clock(board, offset_ns)
        found = list(records or ())
        if records is None:
            await _ask(
                board,
                "instruments",
                lambda: _instruments(board, adapter, config, today, clock, found),
            )
        else:
            _contracts(board, records, len(config.instruments), today, adapter.name)
        _square_off(board, found, config, calendar, today)
        client = adapter.emergency_client(5 * NS_PER_S)
        try:
            if asks_address:
                await _ask(board, "address", lambda: _address(board, client))
            await _ask(board, "order book", lambda: _book(board, client, config, ours))
            await _ask(board, "positions", lambda: _positions(board, client, ours))
            await _ask(board, "funds", lambda: _funds(board, client, config))
        finally:
            client.close()
    finally:
        adapter.close()
    return board


async def _ask(board: PreflightBoard, name: str, check: Callable[[], Awaitable[None]]) -> None:
    try:
        await check()
    except OTradeError as error:
        board.add(
            name,
            PreflightVerdict.NO_GO,
            f"could not be asked: {error}",
            "try again; if it stays, look at the broker's own page",
        )
    await asyncio.sleep(0)


def _calendar(board: PreflightBoard, calendar: Calendar, today: dt.date, config: Config) -> None:
    try:
        why = calendar.holiday(today)
        special = calendar.session("cash", today)
    except OTradeError as error:
        board.add(
            "calendar",
            PreflightVerdict.NO_GO,
            str(error),
            "update the calendar file (paths.calendar)",
        )
        return
    if special is None:
        board.add(
            "calendar",
            PreflightVerdict.NO_GO,
            f"{today} is no trading day ({why})",
            "nothing to do today",
        )
    elif why:
        hours = f"{ist_hms(special.open_ns)[:5]} to {ist_hms(special.close_ns)[:5]}"
        board.add(
            "calendar",
            PreflightVerdict.LOOK,
            f"{today} is a special session ({why}), {hours}",
            "see that the strategies fit so short a day",
        )
    else:
        board.go(
            "calendar",
            f"{today} is a trading day, {ist_hms(special.open_ns)[:5]} to {ist_hms(special.close_ns)[:5]} for shares",
        )


def _disk(board: PreflightBoard, var: Path) -> None:
    there = var if var.exists() else var.absolute().parent
    free_mb = shutil.disk_usage(there).free // 2**20
    if free_mb < DISK_MB_MIN:
        board.add(
            "disk",
            PreflightVerdict.NO_GO,
            f"{free_mb} MB free under {var}",
            f"make room for {DISK_MB_MIN} MB",
        )
    else:
        board.go("disk", f"{free_mb:,} MB free under {var}")


def _protection(board: PreflightBoard, config: Config) -> None:
    pct = config.broker.market_protection_pct
    words = "the broker's automatic one" if pct < 0 else f"{pct:g} per cent"
    board.go(
        "protection",
        f"market orders carry a protection: {words}; stops rest at the exchange as stop-limit orders",
    )


def _token(board: PreflightBoard, adapter: BrokerAdapter, now_ns: int) -> None:
    dies_ns = adapter.token_dies_ns(now_ns)
    left_ns = dies_ns - now_ns
    words = f"accepted by {adapter.name}; dies at {ist_hms(dies_ns)[:5]} IST, in {left_ns // (3_600 * NS_PER_S)} h"
    if left_ns < TOKEN_SOON_NS:
        board.add(
            "token",
            PreflightVerdict.LOOK,
            words,
            "log in again before the session if it dies within it",
        )
    else:
        board.go("token", words)


def _clock(board: PreflightBoard, offset_ns: int | None) -> None:
    if offset_ns is None:
        board.add(
            "clock",
            PreflightVerdict.LOOK,
            "the broker did not tell its time",
            "see that chrony or systemd-timesyncd runs",
        )
    elif abs(offset_ns) > CLOCK_NO_GO_NS:
        words = f"this machine's clock is off by {offset_ns // NS_PER_MS:+,} ms"
        board.add("clock", PreflightVerdict.NO_GO, words, "switch on chrony or systemd-timesyncd")
    elif abs(offset_ns) > CLOCK_LOOK_NS:
        words = f"this machine's clock seems off by {offset_ns // NS_PER_MS:+,} ms"
        board.add(
            "clock", PreflightVerdict.LOOK, words, "see that chrony or systemd-timesyncd runs"
        )
    else:
        board.go("clock", "agrees with the broker's, as far as whole seconds tell")


async def _instruments(
    board: PreflightBoard,
    adapter: BrokerAdapter,
    config: Config,
    today: dt.date,
    clock: Clock,
    found: list[Instrument],
) -> None:
    resolver = SymbolResolver(
        await adapter.instruments(),
        today,
        NoticeBoard(lambda: 0),
        adapter.last_price_e4,
        partial(pause, clock, NS_PER_S),
    )
    for wanted in config.instruments:
        try:
            record = await resolver.find(wanted.symbol)
            adapter.wire_symbol(record)
        except InstrumentError as error:
            board.add(
                "instruments",
                PreflightVerdict.NO_GO,
                str(error),
                "correct `instruments` in the configuration",
            )
            continue
        found.append(record)
    _contracts(board, found, len(config.instruments), today, adapter.name)


def _contracts(
    board: PreflightBoard, found: Sequence[Instrument], n_wanted: int, today: dt.date, broker: str
) -> None:
    for record in found:
        if record.expiry is not None and (record.expiry - today).days <= EXPIRY_SOON_DAYS:
            when = "today" if record.expiry == today else f"on {record.expiry}"
            board.add(
                "instruments",
                PreflightVerdict.LOOK,
                f"{record.symbol} expires {when}",
                "see whether the next contract should be traded",
            )
        if record.freeze is Freeze.UNKNOWN and (words := freeze_words(record)):
            board.add(
                "instruments",
                PreflightVerdict.LOOK,
                words,
                "keep risk.max_order_qty below the exchange's freeze list of this month",
            )
        if words := not_by_api(broker, record.exchange, today):
            board.add(
                "instruments",
                PreflightVerdict.LOOK,
                f"{record.symbol}: {words}",
                "trade it at the other broker, or leave it out",
            )
    if found:
        lots = ", ".join(
            f"{r.tradingsymbol} lot {r.lot_size} tick {r.tick_size_e4 / 10_000:g}"
            for r in found[:5]
        )
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        assumed = "".join(
            f"; {freeze_words(record)}" for record in found if record.freeze is Freeze.ASSUMED
        )
        board.go(
            "instruments",
            f"{len(found)} of {n_wanted} found in today's file: {lots}{more}{assumed}",
        )


def _square_off(
    board: PreflightBoard,
    found: Sequence[Instrument],
    config: Config,
    calendar: Calendar,
    today: dt.date,
) -> None:
    """Does ours come before the broker's own, which costs a fee for each order and leaves exits
    refused?
    """
    intraday = {wanted.symbol for wanted in config.instruments if wanted.product == "MIS"}
    try:
        table = SquareOffs.load(config.paths.square_off)
        rows = {
            (
                session.segment,
                cut_off,
                own_square_off_ns(session, config.sessions, cut_off),
                wanted_square_off_ns(session, config.sessions),
            )
            for record in found
            if intraday
            and (
                session := calendar.session(
                    record.calendar_segment, today, is_index_expiry=record.is_index_expiry(today)
                )
            )
            is not None
            and (cut_off := table.cut_off(config.broker.kind, session)) is not None
        }
    except OTradeError as error:
        board.add(
            "square-off",
            PreflightVerdict.NO_GO,
            str(error),
            "correct the table of square-off times (paths.square_off)",
        )
        return
    if not rows:
        return
    parts = []
    for segment, cut_off, own_ns, wanted_ns in sorted(rows, key=lambda row: row[0]):
        moved = (
            f" and not at {ist_hms(wanted_ns)[:5]} as sessions.square_off_min asks"
            if own_ns < wanted_ns
            else ""
        )
        parts.append(
            f"{segment.replace('_', ' ')} at {ist_hms(cut_off.square_off_ns)[:5]}, ours at {ist_hms(own_ns)[:5]}{moved} "
            f"({cut_off.certainty}: {cut_off.source})"
        )
    words = f"{config.broker.kind} closes MIS positions itself: {'; '.join(parts)}"
    if any(cut_off.certainty == "unknown" for _, cut_off, _, _ in rows):
        fix = "see the broker's announcement of today; a newer table goes into paths.square_off"
        board.add("square-off", PreflightVerdict.LOOK, words, fix)
    else:
        board.go("square-off", words)


async def _address(board: PreflightBoard, client: EmergencyClient) -> None:
    ghost = OrderReport(
        "", NO_ORDER, Ev.UNKNOWN, Source.BOOK, Side.NONE, 0, 0, 0, 0, 0, 0, False, 0, 0, 0, 0, "", "", "", "", ""
    )  # fmt: skip
    answer = await client.cancel(ghost)
    if answer.outcome == Ev.REFUSED and answer.reason == Reason.BROKER_PERMISSION:
        words = f"orders are not taken from here: {answer.text}"
        board.add(
            "address", PreflightVerdict.NO_GO, words, "register this machine's address with the app"
        )
    elif answer.outcome == Ev.REFUSED and answer.reason not in (
        Reason.BROKER_NETWORK,
        Reason.BROKER_RATE,
        Reason.BROKER_TOKEN,
    ):
        board.go("address", "order requests are taken from this machine's address")
    else:
        board.add(
            "address",
            PreflightVerdict.LOOK,
            f"could not be told: {answer.text or 'no answer'}",
            "try again",
        )


async def _book(
    board: PreflightBoard, client: EmergencyClient, config: Config, ours: OwnPositions | None
) -> None:
    rows = await client.order_book()
    live = [row for row in rows if row.ev in (Ev.WORKING, Ev.FILL_PART, Ev.ACCEPTED)]
    used, day = len(rows), config.broker.orders_per_day
    if used >= day:
        board.add(
            "rate budget",
            PreflightVerdict.NO_GO,
            f"{used} orders have been placed today, the limit is {day}",
            "wait for tomorrow",
        )
    else:
        board.go(
            "rate budget",
            f"{day - used:,} of {day:,} placements left today, {config.broker.exit_reserve_per_day} of them for exits",
        )
    if rows.unread:
        names = ", ".join(row.row_id or "without an id" for row in rows.unread[:5])
        board.add(
            "leftovers",
            PreflightVerdict.LOOK,
            f"{len(rows.unread)} rows of the book cannot be read: {names}",
            "look at them at the broker",
        )
        return
    strange = [row for row in live if ours is None or not ours.has_order(row)]
    if strange:
        names = ", ".join(
            f"{row.tradingsymbol} {row.status.lower()} ({row.broker_order_id})"
            for row in strange[:5]
        )
        board.add(
            "leftovers",
            PreflightVerdict.LOOK,
            f"{len(strange)} orders are working already: {names}",
            "cancel what should not be there",
        )
    elif live:
        board.go("leftovers", f"{len(live)} orders are working, all of them this engine's own")
    else:
        board.go("leftovers", "no order is working")


async def _positions(
    board: PreflightBoard, client: EmergencyClient, ours: OwnPositions | None
) -> None:
    held = [row for row in await client.positions() if row.net_qty]
    nets = ours.nets if ours is not None else {}
    strange = [
        row
        for row in held
        if nets.get((row.exchange, row.tradingsymbol, row.product)) != row.net_qty
    ]
    names = ", ".join(
        f"{row.tradingsymbol} {row.net_qty:+d} {row.product}" for row in (strange or held)[:5]
    )
    if strange:
        board.add(
            "positions",
            PreflightVerdict.LOOK,
            f"open already: {names}",
            "they are never touched; their instruments are not traded unless taken over",
        )
    elif held:
        board.go("positions", f"open: {names}, as this engine has it")
    else:
        board.go("positions", "nothing is open")


async def _funds(board: PreflightBoard, client: EmergencyClient, config: Config) -> None:
    net_e4 = sum(funds.net_e4 for funds in await client.funds())
    wanted_e4 = round(config.risk.max_order_notional_rupees * 10_000) // LEVERAGE_MIS
    if net_e4 <= 0:
        board.add(
            "funds",
            PreflightVerdict.NO_GO,
            f"{rupees(net_e4)} rupees are free",
            "pay in, or trade on paper",
        )
    elif wanted_e4 and net_e4 < wanted_e4:
        board.add(
            "funds",
            PreflightVerdict.LOOK,
            f"{rupees(net_e4)} rupees are free; one order of risk.max_order_notional_rupees may block {rupees(wanted_e4)}",
            "lower risk.max_order_notional_rupees or the strategies' sizes",
        )
    else:
        board.go("funds", f"{rupees(net_e4)} rupees are free")
