"""How any broker is reached: verified endpoints, one-request HTTP connections, the pool that sends
orders exactly once, and a supervised feed socket. No broker's spelling is known here.
"""
