"""What the engine answers when it is asked."""
