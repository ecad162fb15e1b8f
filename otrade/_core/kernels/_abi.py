"""What turns a plain function into a kernel: the decorators, and `rec`, which sees the struct
behind a pointer.

The same source runs three ways: compiled ahead of time (the product), jitted (research, tests) and
as plain Python on ctypes structs (tests). CPointer(Record)[0] does not lower in Numba 0.68 and
carray() needs Numba's runtime, so `rec` is an intrinsic on the documented extending API.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import cfunc, njit, types
from numba.extending import intrinsic, overload

from otrade._core.kernels import layout

IST_NS = 19_800_000_000_000  # +05:30
DAY_NS = 86_400_000_000_000
f8, i8, i4 = types.float64, types.int64, types.int32
KERNELS: dict[str, tuple[Any, Any]] = {}
OPTIONS = {"error_model": "numpy", "fastmath": False, "_nrt": False}
_pointers: dict[str, Any] = {}


def ptr(struct: str) -> Any:
    """Numba type of a pointer to one of the shared structs."""
    if struct not in _pointers:
        import numba

        _pointers[struct] = types.CPointer(numba.from_dtype(layout.dtype(struct)))
    return _pointers[struct]


def struct_of(pointer: Any) -> str:
    """Name of the struct that a pointer type of `ptr` points to."""
    return next(name for name, made in _pointers.items() if made == pointer)


def kernel(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Make a function a kernel: symbol `otk_<name>`, compiled for this signature."""

    def wrap(fn: Callable[..., Any]) -> Any:
        made = cfunc(signature, nopython=True, **OPTIONS)(fn)
        KERNELS["otk_" + fn.__name__] = (signature, made)
        return made

    return wrap


def helper(fn: Callable[..., Any]) -> Any:
    """A function that kernels inline; it has no symbol of its own."""
    return njit(forceinline=True, **OPTIONS)(fn)


def rec(p):
    """The struct behind a pointer."""
    return p[0]


@intrinsic
def _as_record(typingctx, p):
    if isinstance(p, types.CPointer) and isinstance(p.dtype, types.Record):

        def codegen(context, builder, sig, args):
            return builder.bitcast(args[0], context.get_value_type(sig.return_type))

        return p.dtype(p), codegen
    return None


@overload(rec)
def _rec(p):
    if isinstance(p, types.CPointer) and isinstance(p.dtype, types.Record):
        return lambda p: _as_record(p)
    return None
