"""The wires: what bytes mean, and that no bytes do harm."""
