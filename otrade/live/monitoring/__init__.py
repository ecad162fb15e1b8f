"""What is measured and shown of the running day: metrics, readiness, staleness, equity, limits.
Imports the day and changes nothing in it.
"""
