"""What orders cost, by trade date, broker's plan, exchange and segment, from the dated table
`config/charges.json`.

All arithmetic is exact; each line of an order is rounded half up to the paisa, GST from the
unrounded lines. A rate that is not known for a date is never taken for 0: its line, and with it the
total, is unknown, in words. Nothing on the trading path needs this.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from otrade.config.manager import default_bytes, parse_json
from otrade.errors import ConfigError
from otrade.plain_file import read_plain
from otrade.units import E4_A_PAISA

E4 = 10_000
PER_CENT = Decimal(100)

LINES = ("brokerage", "stt", "exchange", "ipft", "sebi", "gst", "stamp", "dp", "square_off")
"""Of a contract note. `stt` is CTT for commodities; `dp` the depository's; `square_off` the
broker's fee for closing a position itself.
"""
TAXED = ("brokerage", "exchange", "sebi", "ipft")
"""What GST is taken from."""

CASH = ("NSE", "BSE")
HOMES = {
    "NSE": ("NSE", ""),
    "BSE": ("BSE", ""),
    "NFO": ("NSE", ""),
    "BFO": ("BSE", ""),
    "CDS": ("NSE", "currency_"),
    "BCD": ("BSE", "currency_"),
    "MCX": ("MCX", "commodity_"),
    "NCO": ("NCO", "commodity_"),
}
"""The exchange whose rates hold and the family of contracts, by the broker's word for the exchange."""

Item = Literal["stt", "exchange", "ipft", "sebi", "stamp", "gst"]


class _ChargesBase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class RateStep(_ChargesBase, frozen=True):
    """Per cent of the value from a date on; null: not known."""

    start: dt.date = msgspec.field(name="from")
    buy: Decimal | None
    sell: Decimal | None
    sure: bool
    why: str = ""


class ItemRates(_ChargesBase, frozen=True):
    """One item's rates. `roots`: for these underlyings only."""

    item: Item
    exchanges: list[str]
    segments: list[str]
    source: str
    steps: list[RateStep]
    roots: list[str] = []


class BrokerageStep(_ChargesBase, frozen=True):
    """An order's brokerage from a date on: flat, or a per cent up to a most; neither: not known."""

    start: dt.date = msgspec.field(name="from")
    sure: bool
    percent: Decimal | None = None
    most: Decimal | None = None
    flat: Decimal | None = None
    why: str = ""

    def of(self, value: Decimal) -> Decimal | None:
        if self.flat is not None:
            return self.flat
        if self.percent is None or self.most is None:
            return None
        return min(value * self.percent / PER_CENT, self.most)


class BrokeragePlan(_ChargesBase, frozen=True):
    plan: str
    segments: list[str]
    source: str
    steps: list[BrokerageStep]


class FeeStep(_ChargesBase, frozen=True):
    start: dt.date = msgspec.field(name="from")
    rupees: Decimal | None
    sure: bool
    why: str = ""


class BrokerFee(_ChargesBase, frozen=True):
    """A fixed amount, GST included: `dp` a scrip and day of a delivery sale, `square_off` an order
    of the broker's own square-off.
    """

    fee: Literal["dp", "square_off"]
    plans: list[str]
    source: str
    steps: list[FeeStep]


class FundSymbols(_ChargesBase, frozen=True):
    """Symbols of the cash market that are units of funds, whose transaction tax is another one."""

    equity: list[str]
    other: list[str]
    like: list[str]
    delivery_sell: Decimal
    intraday_sell: Decimal
    about: str = ""


class ChargesFile(_ChargesBase, frozen=True):
    """Shape of `charges.json`."""

    known_from: dt.date
    rates: list[ItemRates]
    brokerage: list[BrokeragePlan]
    fees: list[BrokerFee]
    funds: FundSymbols
    about: str = ""


class Charges(msgspec.Struct, frozen=True):
    """Lines of a contract note in e4 rupees: what is known of them. `unknown` says, by line, what
    is missing; then there is no total.
    """

    brokerage: int = 0
    stt: int = 0
    exchange: int = 0
    ipft: int = 0
    sebi: int = 0
    gst: int = 0
    stamp: int = 0
    dp: int = 0
    square_off: int = 0
    unknown: dict[str, str] = msgspec.field(default_factory=dict)

    def line(self, name: str) -> int | None:
        """One of LINES; None when it is not known."""
        amount_e4: int = getattr(self, name)
        return None if name in self.unknown else amount_e4

    @property
    def known_e4(self) -> int:
        """The sum of what is known."""
        return sum(getattr(self, name) for name in LINES)

    @property
    def total_e4(self) -> int | None:
        """None when a line is not known."""
        return None if self.unknown else self.known_e4

    @property
    def words(self) -> str:
        """What is not known; empty when all is."""
        return "; ".join(dict.fromkeys(self.unknown.values()))

    def __add__(self, other: Charges) -> Charges:
        sums = {name: getattr(self, name) + getattr(other, name) for name in LINES}
        return Charges(
            **sums,
            unknown=self.unknown
            | {k: v for k, v in other.unknown.items() if k not in self.unknown},
        )


NO_CHARGES = Charges()


def sum_of(many: Iterable[Charges]) -> Charges:
    return sum(many, NO_CHARGES)


class TradedValue(msgspec.Struct, frozen=True):
    """What was traded, as the charges see it."""

    exchange: str
    segment: str
    """`delivery`, `intraday`, `futures`, `options`, the last two with `currency_` or `commodity_`;
    empty: not priced.
    """
    root: str = ""
    """The underlying's name; of a share its symbol."""

    @classmethod
    def at(cls, exchange: str, segment: str, root: str) -> TradedValue:
        """`exchange` as the broker writes it: NFO and CDS have NSE's rates."""
        return cls(HOMES[exchange][0] if exchange in HOMES else exchange, segment, root)


class ChargedFill(Protocol):
    """What one order traded: `value_e4` is price e4 times units times the multiplier."""

    @property
    def side(self) -> int: ...
    @property
    def qty(self) -> int: ...
    @property
    def value_e4(self) -> int: ...
    @property
    def squared_off(self) -> bool: ...


def charge_segment(exchange: str, instrument_type: str, product: str) -> str:
    """The charges' word for an instrument and its product; empty when they do not price it."""
    family = HOMES[exchange][1] if exchange in HOMES else ""
    if instrument_type == "FUT":
        return f"{family}futures"
    if instrument_type in ("CE", "PE"):
        return f"{family}options"
    if exchange not in CASH:
        return ""
    return "delivery" if product == "CNC" else "intraday"


class SideRates(msgspec.Struct, frozen=True):
    """Shares of an order's value in units of 1e-12."""

    stt: int
    exchange: int
    ipft: int
    sebi: int
    stamp: int


class SegmentRates(msgspec.Struct, frozen=True):
    """What an order costs: `gst` is taken of brokerage, exchange, SEBI and protection fund.
    `brokerage_flat_e4` below 0: the lower of the share `brokerage` and `brokerage_most_e4`.
    """

    buy: SideRates
    sell: SideRates
    gst: int
    brokerage: int
    brokerage_most_e4: int
    brokerage_flat_e4: int


class CoreRates(msgspec.Struct, frozen=True):
    """One instrument's rates of a day in integers, for the core, which counts the same amounts to
    the paisa. `known` is False where a rate is missing: it counts as 0 then, and is said to.
    """

    own: SegmentRates
    same_day: SegmentRates
    """Of shares for delivery, those that are both bought and sold on the day."""
    dp_e4: int
    square_off_e4: int
    is_delivery: bool
    known: bool


UNIT = 10**12
"""What the core's rates are parts of."""


class ChargeTable:
    """Everything in one file. `file` is for its error messages."""

    def __init__(self, data: ChargesFile, file: str = "charges.json") -> None:
        self.data = data
        groups: Sequence[Sequence[ItemRates | BrokeragePlan | BrokerFee]] = (
            data.rates,
            data.brokerage,
            data.fees,
        )
        for name, group in zip(("rates", "brokerage", "fees"), groups, strict=True):
            for i, rule in enumerate(group):
                starts = [step.start for step in rule.steps]
                if not starts or starts != sorted(set(starts)):
                    raise ConfigError(
                        "the steps' dates must rise, and there must be one",
                        file=file,
                        path=f"{name}[{i}].steps",
                    )

    @classmethod
    def load(cls, path: Path | None = None) -> ChargeTable:
        """From a file, or the table that comes with OTrade. ConfigError says what is wrong."""
        name = str(path) if path else "charges.json"
        try:
            raw = read_plain(path) if path else default_bytes("charges.json")
        except OSError as err:
            raise ConfigError(
                f"{err.strerror}; set paths.charges to a table of charges, or to nothing", file=name
            ) from None
        try:
            data: Any = parse_json(raw, name)
            return cls(msgspec.convert(data, ChargesFile), name)
        except msgspec.ValidationError as err:
            raise ConfigError(str(err), file=name) from None

    def on(self, date: dt.date, plan: str) -> DayCharges:
        """The rates of one day for one plan, as the registry of brokers calls it."""
        return DayCharges(self.data, date, plan)


class DayCharges:
    """The rates that hold on one date."""

    def __init__(self, data: ChargesFile, date: dt.date, plan: str) -> None:
        self._date = date
        self._plan = plan
        self._funds = data.funds
        self._rates: dict[tuple[str, str, str, str], RateStep] = {}
        for rule in data.rates:
            for step in rule.steps:
                if step.start <= date:
                    for exchange in rule.exchanges:
                        for segment in rule.segments:
                            for root in rule.roots or [""]:
                                self._rates[rule.item, exchange, segment, root] = step
        self._brokerage = {
            segment: step
            for rule in data.brokerage
            if rule.plan == plan
            for step in rule.steps
            if step.start <= date
            for segment in rule.segments
        }
        self._fees: dict[str, FeeStep] = {
            fee.fee: step
            for fee in data.fees
            if plan in fee.plans
            for step in fee.steps
            if step.start <= date
        }

    def order(
        self,
        what: TradedValue,
        side: int,
        value_e4: int,
        *,
        squared_off: bool = False,
        with_brokerage: bool = True,
    ) -> Charges:
        """One executed order, without the depository's charge."""
        value = Decimal(value_e4) / E4
        unknown: dict[str, str] = {}
        exact = {
            name: self._tax(what, side, value, unknown)
            if name == "stt"
            else self._share(name, what, side, value, unknown)
            for name in ("stt", "exchange", "ipft", "sebi", "stamp")
        }
        exact["brokerage"] = (
            self._brokerage_of(what, value, unknown) if with_brokerage else Decimal()
        )
        gst = self._rates.get(("gst", what.exchange, what.segment, ""))
        if gst is None or gst.buy is None:
            unknown["gst"] = self._words("GST", what)
        elif missing := [name for name in TAXED if name in unknown]:
            unknown["gst"] = unknown[missing[0]]
        else:
            exact["gst"] = sum((exact[name] for name in TAXED), Decimal()) * gst.buy / PER_CENT
        lines = {name: e4_of(amount) for name, amount in exact.items()}
        if squared_off:
            lines["square_off"] = self._fee("square_off", unknown)
        return Charges(**lines, unknown=unknown)

    def trade(
        self, what: TradedValue, fills: Sequence[ChargedFill], *, with_dp: bool = True
    ) -> Charges:
        """All orders of one trade in one instrument on this day. Shares of product CNC that were
        both bought and sold are intraday, the rest is delivery; a sale of the rest pays the
        depository, unless somebody else of this scrip and day has (`with_dp`).
        """
        fills = [fill for fill in fills if fill.qty > 0]
        if what.segment != "delivery":
            return sum_of(
                self.order(what, fill.side, fill.value_e4, squared_off=fill.squared_off)
                for fill in fills
            )
        bought = sum(fill.qty for fill in fills if fill.side > 0)
        sold = sum(fill.qty for fill in fills if fill.side < 0)
        left = {1: min(bought, sold), -1: min(bought, sold)}
        same_day = msgspec.structs.replace(what, segment="intraday")
        charged = NO_CHARGES
        for fill in fills:
            side = 1 if fill.side > 0 else -1
            both = min(fill.qty, left[side])
            left[side] -= both
            value_e4 = fill.value_e4 * both // fill.qty
            # One order pays one brokerage, though it is charged in two parts: the intraday one is
            # the lower where delivery costs.
            is_split = 0 < both < fill.qty
            if both:
                pays = not (is_split and self._costs_brokerage("delivery"))
                charged += self.order(
                    same_day, side, value_e4, squared_off=fill.squared_off, with_brokerage=pays
                )
            if both < fill.qty:
                charged += self.order(
                    what, side, fill.value_e4 - value_e4, squared_off=fill.squared_off and not both
                )
        if with_dp and sold > bought:
            unknown: dict[str, str] = {}
            charged += Charges(dp=self._fee("dp", unknown), unknown=unknown)
        return charged

    def core_rates(self, what: TradedValue) -> CoreRates:
        """The same rates in integers. ConfigError when one has more decimals than they hold."""
        unknown: dict[str, str] = {}
        is_delivery = what.segment == "delivery"
        same_day = msgspec.structs.replace(what, segment="intraday") if is_delivery else what
        own, short = self._segment(what, unknown), self._segment(same_day, unknown)
        # Only an order of the broker's own square-off pays that fee: not known, it counts as 0.
        square_off_e4 = self._fee("square_off", {})
        dp_e4 = self._fee("dp", unknown) if is_delivery else 0
        return CoreRates(own, short, dp_e4, square_off_e4, is_delivery, not unknown)

    def _segment(self, what: TradedValue, unknown: dict[str, str]) -> SegmentRates:
        missing: dict[str, str] = {}
        step = self._brokerage.get(what.segment)
        share, most, flat = Decimal(), Decimal(), Decimal()
        if step is not None and step.flat is not None:
            flat = step.flat
        elif step is not None and step.percent is not None and step.most is not None:
            share, most, flat = step.percent / PER_CENT, step.most, Decimal(-1)
        else:
            missing["brokerage"] = self._words(f"{self._plan} brokerage", what)
        buy, sell = self._side(what, 1, missing), self._side(what, -1, missing)
        step_gst = self._rates.get(("gst", what.exchange, what.segment, ""))
        gst = step_gst.buy if step_gst is not None else None
        if gst is None:
            missing["gst"] = self._words("GST", what)
        if gst is None or any(name in missing for name in TAXED):
            gst = Decimal()  # as of an order: it is not known in part
        unknown |= missing
        return SegmentRates(
            buy=buy,
            sell=sell,
            gst=whole_parts(gst / PER_CENT),
            brokerage=whole_parts(share),
            brokerage_most_e4=int(most * E4),
            brokerage_flat_e4=int(flat * E4),
        )

    def _side(self, what: TradedValue, side: int, unknown: dict[str, str]) -> SideRates:
        one = Decimal(1)  # of a value of one rupee each line is its rate

        def share(item: str) -> int:
            return whole_parts(self._share(item, what, side, one, unknown))

        return SideRates(
            stt=whole_parts(self._tax(what, side, one, unknown)),
            exchange=share("exchange"),
            ipft=share("ipft"),
            sebi=share("sebi"),
            stamp=share("stamp"),
        )

    def _costs_brokerage(self, segment: str) -> bool:
        step = self._brokerage.get(segment)
        return step is not None and bool(step.flat or step.percent)

    # -------------------------------------------------------------------------------- one line each
    def _share(
        self, item: str, what: TradedValue, side: int, value: Decimal, unknown: dict[str, str]
    ) -> Decimal:
        own = self._rates.get((item, what.exchange, what.segment, what.root)) if what.root else None
        step = own or self._rates.get((item, what.exchange, what.segment, ""))
        rate = None if step is None else step.buy if side > 0 else step.sell
        if rate is None:
            unknown[item] = self._words(item, what, step.why if step else "")
            return Decimal()
        return value * rate / PER_CENT

    def _tax(
        self, what: TradedValue, side: int, value: Decimal, unknown: dict[str, str]
    ) -> Decimal:
        funds = self._funds
        if what.segment not in ("delivery", "intraday") or not what.root:
            return self._share("stt", what, side, value, unknown)
        if what.root in funds.other:
            return Decimal()
        if what.root in funds.equity:
            rate = funds.delivery_sell if what.segment == "delivery" else funds.intraday_sell
            return Decimal() if side > 0 else value * rate / PER_CENT
        if any(fnmatch.fnmatchcase(what.root, pattern) for pattern in funds.like):
            unknown["stt"] = (
                f"the transaction tax of {what.root}, which looks like a fund and stands in no list of charges.json"
            )
            return Decimal()
        return self._share("stt", what, side, value, unknown)

    def _brokerage_of(self, what: TradedValue, value: Decimal, unknown: dict[str, str]) -> Decimal:
        step = self._brokerage.get(what.segment)
        amount = step.of(value) if step is not None else None
        if amount is None:
            unknown["brokerage"] = self._words(
                f"{self._plan} brokerage", what, step.why if step else ""
            )
            return Decimal()
        return amount

    def _fee(self, fee: str, unknown: dict[str, str]) -> int:
        step = self._fees.get(fee)
        if step is None or step.rupees is None:
            unknown[fee] = (
                f"{self._plan}, {self._date}: {(step.why if step else '') or NAMES[fee]} is not known"
            )
            return 0
        return e4_of(step.rupees)

    def _words(self, item: str, what: TradedValue, why: str = "") -> str:
        told = f"{what.exchange or 'this exchange'} {what.segment.replace('_', ' ') or 'instruments of this kind'}"
        return f"{told}, {self._date}: {NAMES.get(item, item)} is not known{f' ({why})' if why else ''}"


NAMES = {
    "brokerage": "brokerage",
    "stt": "the transaction tax",
    "exchange": "the exchange's charge",
    "ipft": "the protection fund's part",
    "sebi": "SEBI's fee",
    "gst": "GST",
    "stamp": "stamp duty",
    "dp": "the depository's charge",
    "square_off": "the broker's square-off fee",
}


def whole_parts(share: Decimal) -> int:
    """In units of 1e-12. ConfigError where that is not exact: a rate in per cent has ten decimals."""
    parts = share * UNIT
    if parts != parts.to_integral_value():
        raise ConfigError(
            f"the rate {share * PER_CENT} per cent has more than ten decimals", file="charges.json"
        )
    return int(parts)


def e4_of(rupees: Decimal) -> int:
    """Rounded half up to the paisa."""
    return int((rupees * 100).to_integral_value(ROUND_HALF_UP)) * E4_A_PAISA
