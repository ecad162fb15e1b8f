"""Brokers: each speaks its own protocol in its own package, and `base.py` holds the words that they
share.
"""
