"""Ticks, bars, books and signals, against accounts kept in Python."""
