"""Before the day: logins, tokens, symbols, the second feed."""
