"""The kernels of the product, callable from a test: a shared object made of the built object file
and a generated shim.

The object's symbols are hidden, so each kernel gets an exported wrapper. Nothing here imports
Numba.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path
from typing import Any

from otrade._core.kernels import layout

ROOT = Path(__file__).parents[3]
OBJECT = ROOT / "build/kernels/otk_kernels.o"
HEADER = ROOT / "otrade/_core/otk.h"
SCALARS: dict[str, Any] = {
    "double": ctypes.c_double,
    "int64_t": ctypes.c_int64,
    "int32_t": ctypes.c_int32,
}


def c_type(word: str) -> Any:
    """ctypes type of a C type as the prototypes spell it."""
    return SCALARS.get(word) or ctypes.POINTER(layout.ctypes_struct(word.removesuffix("*").strip()))


def prototypes() -> dict[str, tuple[str, list[str]]]:
    """{symbol: (result, arguments)} as the built header declares them."""
    found = re.findall(r"\)\)\) (\w+) (otk_\w+)\((.*)\);", HEADER.read_text())
    return {name: (result, arguments.split(", ")) for result, name, arguments in found}


def load(folder: Path) -> dict[str, Any]:
    """{symbol: ctypes function} of the object file that the extensions are linked with."""
    assert OBJECT.exists(), f"{OBJECT} is missing: run `python setup.py build_ext --inplace` first"
    lines = ['#include "otrade/_core/otk.h"']
    for name, (result, arguments) in prototypes().items():
        declared = ", ".join(f"{kind} a{i}" for i, kind in enumerate(arguments))
        passed = ", ".join(f"a{i}" for i in range(len(arguments)))
        lines.append(f"{result} test_{name}({declared}) {{ return {name}({passed}); }}")
    shim, library = folder / "shim.c", folder / "kernels.so"
    shim.write_text("\n".join(lines) + "\n")
    subprocess.run(
        [
            "gcc",
            "-shared",
            "-fPIC",
            "-O2",
            f"-I{ROOT}",
            str(shim),
            str(OBJECT),
            "-lm",
            "-o",
            str(library),
        ],
        check=True,
    )
    loaded = ctypes.CDLL(str(library))
    out = {}
    for name, (result, arguments) in prototypes().items():
        function = getattr(loaded, f"test_{name}")
        function.restype, function.argtypes = c_type(result), [c_type(a) for a in arguments]
        out[name] = function
    return out
