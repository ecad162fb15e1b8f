"""The core: a pure, compiled state machine from a frame's bytes to an order's bytes. It has no clock,
no I/O and no randomness, and imports nothing of ours but `errors`.
"""
