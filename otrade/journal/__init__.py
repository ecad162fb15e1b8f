"""The journal: what an engine was told and what it decided, day by day, and the tools that read it
(docs/journal.md). Imports the core alone.
"""
