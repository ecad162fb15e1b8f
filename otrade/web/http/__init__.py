"""HTTP itself: the table of routes, requests, problems, limits, the static page. Imports `contract`
and `config`.
"""
