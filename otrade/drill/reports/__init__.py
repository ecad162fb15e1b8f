"""Results of a drill in files, so that many machines make one sheet. Imports nothing of the drill:
what a session's result is, its user says.
"""
