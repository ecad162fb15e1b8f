"""The web layer: the JSON contract (`schema`), the engine as the page sees it (`source`), the
application and its server.

Nothing is imported here: the engine imports `otrade.web.server` only once it is ready to trade.
"""
