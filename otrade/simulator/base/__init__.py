"""What every part of the simulator stands on: virtual time, settings, instruments, trading hours.
Imports nothing of ours.
"""
