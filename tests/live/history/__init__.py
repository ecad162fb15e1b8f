"""What a day remembers: latencies, charges."""
