"""Commands about a running engine: asked or told over its socket, or its page's server over HTTP, or
watched from outside.
"""
