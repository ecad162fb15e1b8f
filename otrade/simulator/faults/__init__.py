"""Everything that can go wrong on purpose: `injector` is the way in. Imports `base`."""
