"""Prices of the past, kept as Parquet by symbol, length and month: brought in from files, brokers and
journals, checked against the sessions of their dates, given out again. docs/history.md.
"""
