"""The process that protects open positions when the engine is dead or hung, and the heartbeat by which
it knows. Imports brokers and alerts; of the running day nothing but the types of what is written.
"""
