"""Configuration: what is read, what is refused and by which name."""
