"""The process that listens to what brokers post. It holds the secrets with which postbacks are
proved and no more: no access token, no account. Imports the guard, the contract and a broker's
check; nothing of the engine.
"""
