"""Commands, the kill switch, the morning check, configuration while it runs."""
