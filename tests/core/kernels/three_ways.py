"""Run every kernel linked, jitted and as plain Python on the same random calls: `python -m
tests.core.kernels.three_ways DIR`.

A process of its own, because Numba reads its target when it is imported. Exits with the first
difference.
"""

from __future__ import annotations

import ctypes
import importlib.util
import random
import struct
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from otrade._core.kernels import aot, layout
from tests.core.kernels import kernel_run

SEED = 20_240_613
RUNS, CALLS = 12, 260
SCALAR_CALLS = 4000


def plain_kernels() -> dict[str, Any]:
    """The kernel modules, loaded a second time with decorators that leave a function alone."""
    real = sys.modules["otrade._core.kernels._abi"]
    made: dict[str, Any] = {}
    fake = ModuleType(real.__name__)

    class Kind:
        def __call__(self, *_: Any) -> None: ...

    def kernel(_: Any) -> Any:
        def wrap(fn: Any) -> Any:
            made["otk_" + fn.__name__] = fn
            return fn

        return wrap

    vars(fake).update(
        f8=Kind(),
        i8=Kind(),
        i4=Kind(),
        kernel=kernel,
        helper=lambda fn: fn,
        ptr=lambda _: None,
        rec=lambda p: p.contents,
        IST_NS=real.IST_NS,  # type: ignore[attr-defined]
        DAY_NS=real.DAY_NS,  # type: ignore[attr-defined]
    )
    sys.modules[real.__name__] = fake
    try:
        for name in ("brackets", "filters", "money"):
            path = kernel_run.ROOT / f"otrade/_core/kernels/{name}.py"
            spec = importlib.util.spec_from_file_location(f"plain_{name}", path)
            assert spec and spec.loader
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
    finally:
        sys.modules[real.__name__] = real
    return made


def bits(value: Any) -> bytes:
    return struct.pack("<d", value) if isinstance(value, float) else struct.pack("<q", value)


def fill(rng: random.Random, record: Any) -> None:
    """Parameters of filters; what is not a parameter stays zero."""
    top = rng.choice([3, 20, 256])
    for name, *_ in record._fields_:
        if name.endswith("period"):
            setattr(record, name, rng.randint(0, top))
    if type(record).__name__ == "filter_params_t":
        record.side_mask = rng.randint(0, 3)
        record.rsi_long_min, record.rsi_long_max = rng.uniform(0, 50), rng.uniform(50, 100)
        record.rsi_short_min, record.rsi_short_max = rng.uniform(0, 50), rng.uniform(50, 100)
        record.atr_min_bps, record.atr_max_bps = rng.choice([0.0, 5.0]), rng.choice([0.0, 20.0])
        record.tod_from_ns, record.tod_until_ns = rng.choice(
            [(0, 0), (10 * 3600 * 10**9, 14 * 3600 * 10**9)]
        )


def scalars(rng: random.Random, symbol: str, kinds: list[str]) -> list[Any]:
    """Arguments of a kernel without state, small enough that no product leaves int64."""
    small = {
        "otk_round_tick": (-1, 0, 1),
        "otk_distance_e4": (0, 1, 2, 3),
        "otk_size_qty": (0, 1, 2),
    }.get(symbol, (-1, 1))
    top = 10**6 if symbol == "otk_pnl_e4" else 10**9  # a product of three
    out: list[Any] = []
    for kind in kinds:
        if kind == "int32_t":
            out.append(rng.choice(small))
        elif kind == "double":
            out.append(
                rng.choice(
                    [
                        0.0,
                        -1.0,
                        rng.uniform(0, 50),
                        rng.uniform(0, 1e6),
                        float(rng.randint(0, 1000)),
                    ]
                )
            )
        else:
            out.append(
                rng.choice([0, 1, 500, 75, rng.randint(0, 10**4), rng.randint(-(10**6), top)])
            )
    return out


def compare(symbol: str, ways: list[Any], records: list[list[Any]], values: list[Any]) -> None:
    """One call, three ways: the result's bits and every struct's bytes."""
    seen = []
    for way, mine in zip(ways, records, strict=True):
        result = way(*[ctypes.pointer(r) for r in mine], *values)
        seen.append((bits(result), [bytes(r) for r in mine]))
    if not seen[0] == seen[1] == seen[2]:
        raise SystemExit(
            f"{symbol}{tuple(values)} differs (linked, jitted, plain): {[s[0].hex() for s in seen]}, seed {SEED}; "
            f"structs equal: {[s[1] == seen[0][1] for s in seen]}"
        )


def drive(symbol: str, ways: list[Any], arguments: list[str]) -> int:
    """All random calls of one kernel; how many."""
    rng = random.Random(f"{SEED}{symbol}")
    structs = [a.removesuffix("*").strip() for a in arguments if a.endswith("*")]
    rest = arguments[len(structs) :]
    if not structs:
        for _ in range(SCALAR_CALLS):
            compare(symbol, ways, [[], [], []], scalars(rng, symbol, rest))
        return SCALAR_CALLS
    for _ in range(RUNS):
        first = [layout.ctypes_struct(s)() for s in structs]
        for record in first:
            fill(rng, record)
        records = [[type(r).from_buffer_copy(r) for r in first] for _ in ways]
        px = 10_000_000
        for i in range(CALLS):
            px = max(500, px + 500 * rng.choice([0, rng.randint(-40, 40)]))
            high, low = px + 500 * rng.randint(0, 9), px - 500 * rng.randint(0, 9)
            ts = 1_718_250_300_000_000_000 + i * 180 * 10**9
            given = {
                "ltp_e4": px,
                "close_e4": px,
                "high_e4": high,
                "low_e4": low,
                "ts_recv_ns": ts,
                "ts_open_ns": ts,
                "ts_end_ns": ts + 180 * 10**9,
            }
            for record in (
                r for mine in records for r in mine if type(r).__name__ in ("market_t", "bar_t")
            ):
                for name, value in given.items():
                    if hasattr(record, name):
                        setattr(record, name, value)
            values = [rng.choice((-1, 1)), px, ts] if rest else []
            assert rest in ([], ["int32_t", "int64_t", "int64_t"]), symbol
            compare(symbol, ways, records, values)
    return RUNS * CALLS


def main(folder: str) -> None:
    aot.prepare_environment(aot.target_cpu())
    kernels = aot.load_kernels()
    linked, plain = kernel_run.load(Path(folder)), plain_kernels()
    assert set(kernels) == set(linked) == set(plain), "a kernel is missing one of its three ways"
    assert all(p + ";" in kernel_run.HEADER.read_text() for p in aot.prototypes(kernels)), (
        "otk.h is out of date: rebuild"
    )
    print(f"seed {SEED}")
    for symbol, (result, arguments) in kernel_run.prototypes().items():
        kind = ctypes.CFUNCTYPE(kernel_run.c_type(result), *map(kernel_run.c_type, arguments))
        jitted = kind(kernels[symbol][1].address)
        print(symbol, drive(symbol, [linked[symbol], jitted, plain[symbol]], arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
