"""All arithmetic of the core that is worth a formula: signals, bracket prices, money.

Plain Python functions, compiled by Numba to one object file when OTrade is built
(`otrade/_core/kernels/aot.py`) and linked into the extensions. Never imported by a running engine.
Rules of a kernel: no allocation, no exception, no call of another kernel (helpers are inlined), no
exp/log/pow (libm differs between machines), every denominator guarded.
"""
