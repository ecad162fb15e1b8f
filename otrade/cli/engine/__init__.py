"""Commands about a running engine: asked or told over its own API, by the client that they share, or
watched from outside.
"""
