"""Kite Connect spoken by the simulator: REST and the feed. Imports `exchange` and `net`."""
