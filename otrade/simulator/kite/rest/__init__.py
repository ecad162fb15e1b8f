"""Kite's REST interface: its routes, rows, errors and logins. Imports `exchange` and `net`."""
