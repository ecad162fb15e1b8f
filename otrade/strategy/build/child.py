"""The compiler's own process: `python -P -m otrade.strategy.build.child DIR`. The only module of
the room that imports numba and llvmlite.

Reads jobs from the standard input, a line of JSON each: path, source (as text), cpu, the name of the
object file in DIR, and how many seconds of processor time it may take. Answers a line each: what the
gate has measured, or the faults. A job that takes more processor time or memory than a file of honest
size needs ends the process.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import re
import resource
import sys
import types as python_types
from pathlib import Path
from typing import Any

from otrade._core.kernels import strategy_abi as abi
from otrade.errors import StrategyError
from otrade.strategy.build.gate import Gate, GateRefusal
from otrade.strategy.build.rewrite import Rewrite, helper_name
from otrade.strategy.check.file import read_source
from otrade.strategy.check.spec import Spec
from otrade.strategy.indicators.registry import HELPERS, INNER
from otrade.strategy.words.cell import RecordField
from otrade.strategy.words.decision import decide

MEMORY_BYTES = 4 << 30
RECURSION = 20_000
OPTIONS = {"error_model": "numpy", "fastmath": False, "_nrt": False}
FLOAT_TO_INT = "llvm.fptosi.sat.i64.f64"


def imported(name: str) -> Any:
    """A compiler's module, which has no types that hold here."""
    return importlib.import_module(name)


def prepare(cpu: str) -> None:
    """Numba reads these when it is imported. Its own optimiser stays off: it would use undefined
    behaviour of the text before we have taken that out.
    """
    os.environ.update(
        NUMBA_CPU_NAME=cpu,
        NUMBA_CPU_FEATURES="",
        NUMBA_DISABLE_INTEL_SVML="1",
        NUMBA_OPT="0",
        NUMBA_DEBUGINFO="0",
        NUMBA_BOUNDSCHECK="0",
        NUMBA_DISABLE_JIT="0",
    )
    sys.setrecursionlimit(RECURSION)


def bound(cpu_s: int) -> None:
    """Of one job: so much processor time from now on, and memory; less where less is allowed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    at_most = {
        resource.RLIMIT_CPU: int(used.ru_utime + used.ru_stime) + cpu_s,
        resource.RLIMIT_AS: MEMORY_BYTES,
    }
    for what, most in at_most.items():
        hard = resource.getrlimit(what)[1]
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (soft, hard))


def _dtype(rows: list[RecordField]) -> Any:
    import numpy as np

    made: list[Any] = []
    for row in rows:
        kind = row.kind if isinstance(row.kind, str) else _dtype(row.kind.rows())
        made.append((row.name, kind, (row.n,)) if row.n else (row.name, kind))
    return np.dtype(made, align=True)


def _record(spec: Spec, name: str) -> Any:
    import numpy as np

    if name == "params":
        return _dtype(spec.params_rows)
    if name == "state":
        return _dtype(spec.state_rows)
    if name == "bars":
        return np.dtype([(f"bar_{at}", abi.dtype("bar")) for at in range(abi.BARS_MAX)])
    return abi.dtype(name)


def _least(a, b):  # type: ignore[no-untyped-def]
    return b if b < a else a


def _most(a, b):  # type: ignore[no-untyped-def]
    return b if b > a else a


class Compiler:
    """One a process, so that helpers are typed once."""

    def __init__(self, cpu: str) -> None:
        numba = imported("numba")
        extending = imported("numba.extending")
        llvm = imported("llvmlite.binding")
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self.llvm = llvm
        self.machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
            cpu=cpu, features="", opt=3, reloc="pic", codemodel="default"
        )

        def rec(p):  # type: ignore[no-untyped-def]
            return p[0]

        @extending.intrinsic
        def as_record(typingctx, p):  # type: ignore[no-untyped-def]
            def cast(context, builder, sig, args):  # type: ignore[no-untyped-def]
                return builder.bitcast(args[0], context.get_value_type(sig.return_type))

            return p.dtype(p), cast

        @extending.overload(rec)
        def overloaded(p):  # type: ignore[no-untyped-def]
            return (lambda p: as_record(p)) if isinstance(p, numba.types.CPointer) else None

        self._inline = numba.njit(forceinline=True, **OPTIONS)
        inner: dict[str, Any] = {"math": math}
        for name, function in INNER.items():  # each sees the compiled ones by their own names
            seen = python_types.FunctionType(function.__code__, inner, name)
            inner[name] = self._inline(seen)
        self.space: dict[str, Any] = {
            "_rec": rec,
            "_decide": self._inline(decide),
            "_min": self._inline(_least),
            "_max": self._inline(_most),
            **{helper_name(name): inner[name] for name in HELPERS},
        }

    def compile(self, spec: Spec) -> tuple[bytes, dict[str, Any]]:
        """The object file, and what the gate has measured of each hook."""
        whole, report = self.module(spec)
        return self.emitted(whole), report

    def emitted(self, module: Any) -> bytes:
        """A module as an object file."""
        module.verify()
        return bytes(self.machine.emit_object(module))

    def empty(self) -> Any:
        """A module that others are linked into."""
        made = self.llvm.parse_assembly(f'target triple = "{self.llvm.get_process_triple()}"\n')
        made.data_layout = str(self.machine.target_data)
        return made

    def module(self, spec: Spec, prefix: str = "") -> tuple[Any, dict[str, Any]]:
        """All hooks as symbols, `prefix` before each, and what the gate has measured of them."""
        numba = imported("numba")
        whole = self.empty()
        report: dict[str, Any] = {}
        for hook, node in spec.hooks.items():
            records = abi.ENTRY_POINTS[hook]
            dtypes = {name: _record(spec, name) for name in records}
            space = dict(self.space)
            exec(compile(Rewrite(spec).function(node), spec.path, "exec"), space)
            space["_body"] = self._inline(space[hook])
            exec(_entry(records), space)
            kinds = [numba.types.CPointer(numba.from_dtype(made)) for made in dtypes.values()]
            kernel = numba.cfunc(numba.types.int64(*kinds), nopython=True, **OPTIONS)(
                space["_entry"]
            )
            arguments = [(n, made.itemsize, n in abi.WRITTEN) for n, made in dtypes.items()]
            module = self.optimised(kernel, prefix + hook)
            try:
                report[hook] = Gate(module, prefix + hook, arguments).run()
            except GateRefusal as refusal:
                raise StrategyError(
                    f"{spec.path}:{node.lineno}:{node.col_offset + 1}: {hook} is refused by the last gate: {refusal}"
                ) from None
            whole.link_in(module)
        return whole, report

    def optimised(self, kernel: Any, symbol: str) -> Any:
        """The kernel as one function, which is emitted as it is."""
        module = self.llvm.parse_assembly(defined(kernel.inspect_llvm()))
        module.get_function(kernel.native_name).name = symbol
        for function in module.functions:
            if not function.is_declaration and function.name != symbol:
                function.linkage = "internal"
                function.add_function_attribute("alwaysinline")
        for item in module.global_variables:
            if not item.is_declaration:
                item.linkage = "internal"
        # No vectors and no unrolled loops: little gains from them, and the gate reads what a person could.
        tuning = self.llvm.create_pipeline_tuning_options(speed_level=3)
        tuning.loop_vectorization = tuning.slp_vectorization = False
        tuning.loop_unrolling = tuning.loop_interleaving = False
        builder = self.llvm.create_pass_builder(self.machine, tuning)
        builder.getModulePassManager().run(module, builder)
        module.verify()
        return module


def _entry(records: tuple[str, ...]) -> str:
    """The symbol of the library: pointers to records, the action as the answer."""
    lines = [f"    r_{name} = _rec({name})" for name in records]
    given = ", ".join(f"r_{name}" for name in records)
    end = [f"    _body({given})", "    return r_decision.action"]
    return "\n".join([f"def _entry({', '.join(records)}):", *lines, *end])


def defined(ir: str) -> str:
    """Numba's text with defined behaviour where it has none: whole numbers wrap, a float outside their
    range saturates (NaN: 0). The square root is the processor's, which is exact, and no symbol.
    """
    ir = re.sub(r"(attributes #\d+ = \{[^}]*?)\bnoinline\b", r"\1nounwind", ir)
    ir = re.sub(r"\b(add|sub|mul|shl)(?: nuw| nsw)+ ", r"\1 ", ir)
    ir, n = re.subn(r"= fptosi double (\S+) to i64", rf"= call i64 @{FLOAT_TO_INT}(double \1)", ir)
    if n:
        ir += f"\ndeclare i64 @{FLOAT_TO_INT}(double)\n"
    return re.sub(r"(declare double |call double )@sqrt\(", r"\1@llvm.sqrt.f64(", ir)


def answer(compiler: Compiler, job: dict[str, str], out: Path) -> dict[str, Any]:
    """Of one job."""
    path = job["path"]
    bound(int(job["cpu_s"]))
    try:
        spec = read_source(path, job["source"].encode())
        data, report = compiler.compile(spec)
    except StrategyError as error:
        return {"faults": str(error)}
    except MemoryError:
        return {
            "faults": f"{path}:1:1: the compiler ran out of memory; write a shorter file instead"
        }
    except (
        Exception
    ) as error:  # numba's: the check should have known. Its last line in the user's file
        at = re.findall(re.escape(path) + r'"?[,:] (?:line )?(\d+)', str(error)) or ["1"]
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        return {"faults": f"{path}:{at[-1]}:1: the compiler refuses this ({first})"}
    (out / job["object"]).write_bytes(data)
    return {"hooks": report}


def main(out: str) -> None:
    """Until the standard input ends."""
    compiler: Compiler | None = None
    for line in sys.stdin:
        job = json.loads(line)
        if compiler is None:
            prepare(job["cpu"])
            compiler = Compiler(job["cpu"])
        print(json.dumps(answer(compiler, job, Path(out))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
