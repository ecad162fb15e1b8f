"""Web hooks, and questions to the broker beside the trading."""
