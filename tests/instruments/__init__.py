"""Instruments: brokers' lists, the table that is kept of them, contracts and dates."""
