"""For how long, at a moment, a thing may take; and how that compares with what was seen. Knows of
troubles only what it is given.
"""
