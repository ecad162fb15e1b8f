"""Instructions and allocations of what must be quick, counted: the same on any load."""
