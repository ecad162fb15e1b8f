"""Alerts: what is told to whom, how often, and by which process."""
