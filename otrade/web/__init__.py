"""The web layer: the application that serves page and API, and its server. Imports `contract`,
`config` and `errors`, nothing of the engine.

Nothing is imported here: the engine imports `otrade.web.server` only once it is ready to trade.
"""
