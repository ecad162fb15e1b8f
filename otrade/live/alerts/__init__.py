"""Alerts to people: which notices, how loud, how often, and the process that sends them. Imports
`notices` and `config`.
"""
