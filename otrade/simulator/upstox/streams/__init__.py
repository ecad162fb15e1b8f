"""Upstox's two WebSocket streams: market data as protobuf, the portfolio as JSON."""
