"""Servers on loopback in virtual time, and how they wait for the client's reaction. Imports `base`."""
