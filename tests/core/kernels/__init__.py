"""Kernels: against other libraries, against exact numbers, and the gate of the build."""
