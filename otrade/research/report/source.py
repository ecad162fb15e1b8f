"""What a report is made of: the trades, days and equity of one result, or of several one after the
other.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

import msgspec

from otrade.errors import ResultError
from otrade.research.results.facts import ResultDay, ResultFacts
from otrade.research.results.reader import Result
from otrade.units import IST_NS, NS_PER_DAY, NS_PER_MINUTE, NS_PER_S


class TradeRow(msgspec.Struct, frozen=True):
    """A row of `trades.parquet`, as the schema has it."""

    trade_id: int
    day: dt.date
    strategy: str
    symbol: str
    product: str
    side: str
    quantity: int
    multiplier: int
    entry_ns: int
    exit_ns: int
    entry_e4: int
    exit_e4: int
    stop_e4: int | None
    target_e4: int | None
    gross_paise: int
    charges_paise: int | None
    brokerage_paise: int | None
    stt_paise: int | None
    exchange_paise: int | None
    gst_paise: int | None
    sebi_paise: int | None
    stamp_paise: int | None
    other_paise: int | None
    net_paise: int | None
    exit_reason: str
    signal_e4: int | None
    entry_slippage_paise: int | None
    exit_slippage_paise: int | None
    mae_paise: int | None
    mfe_paise: int | None
    naked_ns: int | None
    bars_held: int | None

    @property
    def value_paise(self) -> int:
        """What was bought or sold to enter."""
        return self.entry_e4 * self.quantity * self.multiplier // 100

    @property
    def slippage_paise(self) -> int | None:
        """Entry and exit together."""
        if self.entry_slippage_paise is None or self.exit_slippage_paise is None:
            return None
        return self.entry_slippage_paise + self.exit_slippage_paise

    def charge(self, column: str) -> int | None:
        """One of `schema.CHARGE_KINDS`."""
        amount: int | None = getattr(self, column)
        return amount


class EquityRow(msgspec.Struct, frozen=True):
    """One point of the curve; over several results it goes on from one to the next."""

    ts_ns: int
    gross_paise: int
    net_paise: int | None


class ReportSource:
    """Results in the order of their days. ResultError where one day is in two of them."""

    def __init__(self, results: Sequence[Result]) -> None:
        if not results:
            raise ResultError("a report needs a result: a folder, or a day")
        self._results = sorted(results, key=lambda result: (result.facts.first, result.facts.last))
        twice = [day for day, n in Counter(day.date for day in self.days).items() if n > 1]
        if twice:
            where = [str(r.folder) for r in results if twice[0] in {d.date for d in r.facts.days}]
            raise ResultError(
                f"{twice[0]} is in {' and in '.join(where)}: a report counts a day once"
            )
        ordered = [day.date for day in self.days]
        if ordered != sorted(ordered):
            raise ResultError("the results' days lie between each other: report them one by one")

    @property
    def facts(self) -> list[ResultFacts]:
        return [result.facts for result in self._results]

    @property
    def days(self) -> list[ResultDay]:
        return [day for facts in self.facts for day in facts.days]

    @cached_property
    def trades(self) -> list[TradeRow]:
        """In the order of their exits, a day after the other."""
        rows = [
            msgspec.convert(row, TradeRow)
            for result in self._results
            for batch in result.batches("trades")
            for row in batch.to_pylist()
        ]
        return sorted(rows, key=lambda row: (row.day, row.exit_ns, row.trade_id))

    @property
    def n_points(self) -> int:
        return sum(result.n_rows("equity") for result in self._results)

    def equity(self) -> Iterator[EquityRow]:
        """Every point, read piece by piece."""
        base_gross = 0
        base_net: int | None = 0
        for result in self._results:
            for batch in result.batches("equity", ("ts_ns", "gross_paise", "net_paise")):
                columns = (batch.column(n).to_pylist() for n in range(3))
                for ts_ns, own_gross, own_net in zip(*columns, strict=True):
                    net = _plus(base_net, own_net)
                    yield EquityRow(ts_ns, base_gross + own_gross, net)
            base_gross += sum(day.gross_paise for day in result.facts.days)
            for day in result.facts.days:
                base_net = _plus(base_net, day.net_paise)


def _plus(one: int | None, other: int | None) -> int | None:
    """None where either is not known."""
    return None if one is None or other is None else one + other


def clock_words(ts_ns: int) -> str:
    """`2026-11-20 09:15:00`, Indian time."""
    moment = dt.datetime.fromtimestamp((ts_ns + IST_NS) // NS_PER_S, dt.UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def hour_of(ts_ns: int) -> str:
    """`09:00`: the hour of the day in India."""
    return f"{(ts_ns + IST_NS) % NS_PER_DAY // (60 * NS_PER_MINUTE):02d}:00"
