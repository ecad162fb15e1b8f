"""Who somebody is and what they may do: users, sessions, tokens, throttles, audit. Imports `http`
for problems and routes.
"""
