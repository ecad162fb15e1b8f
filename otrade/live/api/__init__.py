"""The engine as the page sees it: `contract.EngineSource`, made of the day. May import every room
of `live` but the runner.
"""
