"""What goes wrong on demand, and what a client is told of it."""
