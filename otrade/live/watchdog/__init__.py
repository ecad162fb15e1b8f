"""The process that protects open positions when the engine is dead or hung. Imports brokers;
nothing of the running day.
"""
