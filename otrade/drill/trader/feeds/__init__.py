"""Packets of the brokers' feeds, read from the bytes that were sent: one file a broker."""
