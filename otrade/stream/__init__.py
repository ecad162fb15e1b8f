"""A snapshot and then what changes, for many readers: what the engine tells the page's server, and
that its pages. Imports `contract`.
"""
