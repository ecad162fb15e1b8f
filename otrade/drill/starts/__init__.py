"""What an engine of the drill does before its day, beside the broker's session: its indicators go on
from the sessions before. And what must come of it.
"""
