"""What is measured and shown of the running day: metrics, readiness, staleness, equity, limits.
Reads the day and changes nothing.
"""
