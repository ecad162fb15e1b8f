"""The orchestrator: it joins broker, core, journal and page to a trading day. Imports everything but
`web`; the runner alone starts the page's server.
"""
