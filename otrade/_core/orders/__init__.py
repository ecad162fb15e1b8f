"""From a signal to orders and back from fills: risk, entry, exits, the order table, reports.
Imports `_core.market`, `_core.state` and `_core.types`.
"""
