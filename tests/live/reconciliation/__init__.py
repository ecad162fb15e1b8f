"""What an engine that starts again finds, and takes care of."""
