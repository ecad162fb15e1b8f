"""What tests of several rooms stand on: waiting, simulated days, servers that say what a test
tells them, people who take alerts. What one room alone needs lies beside its tests.
"""
