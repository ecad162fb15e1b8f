"""The engine that trades, room by room, mostly a whole simulated day (`tests.harness.simulated_day`)."""
