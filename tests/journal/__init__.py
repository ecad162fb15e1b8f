"""The journal: every byte of it, replay, and what is read out of it."""
