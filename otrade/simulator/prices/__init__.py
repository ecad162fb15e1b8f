"""Where prices come from: a seeded session, or files of bars. Imports `base`."""
