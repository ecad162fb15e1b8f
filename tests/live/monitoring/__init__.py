"""Metrics, and alarms about prices and staleness."""
