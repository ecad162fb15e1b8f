"""What engine and page say to each other: views, queries, the source that answers them, and their
TypeScript. Imports nothing of `live` or `web`.
"""
