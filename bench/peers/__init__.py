"""Tick to order, OTrade beside its peers and beside C, as seen by an exchange outside all of them."""
