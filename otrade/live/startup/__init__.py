"""From a configuration to a day that can be opened: login, instruments, plan, session. Imports
`day` and what it is made of.
"""
