"""Commands about the past: prices, backtests, reports. They need pyarrow, and no running engine."""
