"""Wires in and out: market data into `tick_t`, commands into request bytes. A codec knows a broker;
the engine does not. Imports `_core.types` only.
"""
