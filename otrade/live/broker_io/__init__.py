"""Broker traffic outside the order path: web hooks, and accounts as the broker reports them. Imports
`brokers`, `notices` and `startup`'s login.
"""
