"""Commands that ask or tell a running engine over its own API, and the client that they share."""
