"""Systematic mutation: every small change of the sources that decide orders, one at a time, and
whether a test or the drill notices. `python -m tests.mutation` (`make mutants`).
"""
