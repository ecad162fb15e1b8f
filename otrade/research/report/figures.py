"""Figures of a set of trades, and the sets: by trade, day, week, strategy, instrument, hour, reason.

What is not known of one trade is not known of the set: a sum of money is None then, and how many
trades lack it is counted. Nothing that leaves charges out is called net.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from otrade.research.report.source import TradeRow, hour_of
from otrade.research.results.schema import CHARGE_KINDS


class PartlyKnown(msgspec.Struct, frozen=True):
    """A sum over the trades of which it is known: `n` of them."""

    total: int
    n: int


class TradeFigures(msgspec.Struct, frozen=True):
    """`win_rate` to `worst_paise` are of net profit. None: not known, or not defined."""

    n_trades: int
    n_uncharged: int
    """Trades of which a charge is not known."""
    gross_paise: int
    charges_paise: int | None
    net_paise: int | None
    kinds: dict[str, int | None]
    """Charges by kind."""
    n_won: int | None
    n_lost: int | None
    win_rate: float | None
    expectancy_paise: float | None
    """Mean net profit of a trade."""
    profit_factor: float | None
    """What won by what lost; None where nothing lost."""
    average_win_paise: float | None
    average_loss_paise: float | None
    best_paise: int | None
    worst_paise: int | None
    mae: PartlyKnown
    mfe: PartlyKnown
    slippage: PartlyKnown
    naked_ns: PartlyKnown
    held_ns: int


def figures_of(trades: Sequence[TradeRow]) -> TradeFigures:
    nets = [trade.net_paise for trade in trades if trade.net_paise is not None]
    is_known = len(nets) == len(trades)
    won = [net for net in nets if net > 0]
    lost = [net for net in nets if net < 0]
    has_all = is_known and bool(trades)
    return TradeFigures(
        n_trades=len(trades),
        n_uncharged=len(trades) - len(nets),
        gross_paise=sum(trade.gross_paise for trade in trades),
        charges_paise=_sum(trade.charges_paise for trade in trades),
        net_paise=sum(nets) if is_known else None,
        kinds={kind: _sum(trade.charge(kind) for trade in trades) for kind in CHARGE_KINDS},
        n_won=len(won) if is_known else None,
        n_lost=len(lost) if is_known else None,
        win_rate=len(won) / len(trades) if has_all else None,
        expectancy_paise=sum(nets) / len(trades) if has_all else None,
        profit_factor=sum(won) / -sum(lost) if is_known and lost else None,
        average_win_paise=sum(won) / len(won) if is_known and won else None,
        average_loss_paise=sum(lost) / len(lost) if is_known and lost else None,
        best_paise=max(nets) if has_all else None,
        worst_paise=min(nets) if has_all else None,
        mae=_partly(trade.mae_paise for trade in trades),
        mfe=_partly(trade.mfe_paise for trade in trades),
        slippage=_partly(trade.slippage_paise for trade in trades),
        naked_ns=_partly(trade.naked_ns for trade in trades),
        held_ns=sum(trade.exit_ns - trade.entry_ns for trade in trades),
    )


def _sum(amounts: Iterable[int | None]) -> int | None:
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _partly(amounts: Iterable[int | None]) -> PartlyKnown:
    known = [amount for amount in amounts if amount is not None]
    return PartlyKnown(sum(known), len(known))


def week_of(trade: TradeRow) -> str:
    """`2026-W47`, of ISO 8601."""
    year, week, _ = trade.day.isocalendar()
    return f"{year}-W{week:02d}"


GROUPS: dict[str, Callable[[TradeRow], str]] = {
    "day": lambda trade: str(trade.day),
    "week": week_of,
    "strategy": lambda trade: trade.strategy,
    "instrument": lambda trade: trade.symbol,
    "hour": lambda trade: hour_of(trade.entry_ns),
    "reason": lambda trade: trade.exit_reason,
}
"""How trades are put together; `hour` is that of the entry, in India."""


def grouped_trades(trades: Sequence[TradeRow], by: str) -> dict[str, list[TradeRow]]:
    """One of `GROUPS`, in the order of its names."""
    found: dict[str, list[TradeRow]] = {}
    for trade in trades:
        found.setdefault(GROUPS[by](trade), []).append(trade)
    return dict(sorted(found.items()))
