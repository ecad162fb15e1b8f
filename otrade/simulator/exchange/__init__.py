"""The exchange and the broker's order system over one account, whichever broker's API is spoken to
it. Imports `base`, `prices` and `faults`.
"""
