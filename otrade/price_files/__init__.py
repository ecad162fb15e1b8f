"""Files of bars as brokers, charts and vendors export them, read exactly or refused by line: used by
paper days, by warm starts and by `otrade data`. Imports nothing of OTrade.
"""
