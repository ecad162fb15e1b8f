"""Compile the kernels to one relocatable object: `python -m otrade._core.kernels.aot [OUTDIR]`.
Build time only.

Writes `otk_kernels.o` to OUTDIR, and `otk.h` and `otk.pxd` into `_core`, so that a changed
signature is a compile error in every room that calls the kernel; and `build_id.h`, a hash of the
core's sources. Public API of numba and llvmlite, but for `_nrt=False`.

The gate: a kernel that could raise, allocate, call the interpreter, bake an address of this process
into its code, fuse a multiplication with an addition, or call a libm function whose last bit
differs between machines does not leave this file.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parents[1]
STRATEGY = HERE.parent / "strategy"
"""The kinds that are built in, and what they are made by."""
DERIVED = {"types.h", "types.pxd", "notes.pxd", "otk.h", "otk.pxd", "build_id.h", "builtin.h"}
BASELINE = {"x86_64": "x86-64-v3", "aarch64": "generic", "arm64": "generic"}
# sqrt, floor and ceil are exact by IEEE 754 and may become calls on an old processor; mem* move
# bytes.
ALLOWED = {"floor", "ceil", "sqrt", "fabs", "memset", "memcpy", "memmove"}
C_TYPES = {"float64": "double", "int64": "int64_t", "int32": "int32_t", "none": "void"}


class UnsafeKernel(SystemExit):
    """A kernel that must not be linked; the message names it and what is wrong with it."""


def target_cpu() -> str:
    """The processor level to compile for: OTRADE_CPU, else a level that machines of the last ten
    years have.
    """
    return os.environ.get("OTRADE_CPU") or BASELINE.get(platform.machine(), "generic")


def prepare_environment(cpu: str) -> None:
    """Numba reads these when it is imported, and its IR is tuned to the build machine unless told
    otherwise.
    """
    if "numba" in sys.modules:
        raise RuntimeError(
            "set the target before numba is imported: run the compiler in a process of its own"
        )
    os.environ.update(
        NUMBA_CPU_NAME=cpu,
        NUMBA_CPU_FEATURES="",
        NUMBA_DISABLE_INTEL_SVML="1",
        NUMBA_OPT="3",
        NUMBA_DEBUGINFO="0",
        NUMBA_BOUNDSCHECK="0",
        NUMBA_DISABLE_JIT="0",
    )


def load_kernels() -> dict[str, tuple[Any, Any]]:
    """Import every kernel module; {symbol: (signature, cfunc)}."""
    from otrade._core.kernels import _abi, brackets, filters, money

    assert all(isinstance(m, ModuleType) for m in (brackets, filters, money))
    return _abi.KERNELS


def check(symbol: str, module: Any) -> None:
    """The gate, for one optimised kernel."""
    text = str(module)
    undefined = {
        f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")
    }
    undefined |= {g.name for g in module.global_variables if g.is_declaration}
    faults = sorted(undefined - ALLOWED)
    # A cfunc called by a cfunc, or a large array, becomes an address of the build process: it
    # links, and crashes.
    faults += sorted(set(re.findall(r"inttoptr \(i64 \d+|numba\.dynamic\.globals", text)))
    faults += sorted(set(re.findall(r"@llvm\.(?:fma|fmuladd|exp|log|pow)[\w.]*", text)))
    faults += sorted(
        set(re.findall(r"\bf(?:add|sub|mul|div|rem) (?:\w+ )*?(?:fast|contract|reassoc)\b", text))
    )
    if faults:
        raise UnsafeKernel(
            f"kernel {symbol} is not safe to link: {', '.join(faults)}. See the rules in otrade/_core/kernels"
        )


def optimise(symbol: str, cf: Any, machine: Any, llvm: Any) -> Any:
    """One kernel as an optimised LLVM module with a single external function."""
    # numba marks wrapper -> native `noinline`; without it O3 folds both, and the dead exception
    # path disappears.
    ir = re.sub(r"(attributes #\d+ = \{[^}]*?)\bnoinline\b", r"\1nounwind", cf.inspect_llvm())
    module = llvm.parse_assembly(ir)
    module.get_function(cf.native_name).name = symbol
    for item in [*module.functions, *module.global_variables]:
        if not item.is_declaration and item.name != symbol:
            item.linkage = "internal"
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    builder.getModulePassManager().run(module, builder)
    module.verify()
    check(symbol, module)
    return module


def compile_object(kernels: dict[str, tuple[Any, Any]], cpu: str) -> bytes:
    """All kernels in one object file, each symbol hidden: no other library can bind to it."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    triple = llvm.get_process_triple()
    machine = llvm.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features="", opt=3, reloc="pic", codemodel="default"
    )
    whole = llvm.parse_assembly(f'target triple = "{triple}"\n')
    whole.name = "otk_kernels"
    whole.data_layout = str(machine.target_data)
    for symbol, (_, cf) in sorted(kernels.items()):
        whole.link_in(optimise(symbol, cf, machine, llvm))
    for f in whole.functions:
        if f.name in kernels:
            f.visibility = "hidden"
    whole.verify()
    return bytes(machine.emit_object(whole))


def _c_type(t: Any) -> str:
    from numba import types

    from otrade._core.kernels import _abi

    return f"{_abi.struct_of(t)} *" if isinstance(t, types.CPointer) else C_TYPES[str(t)]


def prototypes(kernels: dict[str, tuple[Any, Any]]) -> list[str]:
    return [
        f"{_c_type(sig.return_type)} {symbol}({', '.join(_c_type(a) for a in sig.args)})"
        for symbol, (sig, _) in sorted(kernels.items())
    ]


def core_id() -> str:
    """A hash of all sources of the core and of the kinds built into it, derived files left out: twelve
    hexadecimal digits.
    """
    import hashlib

    digest = hashlib.sha256()
    for path in sorted([*HERE.rglob("*"), *STRATEGY.rglob("*")]):
        if path.suffix in (".py", ".pyx", ".pxd", ".h") and path.name not in DERIVED:
            digest.update(f"{path.relative_to(HERE.parent)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def write_if_changed(path: Path, data: bytes) -> None:
    """Leave an unchanged file's time alone, so that nothing is rebuilt for it."""
    if not path.exists() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def main(outdir: str = "build/kernels") -> None:
    """Compile, check, write."""
    cpu = target_cpu()
    prepare_environment(cpu)
    from otrade._core.kernels import layout

    layout.main()
    kernels = load_kernels()
    write_if_changed(Path(outdir, "otk_kernels.o"), compile_object(kernels, cpu))
    protos = prototypes(kernels)
    head = [
        "/* generated by otrade/_core/kernels/aot.py: do not edit */",
        "#pragma once",
        '#include "otrade/_core/types.h"',
        f'#define OTK_CPU "{cpu}"',
        f'#define OTK_LEVEL "{cpu if cpu != "x86-64" else "sse2"}"',
    ]
    header = (
        "\n".join([*head, *(f'extern __attribute__((visibility("hidden"))) {p};' for p in protos)])
        + "\n"
    )
    names = ", ".join(layout.STRUCTS)
    pxd = (
        "\n".join(
            [
                "# generated by otrade/_core/kernels/aot.py: do not edit",
                "from libc.stdint cimport int32_t, int64_t",
                "",
                f"from otrade._core.types cimport {names}",
                "",
                'cdef extern from "otrade/_core/otk.h" nogil:',
                *(f"    {p}" for p in protos),
            ]
        )
        + "\n"
    )
    write_if_changed(HERE / "otk.h", header.encode())
    write_if_changed(HERE / "otk.pxd", pxd.encode())
    build_id = f'/* generated by otrade/_core/kernels/aot.py: do not edit */\n#pragma once\n#define OTRADE_CORE "{core_id()}"\n'
    write_if_changed(HERE / "build_id.h", build_id.encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
