"""Commands that become a process of their own."""
