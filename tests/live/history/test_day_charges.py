"""What a day's trades cost, as the day's rule, its book of trades and its summary tell it."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from otrade._core.types import BracketState, ExitReason, Leg
from otrade.charges import Charges, ChargeTable
from otrade.live.api.row_builder import charges_view
from otrade.live.history import trade_ledger
from otrade.live.history.day_charges import charge_rule_of
from otrade.live.history.latency import LatencySummary
from otrade.live.history.trade_ledger import OrderFill, TradeLedger
from otrade.live.monitoring.day_report import (
    DaySummary,
    render,
    render_total,
    short,
)

DATE = dt.date(2026, 11, 20)


def planned(exchange: str, symbol: str, segment: str, root: str = "") -> Any:
    return SimpleNamespace(exchange=exchange, symbol=symbol, segment=segment, root=root or symbol)


def rule(*instruments: Any) -> Any:
    plan: Any = SimpleNamespace(instruments=list(instruments))
    return charge_rule_of(plan, ChargeTable.load().on(DATE, "zerodha"))


def fill(side: int, qty: int, rupees: int) -> OrderFill:
    return OrderFill(side, qty, rupees * 10_000 * qty)


def test_the_depository_is_paid_once_a_scrip_and_day() -> None:
    charge = rule(
        planned("NSE", "INFY", "delivery"),
        planned("BSE", "INFY", "delivery"),
        planned("NSE", "TCS", "delivery"),
    )
    sale = [fill(-1, 10, 1500)]
    assert [
        charge(bracket, instrument, sale).dp
        for bracket, instrument in ((0, 0), (1, 0), (2, 1), (3, 2))
    ] == [153_400, 0, 0, 153_400]
    assert charge(0, 0, sale).dp == 153_400, "a trade that closes again keeps it"
    assert charge(4, 2, [fill(1, 10, 3000), fill(-1, 10, 3000)]).dp == 0


class OneBracket:
    """An engine that has closed one bracket: an entry of ours and an exit."""

    def __init__(self, exit_tag: str) -> None:
        self._exit_tag = exit_tag

    def bracket(self, bracket_id: int) -> dict[str, Any]:
        return {
            "state": BracketState.CLOSED, "entry_qty": 10, "exit_qty": 10, "entry_value_e4": 10**6, "exit_value_e4": 10**6,
            "strategy_id": 0, "instrument_id": 0, "side": 1, "ts_entry_ns": 1, "ts_close_ns": 2, "pnl_e4": 0, "naked_total_ns": 0,
            "naked_worst_ns": 0, "target_total_ns": 0, "signal_px_e4": 0, "exit_reason": ExitReason.MANUAL, "order_head": 0,
        }  # fmt: skip

    def live_brackets(self) -> list[int]:
        return []

    def instrument(self, instrument_id: int) -> dict[str, int]:
        return {"multiplier": 1}

    def order(self, slot: int) -> dict[str, Any]:
        ours = {
            "side": 1,
            "cum_qty": 10,
            "cum_value_e4": 10**6,
            "leg": Leg.ENTRY,
            "cl_ord_id": "OT0000010000E000000",
            "next": 1,
        }
        return (
            ours
            if slot == 0
            else ours | {"side": -1, "leg": Leg.TARGET, "cl_ord_id": self._exit_tag, "next": -1}
        )


@pytest.mark.parametrize(
    ("reason", "exit_tag", "fee"),
    [("MANUAL", "", True), ("MANUAL", "OT0000010000T000001", False), ("SOMETHING_ELSE", "", False)],
)
def test_the_brokers_own_exit_carries_its_fee(
    monkeypatch: pytest.MonkeyPatch, reason: str, exit_tag: str, fee: bool
) -> None:
    """Whatever reason the core gives to a position that the broker has squared off: the exit
    without a tag is the broker's order.
    """
    monkeypatch.setattr(trade_ledger, "BROKER", reason)
    engine: Any = OneBracket(exit_tag)
    asked: list[list[OrderFill]] = []

    def charge(bracket_id: int, instrument_id: int, fills: list[OrderFill]) -> Charges:
        asked.append(fills)
        return Charges()

    TradeLedger(engine, charge).close(0)
    assert [order.squared_off for order in asked[0]] == [False, fee]


def test_a_total_without_a_line_is_no_total() -> None:
    book = TradeLedger(
        OneBracket(""),
        lambda *_: Charges(brokerage=200_000, unknown={"exchange": "MCX: not known"}),
    )
    trade = book.close(0)
    assert trade is not None and trade.charges_e4 is None and trade.net_e4 is None
    assert book.charges.line("brokerage") == 200_000 and book.charges.line("exchange") is None


REST = {field.name: 0 for field in msgspec.structs.fields(DaySummary) if field.required}
SUMMARY = msgspec.structs.replace(
    DaySummary(**REST),
    day="2026-11-20", why_ended="the last session has closed", n_trades=1, n_won=1, n_lost=0, gross_e4=10_000_000,
    charges=Charges(brokerage=400_000, stt=377_500, stamp=45_000), n_open=0, naked_total_ns=0, naked_worst_ns=0, signals_taken=1,
    signals_refused={}, n_orders=2, n_requests=2, latency=LatencySummary(), frames=1, ticks=1, refused={}, unknown_tokens=0,
    n_reconnects=0, n_alarms=0, is_clean=True, has_fault=False, open_words="Nothing is open.",
)  # fmt: skip


def test_the_breakdown_stands_where_the_total_does() -> None:
    for text in (render(SUMMARY), render_total([SUMMARY, SUMMARY])):
        assert "brokerage" in text and "STT" in text and "charges are complete" in text
    assert "charges        82.25" in render(SUMMARY) and "P&L net        917.75" in render(SUMMARY)
    assert "brokerage 80.00, STT 75.50, stamp 9.00" in render_total([SUMMARY, SUMMARY])


def test_what_is_said_of_the_prices_stands_beside_every_total() -> None:
    mixed = msgspec.structs.replace(SUMMARY, prices_words="totals mix A with B")
    for text in (render(mixed), short(mixed), render_total([SUMMARY, mixed, mixed])):
        assert text.count("totals mix A with B") == 1
    assert "mix" not in render(SUMMARY) + short(SUMMARY) + render_total([SUMMARY])


def test_a_net_that_is_not_known_is_no_number() -> None:
    unknown = msgspec.structs.replace(
        SUMMARY, charges=Charges(brokerage=400_000, unknown={"exchange": "MCX options: not known"})
    )
    text = render(unknown)
    assert (
        "P&L net        not known" in text
        and "charges        not known" in text
        and "MCX options" in text
    )
    assert "brokerage 40.00, exchange not known" in text
    assert "net not known (gross 1,000.00, charges not known; missing: MCX options" in short(
        unknown
    )
    total = render_total([SUMMARY, unknown]).splitlines()
    assert [line.split()[-4:] for line in total if line.startswith("total")] == [
        ["not", "known", "not", "known"]
    ]


def test_of_open_trades_the_exit_is_said_to_be_uncharged() -> None:
    assert "of 2 open, charges so far" in render(msgspec.structs.replace(SUMMARY, n_open=2))
    assert charges_view(Charges(), n_open=2).words == "2 open: the exit is charged when it trades"
    view = charges_view(Charges(stt=5, unknown={"dp": "the depository"}))
    assert (view.stt_e4, view.dp_e4, view.words) == (5, None, "the depository")
