"""The page's server process (`otrade serve`): the web layer, its link to the engine, and what it reads
from the disk. It holds people's sessions and no broker's token; it imports no broker and no core.
"""
