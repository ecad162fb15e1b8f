"""`Engine` for Python, `FeedSink` for a feed, and what both are made of: the pipeline over all rooms of
the core, set-up, views and recorder; a journal's replay; the warm-up. May import the whole core, and
nothing outside of it but `errors`.
"""
