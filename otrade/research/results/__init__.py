"""Result folders: what backtests and trading days leave, in one form; written whole or not at all, read
only as they were written. docs/report.md has the format for readers.
"""
