"""A simulated exchange and broker which speaks Zerodha Kite's and Upstox's real protocols on
loopback.

The model (`market`, `oms`, `matching`, `ledger`) knows nothing of sockets; the faces
(`kite_*`, `upstox_*`) know nothing of matching, and trade on one account; `simulator` puts them
together. Nothing here imports the engine, so that it can serve as its oracle.
"""
