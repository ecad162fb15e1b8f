"""The tables of a result: columns, their types, and what each row must say.

Money is whole paise, prices ten-thousandths of a rupee (`_e4`), times nanoseconds since 1970 in UTC
(`_ns`). What is not known is null, never 0; a column that is not nullable is always known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otrade._core.types import Leg, OrdStatus
from otrade.charges import Charges
from otrade.errors import ResultError
from otrade.research.arrow import pa, pc
from otrade.units import E4_A_PAISA

SIDES = ("BUY", "SELL")
LEGS = tuple(leg.name for leg in Leg)
CHARGE_KINDS = {
    "brokerage_paise": ("brokerage",),
    "stt_paise": ("stt",),
    "exchange_paise": ("exchange", "ipft"),
    "gst_paise": ("gst",),
    "sebi_paise": ("sebi",),
    "stamp_paise": ("stamp",),
    "other_paise": ("dp", "square_off"),
}
"""Columns of a trade's charges, and the lines of a contract note in each."""


def _schema(**columns: str) -> Any:
    """`int`, `text` or `date`; with `?` where it may be unknown."""
    types = {"int": pa.int64(), "text": pa.string(), "date": pa.date32()}
    return pa.schema(
        [
            pa.field(name, types[kind.rstrip("?")], nullable=kind.endswith("?"))
            for name, kind in columns.items()
        ]
    )


TRADES = _schema(
    trade_id="int", day="date", strategy="text", symbol="text", product="text", side="text",
    quantity="int", multiplier="int", entry_ns="int", exit_ns="int", entry_e4="int", exit_e4="int",
    stop_e4="int?", target_e4="int?", gross_paise="int", charges_paise="int?",
    **dict.fromkeys(CHARGE_KINDS, "int?"),
    net_paise="int?", exit_reason="text", signal_e4="int?", entry_slippage_paise="int?", exit_slippage_paise="int?",
    mae_paise="int?", mfe_paise="int?", naked_ns="int?", bars_held="int?",
)  # fmt: skip
ORDERS = _schema(
    day="date", order_id="text", strategy="text", symbol="text", leg="text", side="text", order_type="text",
    product="text", quantity="int", limit_e4="int?", trigger_e4="int?", status="text", filled_quantity="int",
    average_e4="int?", placed_ns="int", ended_ns="int?", n_changes="int", words="text",
)  # fmt: skip
FILLS = _schema(
    day="date", order_id="text", trade_id="int", symbol="text", side="text", quantity="int", price_e4="int",
    ts_ns="int", leg="text", reason="text",
)  # fmt: skip
EQUITY = _schema(
    ts_ns="int",
    day="date",
    gross_paise="int",
    charges_paise="int?",
    net_paise="int?",
    open_paise="int",
)
SCHEMAS: Mapping[str, Any] = {"trades": TRADES, "orders": ORDERS, "fills": FILLS, "equity": EQUITY}
ENDED = (
    OrdStatus.DENIED, OrdStatus.FILLED, OrdStatus.CANCELED, OrdStatus.REJECTED, OrdStatus.EXPIRED, OrdStatus.ABSENT,
)  # fmt: skip
"""An order's status once nothing more comes of it."""
FILES = {name: f"{name}.parquet" for name in SCHEMAS}


def in_paise(amount_e4: int) -> int:
    """The nearest whole paise; a half rounds up."""
    return (amount_e4 + E4_A_PAISA // 2) // E4_A_PAISA


def exact_parts(quantity: int, value_e4: int) -> list[dict[str, int]]:
    """`quantity` and `price_e4` of rows that make up an execution's value. Where its average is no whole e4, a part of its
    units has the next one.
    """
    price_e4, n_above = divmod(value_e4, quantity)
    parts = ((quantity - n_above, price_e4), (n_above, price_e4 + 1))
    return [{"quantity": units, "price_e4": each_e4} for units, each_e4 in parts if units]


def charges_in_paise(charges: Charges) -> dict[str, int | None]:
    """A trade's `charges_paise` and its kinds. Each line of an order is whole paise already."""
    found: dict[str, int | None] = {}
    for column, lines in CHARGE_KINDS.items():
        known = [line for name in lines if (line := charges.line(name)) is not None]
        found[column] = sum(known) // E4_A_PAISA if len(known) == len(lines) else None
    total = None if charges.total_e4 is None else charges.total_e4 // E4_A_PAISA
    return {"charges_paise": total, **found}


def table_of_rows(name: str, rows: Any) -> Any:
    """A table in its place's form, out of one, of columns by name, or of rows as dictionaries.
    ResultError says which column is wrong, and how.
    """
    schema = SCHEMAS[name]
    try:
        if isinstance(rows, pa.Table):
            table = rows
        elif isinstance(rows, Mapping):
            table = pa.table(dict(rows)) if rows else schema.empty_table()
        else:
            _require_columns(name, {key for row in rows for key in row}, bool(rows))
            table = pa.Table.from_pylist(list(rows), schema)
        _require_columns(name, set(table.column_names), True)
        table = table.select(schema.names)
        for column in schema:
            if not column.nullable and table[column.name].null_count:
                raise ResultError(f"{name}.{column.name}: a row without it")
        table = table.cast(schema)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise ResultError(f"{name}: {error}") from None
    _check(name, table)
    return table


def _require_columns(name: str, there: set[str], has_rows: bool) -> None:
    wanted = set(SCHEMAS[name].names)
    if has_rows and there != wanted:
        parts = [("lacks", wanted - there), ("does not have", there - wanted)]
        words = " and ".join(f"{what} {', '.join(sorted(some))}" for what, some in parts if some)
        raise ResultError(f"{name}: the table {words}")


def _check(name: str, table: Any) -> None:
    for column, allowed in (("side", SIDES), ("leg", LEGS)):
        if column in table.column_names:
            odd = set(pc.unique(table[column]).to_pylist()) - set(allowed)
            if odd:
                raise ResultError(
                    f"{name}.{column}: {', '.join(sorted(odd))} (allowed: {', '.join(allowed)})"
                )
    if name == "trades":
        _check_trades(table)
    elif name == "equity":
        _require(name, "net_paise", table, _sum(table, "gross_paise", "charges_paise", -1))


def _check_trades(table: Any) -> None:
    """The money of each row adds up, and an unknown part leaves an unknown sum."""
    kinds = table[next(iter(CHARGE_KINDS))]
    for kind in list(CHARGE_KINDS)[1:]:
        kinds = pc.add_checked(kinds, table[kind])
    _require("trades", "charges_paise", table, kinds)
    _require("trades", "net_paise", table, _sum(table, "gross_paise", "charges_paise", -1))
    for column, is_right, words in (
        ("quantity", pc.greater(table["quantity"], 0), "more than 0"),
        ("multiplier", pc.greater(table["multiplier"], 0), "more than 0"),
        ("mae_paise", pc.less_equal(table["mae_paise"], 0), "0 or less"),
        ("mfe_paise", pc.greater_equal(table["mfe_paise"], 0), "0 or more"),
        ("naked_ns", pc.greater_equal(table["naked_ns"], 0), "0 or more"),
        ("exit_ns", pc.greater_equal(table["exit_ns"], table["entry_ns"]), "no earlier than entry"),
    ):
        if not pc.all(pc.fill_null(is_right, True)).as_py() and table.num_rows:
            raise ResultError(f"trades.{column}: it must be {words}")


def _sum(table: Any, first: str, second: str, sign: int) -> Any:
    return pc.add_checked(table[first], pc.multiply_checked(table[second], sign))


def _require(name: str, column: str, table: Any, expected: Any) -> None:
    """A column is what others add up to, and unknown where one of them is."""
    there = table[column]
    same = pc.fill_null(pc.equal(there, expected), False)
    both_unknown = pc.and_(pc.is_null(there), pc.is_null(expected))
    right = pc.or_(same, both_unknown)
    if table.num_rows and not pc.all(right).as_py():
        row = right.to_pylist().index(False)
        raise ResultError(
            f"{name}.{column}: {there[row].as_py()} in row {row + 1}; its parts make {expected[row].as_py()} (None: not known)"
        )
