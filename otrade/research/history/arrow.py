"""pyarrow, which only who keeps history needs; HistoryError says how to get it."""

from otrade.errors import HistoryError

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
except ImportError:
    raise HistoryError(
        "price history is kept as Parquet, which needs the pyarrow library: pip install 'otrade[research]'"
    ) from None

__all__ = ["pa", "pc", "pq"]
