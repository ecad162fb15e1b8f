"""The day's journal, and what an engine goes on from."""
