"""What the process asks of its machine: a core, its memory, its loop, its lock, other processes.
Imports `notices`.
"""
