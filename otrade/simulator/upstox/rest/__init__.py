"""Upstox's REST interface: its routes, rows, errors and logins."""
