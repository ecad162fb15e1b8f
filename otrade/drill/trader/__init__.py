"""The independent trader: from what the simulator sent and what the driver did it works out what a
trader must have done, with a pencil. It shares no code with the core or with `live`, and asks the
engine nothing.
"""
