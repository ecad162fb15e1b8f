"""Upstox's API spoken by the simulator. Imports `exchange` and `net`."""
