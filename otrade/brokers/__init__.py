"""Brokers: each speaks its own protocol in its own package, and this one holds what they share.
`registry` has a row for each; `adapter` and `session` are what the rest of the product asks of any
of them. May import codecs and types of `_core`, `instruments`, `clock` and `errors`.
"""
