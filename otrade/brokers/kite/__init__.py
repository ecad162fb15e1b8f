"""Zerodha's Kite Connect v3: feed, orders, REST, login. Its spellings stay in this package and in
`_core/codecs/kite`.
"""
