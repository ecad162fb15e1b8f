"""The core, room by room: codecs, market, orders, engine, kernels. No clock and no network: time is a
number that a test moves.
"""
