"""What has happened today, in bounded memory: bars, signals, trades, orders, latency. Imports the
core and `plan`.
"""
