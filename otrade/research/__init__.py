"""What is done with prices and results of the past, beside trading: files that no engine needs."""
