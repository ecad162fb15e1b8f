"""The pipeline over all rooms of the core, its set-up, its views and its record. May import the
whole core, and nothing outside of it but `errors`.
"""
