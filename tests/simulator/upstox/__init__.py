"""Upstox's interfaces in front of the exchange, by a plain client and by the vendor's own SDK."""
