"""The watchdog: an engine that dies or hangs, and positions that are covered all the same."""
