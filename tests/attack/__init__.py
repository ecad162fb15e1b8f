"""Attacks on whatever listens to strangers, on loopback, bounded in bytes and seconds."""
