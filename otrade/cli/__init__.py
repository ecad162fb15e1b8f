"""The `otrade` command: `main` is the table of commands. May import every room below it."""
