"""Kite's adapter: its words, its session against a scripted server, and against the simulator."""
