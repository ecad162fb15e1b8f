"""The exchange without a network: matching, refusals, the evening."""
