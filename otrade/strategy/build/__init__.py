"""From a checked file to a library that the core can call: in a process of its own the tree is rewritten
to kernels on records, compiled, and passed through a gate that trusts nothing before it; then linked
and kept by hash. Only `child` imports a compiler.
"""
