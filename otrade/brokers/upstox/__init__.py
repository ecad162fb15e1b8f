"""Upstox's API v2/v3: feeds, orders, REST, login. Its spellings stay in this package and in
`_core/codecs/upstox`.
"""
