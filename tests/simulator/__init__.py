"""The simulated exchange and both brokers in front of it, by clients that share no code with the engine."""
