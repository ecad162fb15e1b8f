"""What others send to what the engine listens on, in a drill: its own socket, and its hooks."""
