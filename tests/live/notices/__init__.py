"""Notices: the board, the log, and secrets that appear in neither."""
