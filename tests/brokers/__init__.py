"""Brokers' transports and translations, against scripted servers on loopback."""
