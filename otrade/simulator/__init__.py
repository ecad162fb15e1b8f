"""A simulated exchange and broker which speaks Zerodha Kite's and Upstox's real protocols on
loopback.

The model (`exchange`, on `base` and `prices`, with `faults`) knows nothing of sockets and of no
broker's spelling; the brokers' servers (`kite`, `upstox`, on `net`) know nothing of matching, and
trade on one account; `simulator` puts them together. Nothing here imports the engine, so that it
can serve as its oracle.
"""
