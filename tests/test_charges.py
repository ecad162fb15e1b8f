"""Charges of orders by date, held against notes worked by hand from the circulars' rates, the
package `indian-trading-charges` for the dates that it covers, and the simulated brokers, which have
tables of their own.
"""

import datetime as dt
import json
import random
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from otrade.charges import (
    LINES,
    NO_CHARGES,
    Charges,
    ChargeTable,
    TradedValue,
    charge_segment,
    sum_of,
)
from otrade.config.manager import default_bytes
from otrade.errors import ConfigError
from otrade.live.history.trade_ledger import OrderFill
from otrade.simulator.base.config import SimConfig
from otrade.simulator.exchange import contract_note as sim_charges
from otrade.simulator.exchange.orders import OrderRequest, RequestedTerms
from otrade.simulator.kite.rest import contract_note as kite
from otrade.simulator.prices.price_source import PriceSource
from otrade.simulator.upstox.rest import portfolio as upstox

TABLE = ChargeTable.load()
TODAY = dt.date(2026, 11, 20)
LOT = 75


def fill(side: int, qty: int, rupees: float | str, *, squared_off: bool = False) -> OrderFill:
    return OrderFill(side, qty, int(Decimal(str(rupees)) * 10_000 * qty), squared_off)


def rates(day: str | dt.date, plan: str = "zerodha"):
    return TABLE.on(dt.date.fromisoformat(str(day)), plan)


def rupees(charges: Charges) -> dict[str, str]:
    """Lines that are not 0, in rupees."""
    return {name: f"{amount / 10_000:.2f}" for name in LINES if (amount := getattr(charges, name))}


def test_the_worked_example() -> None:
    note = rates(TODAY).trade(
        TradedValue("NSE", "intraday", "INFY"), [fill(1, 100, 1500), fill(-1, 100, 1510)]
    )
    assert rupees(note) == {
        "brokerage": "40.00",
        "stt": "37.75",
        "exchange": "9.24",
        "sebi": "0.30",
        "gst": "8.92",
        "stamp": "4.50",
    }
    assert note.total_e4 == 1_007_100 and not note.words


def test_a_lot_of_the_nifty_future_in_september_2025_by_hand() -> None:
    """Sold at 24,900, bought at 24,850: 18,67,500 and 18,63,750 rupees.

    STT 0.02 % of the sale 373.50 (it is 0.05 % only since 2026-04-01). Exchange 0.00173 %: 32.31 +
    32.24. IPFT and SEBI 0.0001 % each:
    1.87 + 1.86. Stamp 0.002 % of the purchase 37.275. GST 18 % of 56.04275 and 55.970375: 10.09 +
    10.07.
    """
    note = rates("2025-09-04").trade(
        TradedValue("NSE", "futures", "NIFTY"), [fill(-1, LOT, 24_900), fill(1, LOT, 24_850)]
    )
    assert rupees(note) == {
        "brokerage": "40.00", "stt": "373.50", "exchange": "64.55", "ipft": "3.73", "sebi": "3.73", "gst": "20.16", "stamp": "37.28",
    }  # fmt: skip
    assert note.total_e4 == 5_429_500
    later = rates("2026-04-01").trade(
        TradedValue("NSE", "futures", "NIFTY"), [fill(-1, LOT, 24_900), fill(1, LOT, 24_850)]
    )
    assert later.stt == 9_337_500


def paisa(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def note_2025(buy: Decimal, sell: Decimal) -> Decimal:
    """A futures round trip at the rates of 2024-10-01 to 2026-02-28."""
    total = Decimal()
    for value, is_buy in ((buy, True), (sell, False)):
        exchange, fund, sebi = (
            value * Decimal(rate) / 100 for rate in ("0.00173", "0.0001", "0.0001")
        )
        tax = value * (Decimal("0.00002") if is_buy else Decimal("0.0002"))
        gst = Decimal("0.18") * (20 + exchange + fund + sebi)
        total += sum(map(paisa, (Decimal(20), exchange, fund, sebi, tax, gst)), Decimal())
    return total


DAYS_2025 = {  # a lot a day, in at the first and out at the last price: (bought, sold)
    "2025-09-04": ("24970.3", "24734.3"),
    "2025-09-05": ("24741.0", "24818.85"),
    "2025-09-08": ("24773.15", "24802.6"),
    "2025-09-09": ("24868.6", "24864.1"),
    "2025-09-10": ("24973.1", "24991"),
}


def test_five_days_of_september_2025_at_the_rates_of_those_days() -> None:
    days = {
        day: rates(day).trade(
            TradedValue("NSE", "futures", "NIFTY"), [fill(1, LOT, buy), fill(-1, LOT, sell)]
        )
        for day, (buy, sell) in DAYS_2025.items()
    }
    for day, (buy, sell) in DAYS_2025.items():
        assert Decimal(days[day].known_e4) / 10_000 == note_2025(
            Decimal(buy) * LOT, Decimal(sell) * LOT
        ), day
    told = sum_of(days.values())
    future = TradedValue("NSE", "futures", "NIFTY")
    today = sum_of(
        rates(TODAY).trade(future, [fill(1, LOT, buy), fill(-1, LOT, sell)])
        for buy, sell in DAYS_2025.values()
    )
    assert told.total_e4 is not None and today.total_e4 is not None
    assert (
        today.total_e4 / told.total_e4 > 1.9
    )  # what charging an old day at today's rates would add


DATA = Path(__file__).parents[2] / "shared/data/nifty50_1min_2025-09.csv"


def test_the_recorded_sessions_of_september_2025() -> None:
    if not DATA.is_file():
        pytest.skip(f"{DATA} is not on this machine")
    by_day: dict[str, list[list[str]]] = {}
    for line in DATA.read_text().splitlines()[1:]:
        by_day.setdefault(line[:10], []).append(line.split(","))
    assert len(by_day) == 5
    for day, bars in by_day.items():
        buy, sell = bars[0][1], bars[-1][4]
        note = rates(day).trade(
            TradedValue("NSE", "futures", "NIFTY"), [fill(1, LOT, buy), fill(-1, LOT, sell)]
        )
        assert Decimal(note.known_e4) / 10_000 == note_2025(Decimal(buy) * LOT, Decimal(sell) * LOT)
        assert note.total_e4 == note.known_e4


@pytest.mark.parametrize(
    ("segment", "day", "stt_of_a_lakh"),
    [
        ("futures", "2023-03-31", "10.00"), ("futures", "2023-04-01", "12.50"), ("futures", "2024-09-30", "12.50"),
        ("futures", "2024-10-01", "20.00"), ("futures", "2026-03-31", "20.00"), ("futures", "2026-04-01", "50.00"),
        ("options", "2023-03-31", "50.00"), ("options", "2023-04-01", "62.50"), ("options", "2024-10-01", "100.00"),
        ("options", "2026-03-31", "100.00"), ("options", "2026-04-01", "150.00"), ("intraday", "2024-01-02", "25.00"),
        ("delivery", "2024-01-02", "100.00"),
    ],
)  # fmt: skip
def test_the_tax_changes_on_its_day(segment: str, day: str, stt_of_a_lakh: str) -> None:
    sold = rates(day).order(TradedValue("NSE", segment, "X"), -1, 10**9)
    assert f"{sold.stt / 10_000:.2f}" == stt_of_a_lakh
    assert rates(day).order(TradedValue("NSE", segment, "X"), 1, 10**9).stt == (
        sold.stt if segment == "delivery" else 0
    )


@pytest.mark.parametrize(
    ("day", "a_crore"),
    [("2021-03-31", 5), ("2021-04-01", 10), ("2020-05-31", 10), ("2020-06-01", 5)],
)
def test_sebi_took_half_for_ten_months(day: str, a_crore: int) -> None:
    assert rates(day).order(TradedValue("NSE", "futures"), 1, 10**11).sebi == a_crore * 10_000


@pytest.mark.parametrize("day", ["2024-10-01", "2026-02-28", "2026-03-01"])
@pytest.mark.parametrize(
    ("segment", "a_crore"), [("intraday", 307), ("futures", 183), ("options", 3553)]
)
def test_charge_and_fund_together_did_not_change_in_march_2026(
    day: str, segment: str, a_crore: int
) -> None:
    order = rates(day).order(TradedValue("NSE", segment), 1, 10**11)
    assert order.exchange + order.ipft == a_crore * 10_000


# -------------------------------------------------------------------------------------------------
# products
CNC = TradedValue("NSE", "delivery", "INFY")
MIS = TradedValue("NSE", "intraday", "INFY")


def test_cnc_bought_and_sold_the_same_day_is_intraday() -> None:
    fills = [fill(1, 100, 1500), fill(-1, 100, 1510)]
    assert rates(TODAY).trade(CNC, fills) == rates(TODAY).trade(MIS, fills)


def test_what_cnc_keeps_is_delivery_and_a_sale_of_holdings_pays_the_depository() -> None:
    kept = rates(TODAY).trade(CNC, [fill(1, 100, 1500)])
    assert (kept.brokerage, kept.stt, kept.stamp, kept.dp) == (0, 1_500_000, 225_000, 0)
    sold = rates(TODAY).trade(CNC, [fill(-1, 100, 1500)])
    assert (sold.stt, sold.dp) == (1_500_000, 153_400)
    assert rates(TODAY).trade(CNC, [fill(-1, 100, 1500)], with_dp=False).dp == 0
    assert rates("2024-09-30").trade(CNC, [fill(-1, 100, 1500)]).dp == 159_300


def test_an_order_that_closes_more_than_was_bought_is_charged_in_two_parts() -> None:
    note = rates(TODAY).trade(CNC, [fill(1, 40, 1500), fill(-1, 100, 1500)])
    parts = rates(TODAY).trade(MIS, [fill(1, 40, 1500), fill(-1, 40, 1500)]) + rates(TODAY).trade(
        CNC, [fill(-1, 60, 1500)]
    )
    assert note == parts
    upstox = rates(TODAY, "upstox-basic").trade(
        CNC, [fill(1, 40, 1500), fill(-1, 100, 1500)], with_dp=False
    )
    assert upstox.brokerage == 400_000  # two orders, each with one brokerage


def test_each_executed_order_pays_its_brokerage() -> None:
    sliced = rates(TODAY).trade(
        TradedValue("NSE", "options", "NIFTY"),
        [fill(1, LOT, 100)] * 3 + [fill(-1, 3 * LOT, 100), fill(-1, 0, 100)],
    )
    assert sliced.brokerage == 4 * 200_000
    assert rates(TODAY).order(MIS, 1, 10_000 * 10_000).brokerage == 30_000  # 0.03 % of 10,000


def test_the_brokers_square_off_has_its_fee() -> None:
    note = rates(TODAY).trade(MIS, [fill(1, 100, 1500), fill(-1, 100, 1510, squared_off=True)])
    assert note.square_off == 590_000 and note.total_e4 == 1_007_100 + 590_000


@pytest.mark.parametrize(
    ("day", "plan", "segment", "brokerage"),
    [
        ("2024-08-31", "upstox-basic", "futures", 0), ("2024-09-01", "upstox-basic", "futures", 100_000),
        ("2026-09-30", "upstox-basic", "delivery", 100_000), ("2026-10-01", "upstox-basic", "delivery", 200_000),
        ("2026-10-01", "upstox-basic", "intraday", 100_000), ("2026-10-01", "upstox-basic", "futures", 50_000),
        ("2026-10-01", "upstox-plus", "options", 300_000), ("2026-10-01", "upstox-plus", "intraday", 100_000),
        ("2026-10-01", "zerodha", "intraday", 30_000),
    ],
)  # fmt: skip
def test_plans(day: str, plan: str, segment: str, brokerage: int) -> None:
    """Of an order for 10,000 rupees."""
    assert rates(day, plan).order(TradedValue("NSE", segment), 1, 10**8).brokerage == brokerage


# ------------------------------------------------------------------------------------- other
# families
def test_currency_and_commodity_by_hand() -> None:
    """A lot of USDINR futures, 1,000 dollars at 88: exchange 0.00035 % of 88,000 = 0.308, brokerage
    0.03 % up to 20, stamp 0.0001 %. Crude oil, 100 barrels at 6,000: CTT 0.01 % of the sale,
    exchange 0.0021 %, stamp 0.002 %.
    """
    usd = rates(TODAY).trade(
        TradedValue.at("CDS", "currency_futures", "USDINR"), [fill(1, 1000, 88), fill(-1, 1000, 88)]
    )
    assert rupees(usd) == {
        "brokerage": "40.00",
        "exchange": "0.62",
        "sebi": "0.18",
        "gst": "7.34",
        "stamp": "0.09",
    }
    crude = rates(TODAY).trade(
        TradedValue.at("MCX", "commodity_futures", "CRUDEOIL"),
        [fill(1, 100, 6000), fill(-1, 100, 6000)],
    )
    assert rupees(crude) == {
        "brokerage": "40.00",
        "stt": "60.00",
        "exchange": "25.20",
        "sebi": "1.20",
        "gst": "11.96",
        "stamp": "12.00",
    }
    assert usd.total_e4 == 482_300 and crude.total_e4 == 1_503_600
    assert (
        rates(TODAY).order(TradedValue.at("MCX", "commodity_futures", "COTTON"), -1, 10**9).stt == 0
    )


def test_bse_options_of_other_roots_cost_less() -> None:
    sensex, other = (
        rates(TODAY).order(TradedValue.at("BFO", "options", root), 1, 10**11).exchange
        for root in ("SENSEX", "SENSEX50")
    )
    assert (sensex, other) == (3250 * 10_000, 500 * 10_000)


def test_units_of_funds() -> None:
    day = rates(TODAY)
    assert day.order(TradedValue("NSE", "delivery", "NIFTYBEES"), 1, 10**9).stt == 0
    assert (
        day.order(TradedValue("NSE", "delivery", "NIFTYBEES"), -1, 10**9).stt == 10_000
    )  # 0.001 % of a lakh
    assert day.order(TradedValue("NSE", "intraday", "NIFTYBEES"), -1, 10**9).stt == 250_000
    assert day.order(TradedValue("NSE", "delivery", "GOLDBEES"), -1, 10**9).stt == 0
    unlisted = day.order(TradedValue("NSE", "delivery", "SOMETHINGETF"), -1, 10**9)
    assert (
        unlisted.line("stt") is None
        and unlisted.total_e4 is None
        and "SOMETHINGETF" in unlisted.words
    )


@pytest.mark.parametrize(
    ("what", "day", "plan", "line"),
    [
        (
            TradedValue.at("MCX", "commodity_options", "CRUDEOIL"),
            "2024-09-30",
            "zerodha",
            "exchange",
        ),
        (TradedValue.at("BFO", "options", "SENSEX"), "2024-05-02", "zerodha", "exchange"),
        (TradedValue.at("BSE", "intraday", "INFY"), "2022-11-30", "zerodha", "exchange"),
        (TradedValue.at("NSE", "intraday", "INFY"), "2020-06-30", "zerodha", "stamp"),
        (TradedValue.at("NSE", "intraday", "INFY"), "2026-09-30", "upstox-plus", "brokerage"),
        (TradedValue.at("NCO", "commodity_futures", "GOLD"), "2026-11-20", "zerodha", "exchange"),
        (TradedValue.at("NSE", "", "NIFTY 50"), "2026-11-20", "zerodha", "stt"),
        (TradedValue.at("NSE", "futures", "NIFTY"), "2019-12-31", "zerodha", "stt"),
    ],
)
def test_what_is_not_known_is_said_and_is_no_zero(
    what: TradedValue, day: str, plan: str, line: str
) -> None:
    note = rates(day, plan).order(what, 1, 10**9)
    assert note.line(line) is None and note.total_e4 is None
    assert "is not known" in note.words and (day in note.words)
    both = note + rates(TODAY).order(MIS, 1, 10**9)
    assert both.total_e4 is None and both.known_e4 > note.known_e4


def test_a_sale_at_upstox_does_not_know_its_depository() -> None:
    note = rates(TODAY, "upstox-basic").trade(CNC, [fill(-1, 10, 1500)])
    assert note.line("dp") is None and note.total_e4 is None and note.line("stt") is not None


def test_the_words_for_instruments() -> None:
    assert charge_segment("NSE", "EQ", "MIS") == "intraday"
    assert charge_segment("BSE", "EQ", "CNC") == "delivery"
    assert charge_segment("NFO", "FUT", "MIS") == "futures"
    assert charge_segment("BFO", "PE", "NRML") == "options"
    assert charge_segment("CDS", "CE", "NRML") == "currency_options"
    assert charge_segment("MCX", "FUT", "NRML") == "commodity_futures"
    assert TradedValue.at("NFO", "futures", "NIFTY").exchange == "NSE"


# -------------------------------------------------------------------------------------------
# oracles
@pytest.mark.parametrize("segment", ["delivery", "intraday", "futures", "options"])
@pytest.mark.parametrize("exchange", ["NSE", "BSE"])
def test_every_line_is_that_of_the_package_from_april_2026(segment: str, exchange: str) -> None:
    """It knows the rates from 2026-04-01, of Zerodha, shares of groups A and B, options of SENSEX
    and BANKEX.
    """
    core = pytest.importorskip("indian_charges.core")
    rng = random.Random(f"{segment}{exchange}")
    day = rates(rng.choice(["2026-04-01", "2026-08-03", "2026-11-20"]))
    for _ in range(300):
        value_e4, side = rng.randrange(1, 10 ** rng.randrange(4, 12)) * 100, rng.choice((1, -1))
        theirs = core.leg(
            turnover=Decimal(value_e4) / 10_000,
            side="buy" if side > 0 else "sell",
            segment=segment,
            exchange=exchange,
        )
        ours = day.order(TradedValue(exchange, segment, "SENSEX"), side, value_e4)
        names = {"exchange": "exchange_txn", "sebi": "sebi_fee", "stamp": "stamp_duty"}
        for line in ("brokerage", "stt", "exchange", "ipft", "sebi", "gst", "stamp"):
            assert Decimal(ours.line(line) or 0) / 10_000 == getattr(
                theirs, names.get(line, line)
            ), (line, value_e4, side)


KEYS = ("NSE:INFY", "NFO:NIFTY.FUT", "MCX:CRUDEOIL.FUT", "CDS:USDINR.FUT")


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_every_day_s_rates_are_those_of_the_simulated_broker(broker: str) -> None:
    """Two tables written from the same circulars by two hands. It does not round, so a line may
    differ by half a paisa.
    """
    rng = random.Random(broker)
    prices = PriceSource(SimConfig())
    universe = prices.universe(TODAY)
    contracts = [universe.resolve(key) for key in KEYS]
    contracts += [c for c in universe.contracts if c.is_option][:2]
    checked = 0
    for _ in range(600):
        date = dt.date(2020, 7, 1) + dt.timedelta(days=rng.randrange(2330))
        contract = rng.choice(contracts)
        product = rng.choice(["MIS", "CNC"]) if contract.expiry is None else "NRML"
        side, qty, px = rng.choice((1, -1)), rng.randrange(1, 500), rng.randrange(1, 50_000)
        told = sim_charges.charges(
            OrderRequest(contract, side, product, RequestedTerms("LIMIT", qty, px * 10_000)),
            float(px),
            date,
            {"kite": kite, "upstox": upstox}[broker].brokerage,
        )
        segment = charge_segment(contract.exchange, contract.instrument_type, product)
        what = TradedValue.at(contract.exchange, segment, contract.name)
        plan = "zerodha" if broker == "kite" else "upstox-basic"
        ours = TABLE.on(date, plan).order(what, side, px * 10_000 * qty * contract.multiplier)
        if ours.unknown:
            continue
        checked += 1
        lines = {
            "brokerage": told["brokerage"], "stt": told["transaction_tax"], "sebi": told["sebi_turnover_charge"],
            "exchange": told["exchange_turnover_charge"] - told["ipft"], "ipft": told["ipft"], "gst": told["gst"]["total"],
            "stamp": told["stamp_duty"],
        }  # fmt: skip
        for line, amount in lines.items():
            assert abs(getattr(ours, line) / 10_000 - amount) < 0.0051, (
                line,
                date,
                contract.key,
                product,
                side,
                qty,
                px,
            )
    assert checked > 500


# ------------------------------------------------------------------------------------------- the
# file
def test_every_step_has_a_source_and_says_how_sure_it_is() -> None:
    for group in (TABLE.data.rates, TABLE.data.brokerage, TABLE.data.fees):
        for rule in group:
            assert rule.source and rule.steps


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("rates", 0, "steps", 0, "from"), "soon", "from"),
        (("rates", 0, "item"), "tip", "item"),
        (("rates", 0, "steps"), [], r"rates\[0\].steps: the steps' dates must rise"),
        (("brokerage", 0, "per_order"), 1, "per_order"),
    ],
)
def test_a_damaged_table_is_refused_by_name(tmp_path: Path, place, value, words) -> None:
    data = node = json.loads(default_bytes("charges.json"))
    *way, last = place
    for step in way:
        node = node[step]
    node[last] = value
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(data))
    with pytest.raises(ConfigError, match=words) as caught:
        ChargeTable.load(path)
    assert "mine.json" in str(caught.value)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.json.*paths\.charges"):
        ChargeTable.load(tmp_path / "gone.json")


def test_nothing_costs_nothing() -> None:
    assert sum_of([]) == NO_CHARGES and NO_CHARGES.total_e4 == 0
