"""A trading day from its opening to its end."""
