"""Order management: commands to the broker, answers to the core, the order book and fill prices
polled. Imports `history` and `persistence`.
"""
