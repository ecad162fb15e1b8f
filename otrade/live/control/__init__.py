"""What changes a running engine from outside: commands, kill switch, preflight, configuration,
signals of the system, rehearsed faults. Imports the day.
"""
