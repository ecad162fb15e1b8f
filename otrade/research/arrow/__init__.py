"""pyarrow, which only who keeps prices and results of the past needs; HistoryError says how to get it."""

from otrade.errors import HistoryError

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
except ImportError:
    raise HistoryError(
        "prices and results of the past are kept as Parquet, which needs the pyarrow library: pip install 'otrade[research]'"
    ) from None

__all__ = ["pa", "pc", "pq"]
