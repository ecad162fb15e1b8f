"""Configuration becomes an engine: specs in the core's units, and what its ids are called. Imports
the core, `config` and `instruments`.
"""
