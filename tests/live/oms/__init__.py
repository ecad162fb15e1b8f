"""Orders on their way, and the order book that says what became of them."""
