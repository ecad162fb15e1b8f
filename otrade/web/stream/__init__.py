"""The WebSocket: a snapshot, then deltas, the same text for every client. Imports `auth`, `http`
and `contract`.
"""
