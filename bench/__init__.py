"""Benchmarks: `make bench`. Ratios of things measured side by side in one run; absolute times are
this machine's.
"""
