"""A strategy file read by its syntax tree, never by running it: names, kinds, ranges, and what to
write instead at the user's own line and column. Imports the words and the indicators; no compiler.
"""
