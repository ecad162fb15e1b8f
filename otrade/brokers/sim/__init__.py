"""A simulated exchange and broker which speaks Zerodha Kite's real protocol on loopback.

The model (`market`, `oms`, `matching`, `ledger`) knows nothing of sockets; `kite_rest` and
`kite_feed` know nothing of matching; `simulator` puts them together. Nothing here imports the
engine, so that it can serve as its oracle.
"""
