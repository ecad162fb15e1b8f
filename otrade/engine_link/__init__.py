"""The other end of the engine's Unix socket: one call of a command line, and the link of the page's
server. Imports `contract`.
"""
