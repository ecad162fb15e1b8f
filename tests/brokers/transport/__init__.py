"""Sockets, HTTP, feeds and the pool of order connections, against servers that say what a test says."""
