"""The server for what brokers post to us, on a port of its own."""
