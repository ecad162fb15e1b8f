"""Upstox's adapter: what its words mean."""
