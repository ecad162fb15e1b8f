"""Random index arithmetic and loops straight at the last gate: `python -m tests.strategy.fuzz_gate --kernels
N --seed S`. What it lets pass runs on extreme inputs between guard pages; a fault or an endless run
is a hole in its ranges. No check has seen these kernels.
"""

from __future__ import annotations

import argparse
import collections
import ctypes
import os
import random
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from otrade.strategy.build import child
from otrade.strategy.build.gate import GateRefusal
from otrade.strategy.build.linker import link, linker
from tests.strategy.gate_run import GateBench
from tests.strategy.guard_pages import READ_ONLY, READ_WRITE, GuardedRecord

EXTREMES = [
    0,
    1,
    -1,
    7,
    31,
    32,
    33,
    63,
    -31,
    -32,
    -33,
    2**31,
    -(2**31),
    2**32,
    2**62,
    2**63 - 1,
    -(2**63),
]
FLOATS = [0.0, 1.0, -1.0, 1e308, float("nan"), float("inf"), -1e30, 33.5]
CALLS, RUN_S = 200, 30


class _Params(ctypes.Structure):
    _fields_ = [("period", ctypes.c_int64), ("back", ctypes.c_int64)]


class _State(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("r", ctypes.c_double * 32)]


class _Bar(ctypes.Structure):
    _fields_ = [("index", ctypes.c_int64), ("volume", ctypes.c_int64), ("close", ctypes.c_double)]


def number(rng: random.Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.2:
        atoms = "b.index b.volume q.period q.back i j int(b.close) 0 1 2 3 5 15 16 31 32 63 -1 -16"
        return rng.choice(atoms.split())
    a, c = number(rng, depth - 1), number(rng, depth - 1)
    k = rng.choice([0, 1, 3, 7, 8, 15, 16, 31, 31, 31, 32])
    return rng.choice(
        [
            f"({a} + {c})",
            f"({a} - {c})",
            f"({a} * {c})",
            f"({a} & {k})",
            f"({a} & {c})",
            f"({a} | {c})",
            f"({a} ^ {k})",
            f"({a} >> {k % 8})",
            f"({a} << {k % 8})",
            f"({a} % {max(k, 1)})",
            f"({a} // {max(k, 1)})",
            f"({a} // max({c}, 1))",
            f"min({a}, {k})",
            f"max(0, min({a}, {k}))",
            f"abs({a})",
            f"({a} if b.index > {k} else {c})",
        ]
    )


def kernel(seed: int) -> str:
    """Its lines: two loops, one store by an index that is hard to see through."""
    rng = random.Random(seed)
    n = rng.choice([1, 2, 8, 31, 32, 33, 40])
    start, step = rng.choice([(0, 1), (0, 2), (31, -1), (32, -1), (3, 4)])
    index = number(rng, rng.choice([1, 2, 3]))
    index = rng.choice(
        [
            index,
            f"({index}) & 31",
            f"({index}) & 31",
            f"max(0, min({index}, 31))",
            "i",
            "i + j",
            "i - j",
            "31 - i",
            f"(i + {index}) & 31",
        ]
    )
    stops = rng.choice(
        [
            "",
            f"if i >= {number(rng, 1)}:\n        break",
            f"if j + i > {number(rng, 1)}:\n        continue",
        ]
    )
    lines = ["j = 0", f"for i in range({start}, {start + step * n}, {step}):"]
    if stops:
        lines += [f"    {line}" for line in stops.split("\n")]
    rounds = rng.choice(["1", "2", "5", f"max(1, min({number(rng, 1)}, 7))"])
    inner = [
        f"s.r[{index}] += b.close",
        f"if s.r[{rng.randrange(32)}] > 1e300:",
        "    break",
    ]
    return "\n".join(
        [*lines, f"    for j in range({rounds}):", *(f"        {one}" for one in inner)]
    )


def became(bench: GateBench, seed: int, folder: Path) -> str:
    try:
        module, _ = bench.gated(kernel(seed))
    except GateRefusal as refusal:
        return "refused: " + " ".join(str(refusal).split()[:3])
    except Exception as error:
        return f"numba: {type(error).__name__}"
    object_file, library = folder / "k.o", folder / f"k{seed}.so"
    object_file.write_bytes(bench.compiler.machine.emit_object(module))
    link(linker(), object_file, library)
    pid = os.fork()
    if not pid:
        signal.alarm(RUN_S)
        run(library, seed)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return "ran" if not status else f"HOLE: ended with {status}"


def run(library: Path, seed: int) -> None:
    function = ctypes.CDLL(str(library)).k
    rng = random.Random(seed)
    for at_end in (True, False):
        guards: list[Any] = [GuardedRecord(kind, at_end) for kind in (_Params, _State, _Bar)]
        q, _, b = guards
        for _ in range(CALLS):
            for guard in (q, b):
                guard.allow(READ_WRITE)
            q.record.period, q.record.back = rng.choice(EXTREMES), rng.choice(EXTREMES)
            b.record.index, b.record.volume = rng.choice(EXTREMES), rng.choice(EXTREMES)
            b.record.close = rng.choice(FLOATS)
            for guard in (q, b):
                guard.allow(READ_ONLY)
            function(*(ctypes.c_void_p(guard.address) for guard in guards))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kernels", type=int, default=300)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    child.prepare("x86-64-v3")
    bench = GateBench()
    tally: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as name:
        for seed in range(given.seed, given.seed + given.kernels):
            word = became(bench, seed, Path(name))
            tally[word] += 1
            if word.startswith("HOLE"):
                print(f"seed {seed}: {word}\n{kernel(seed)}", flush=True)
    for word, n in tally.most_common():
        print(f"{n:6} {word}")
    return int(any(word.startswith("HOLE") for word in tally))


if __name__ == "__main__":
    sys.exit(main())
