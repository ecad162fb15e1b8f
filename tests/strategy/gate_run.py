"""The last gate alone, on kernels that no check of the source has seen: `python -m
tests.strategy.gate_run`. A process of its own, because it imports numba. Prints what differs.
"""

from __future__ import annotations

import math
from typing import Any

from otrade.strategy.build import child
from otrade.strategy.build.gate import Gate, GateRefusal

CASES: list[tuple[str, str | None]] = [
    ("s.r[b.index] = 7.0", "a write of state"),
    ("s.r[100000] = 7.0", "a write of state"),
    ("s.r[-b.index] = 7.0", "a write of state"),
    ("s.r[b.index & 63] = 7.0", "a write of state"),
    ("s.r[b.index % 33] = 7.0", "a write of state"),
    ("s.x = s.r[b.index]", "a read of state"),
    ("s.r[int(b.close)] = 7.0", "a write of state"),
    ("s.r[max(0, min(b.index, 32))] = 7.0", "a write of state"),
    ("for i in range(33):\n    s.r[i] = b.close * i", "a write of state"),
    ("for i in range(32):\n    s.r[i + 1] = b.close * i", "a write of state"),
    (
        "for i in range(max(0, min(b.index, 33))):\n    s.r[i] = s.r[i] * 1.5 + b.close",
        "without a counter",
    ),
    ("b.close = 0.0", "a write to bar"),
    ("q.period = 3", "a write to params"),
    ("while b.close > 0.0:\n    s.x += 1.0", "without a counter"),
    ("for i in range(b.index):\n    s.x += s.x * 1.5", "without a counter"),
    ("for i in range(min(b.index, 10000)):\n    s.x += s.x * 1.5", "without a counter"),
    ("i = 0\nwhile i != 7:\n    i += 2\n    s.x += s.x * 1.5", "without a counter"),
    ("i = 0\nwhile i != b.index:\n    i += 1\n    s.x += s.x * 1.5", "without a counter"),
    ("s.x = b.volume // b.index", "a division by a whole number"),
    ("s.x = b.volume % q.period", "a division by a whole number"),
    ("s.x = b.volume // max(q.period, -1)", "a division by a whole number"),
    ("s.x = math.exp(b.close)", "a call of llvm.exp"),
    ("s.x = math.log(b.close)", "a call of llvm.log"),
    ("s.x = math.sin(b.close)", "a call of"),
    ("s.x = b.close ** 2.5", "a call of llvm.pow"),
    ("if b.close > 1.0:\n    raise ValueError", ""),
    ("s.x = np.zeros(3)[0]", ""),
    ("print(b.close)", ""),
    (
        "for i in range(200):\n    for j in range(200):\n        s.x = s.x * 1.5 + s.r[(i + j) & 31]",
        "instructions in the worst case",
    ),
    ("s.r[b.index & 31] = 7.0", None),
    ("s.r[max(0, min(b.index, 31))] = 7.0", None),
    ("s.r[int(b.close) & 31] = 7.0", None),
    ("for i in range(32):\n    s.x = s.x * 1.5 + s.r[i]", None),
    ("for i in range(31, -1, -1):\n    s.x = s.x * 1.5 + s.r[i]", None),
    (
        "for i in range(32):\n    for j in range(3):\n        s.x = s.x * 1.5 + s.r[(i + j) & 31]",
        None,
    ),
    ("for i in range(32):\n    if s.r[i] > b.close:\n        break\n    s.x = s.x * 1.5", None),
    (
        "for i in range(32):\n    if i >= b.index:\n        break\n    s.x = s.x * 1.5 + s.r[i]",
        None,
    ),
    (
        "for i in range(max(0, min(b.index, 32))):\n    s.x = s.x * 1.5 + s.r[i]",
        "without a counter",
    ),
    ("s.x = b.volume // 7", None),
    ("s.x = b.volume % max(q.period, 1)", None),
    ("s.x = 1.0 / b.volume", None),
]


class GateBench:
    """A compiler and three records: params, state (a number and a ring of 32), bar."""

    def __init__(self) -> None:
        import numpy as np

        self.compiler = child.Compiler("x86-64-v3")
        numba = child.imported("numba")
        self.dtypes = {
            "params": np.dtype([("period", "i8"), ("back", "i8")]),
            "state": np.dtype([("x", "f8"), ("r", "f8", (32,))]),
            "bar": np.dtype([("index", "i8"), ("volume", "i8"), ("close", "f8")]),
        }
        kinds = [numba.types.CPointer(numba.from_dtype(made)) for made in self.dtypes.values()]
        self.signature = numba.types.int64(*kinds)
        self.space: dict[str, Any] = {"rec": self.compiler.space["_rec"], "math": math, "np": np}

    def gated(self, lines: str) -> tuple[Any, dict[str, int]]:
        """The optimised module of these lines and what the gate measured. GateRefusal, or numba's."""
        space = dict(self.space)
        body = "".join(f"    {line}\n" for line in lines.split("\n"))
        exec(f"def k(a, c, d):\n    q, s, b = rec(a), rec(c), rec(d)\n{body}    return 0\n", space)
        numba = child.imported("numba")
        kernel = numba.cfunc(self.signature, nopython=True, error_model="numpy")(space["k"])
        module = self.compiler.optimised(kernel, "k")
        arguments = [(name, made.itemsize, name == "state") for name, made in self.dtypes.items()]
        return module, Gate(module, "k", arguments).run()


def main() -> None:
    child.prepare("x86-64-v3")
    bench = GateBench()
    for lines, want in CASES:
        try:
            bench.gated(lines)
            got: str | None = None
        except GateRefusal as refusal:
            got = str(refusal)
        except Exception as error:  # numba's own refusal
            got = f"numba: {type(error).__name__}"
        if (got is None) != (want is None) or (want or "") not in (got or ""):
            print(f"{lines!r}: {got}, and not {want}")
    print(f"{len(CASES)} kernels")


if __name__ == "__main__":
    main()
