"""Days of trading as results: what a journal tells, replayed and kept in the form of a backtest, so that
it outlives the journal. docs/report.md.
"""
