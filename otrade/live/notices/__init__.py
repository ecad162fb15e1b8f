"""What a person is told: the board, the words of each notice, the log. Imports the core and
`config`.
"""
