"""Good strategy files, mutated: `python -m tests.strategy.fuzz --seconds N --seed S` (`make fuzz-strategies`).

What the check lets pass is compiled; what the last gate lets pass runs beside the same file as plain
Python, each record between pages that may not be touched, all but state and decision read-only. A hole is
a crash, an endless run, a difference in a bit, plain Python that raises, a check that raises, or a compiler
that refuses what the check has passed. Each is printed with its seed and kept in `build/fuzz-strategies`.
"""

from __future__ import annotations

import argparse
import ast
import collections
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from otrade import strategy
from otrade._core.cpu_check import CPU
from otrade._core.kernels import strategy_abi as abi
from otrade.errors import StrategyError
from otrade.strategy.build.builder import CPU_S
from otrade.strategy.build.library import BuildManifest, Library
from otrade.strategy.build.linker import link, linker
from otrade.strategy.check.file import read_source
from otrade.strategy.check.spec import Spec
from otrade.strategy.words.records import RECORDS, readable
from tests.strategy.lockstep import Both, events, plain_class, run

ROOT = Path(__file__).parents[2]
HOLES = ROOT / "build" / "fuzz-strategies"
EVENTS, RUN_S = 400, 60
EXTREMES = (
    "0 1 -1 2 3 20 31 64 1099511627776 0.0 -0.0 0.5 1e308 -1e308 5e-324 -7.5 True False "
    "(1e308*10.0) (1e308*10.0-1e308*10.0) (0.0*-1.0)"
).split()
SHAPES = (
    "({a} + {b})|({a} - {b})|({a} * {b})|({a} / {b})|({a} // 7)|({a} % 5)|({a} / max({b}, 0.25))|(-{a})|abs({a})|float({a})|"
    "min({a}, {b})|max({a}, {b}, 1.0)|ratio({a}, {b}, 0.0)|root({a})|whole({a}, -5, 5)|({a} if {b} > 0 else {a})|({a} < {b})|"
    "({a} >= {b} and {b} != 0)|(not {a})|({a} / {b} if {b} > 0 else {a})|({b} != 0 and {a} / {b} > 1.0)|({a} == {b} or {a} < 1)"
).split("|")
FRAMES = [
    "if {a} > {b}:\n    {s}",
    "if {a}:\n    {s}\nelse:\n    pass",
    "for i in range({n}):\n    {s}",
    "for i in range(3):\n    {s}\n    break",
    "for i in range({n}):\n    if {a} < i:\n        break\n    {s}",
    "if {a} <= 0:\n    return\n{s}",
    "{s}\n{s}",
    "pass",
]


class Mutator:
    """One mutant of a good file; the seed is the whole of it."""

    def __init__(self, seed: int, source: str) -> None:
        self.rng = random.Random(seed)
        self.tree = ast.parse(source)
        spec = read_source("good.py", source.encode())
        self.names = [f"self.{name}" for name in (*spec.params, *spec.reasons)]
        for name, field in spec.fields.items():
            if isinstance(field.kind, str):
                self.names.append(f"self.{name}")
                continue
            rows = field.kind.rows()
            self.names += [f"self.{name}.{r.name}" for r in rows if not r.name.startswith("_")]
            if field.kind.__name__.startswith("Ring"):
                self.names += [f"ago(self.{name}, {k})" for k in ("1", "-5", "10**6", "bar.index")]
        for name in spec.bars:
            self.names += [f"self.{name}.{field}" for field in readable("bar")]

    def text(self) -> str:
        """The mutant, importing every word."""
        hooks = [n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef)]
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            self._change(self.rng.choice(hooks))
        body = [n for n in self.tree.body if not isinstance(n, ast.ImportFrom)]
        made = ast.unparse(ast.fix_missing_locations(ast.Module(body, [])))
        return f"from otrade.strategy import {', '.join(strategy.__all__)}\n{made}\n"

    def _change(self, hook: ast.FunctionDef) -> None:
        asked = [one.arg for one in hook.args.args if one.arg not in ("self", "out")]
        fields = [
            f"{name}.{field}" for name in asked for field in readable(RECORDS.get(name, name))
        ]
        atoms = [*self.names, *fields, *EXTREMES]
        places = list(_places(hook))
        owner, field, at, node = self.rng.choice(places)
        if isinstance(node, ast.stmt):
            made: Any = self._statement(node, atoms)
        else:
            made = [ast.parse(self._expression(ast.unparse(node), atoms), mode="eval").body]
        value = getattr(owner, field)
        if isinstance(value, list):
            value[at : at + 1] = made
        else:
            setattr(owner, field, made[0])

    def _expression(self, text: str, atoms: list[str]) -> str:
        shape = self.rng.choice([*SHAPES, "{b}", "{b}", "{b}"])
        pair = [text, self.rng.choice(atoms)]
        if self.rng.random() < 0.3:
            pair.reverse()
        return shape.format(a=pair[0], b=pair[1])

    def _statement(self, node: ast.stmt, atoms: list[str]) -> list[ast.stmt]:
        frame = self.rng.choice(FRAMES)
        a, b = self.rng.choice(atoms), self.rng.choice(atoms)
        made = ast.parse(frame.format(a=a, b=b, n=self.rng.choice([1, 2, 7, 33]), s="HERE")).body
        for owner, field, at, found in [x for one in made for x in _places(one, whole=True)]:
            if isinstance(found, ast.Expr) and ast.unparse(found) == "HERE":
                getattr(owner, field)[at] = node
        return [node if ast.unparse(one) == "HERE" else one for one in made]


def _places(root: ast.AST, whole: bool = False) -> Iterator[tuple[Any, str, int, Any]]:
    """Every statement and every expression that is read, and where it hangs."""
    for owner in ast.walk(root):
        for field, value in ast.iter_fields(owner):
            for at, node in enumerate(value if isinstance(value, list) else [value]):
                is_read = isinstance(node, ast.expr) and isinstance(
                    getattr(node, "ctx", ast.Load()), ast.Load
                )
                if field in ("annotation", "returns", "func", "decorator_list") and not whole:
                    continue
                if isinstance(node, ast.stmt) or (is_read and not _is_bound(owner, node)):
                    yield owner, field, at, node


def _is_bound(owner: ast.AST, node: ast.AST) -> bool:
    """`self` of `self.high`, and the cell of a call, are no values."""
    return isinstance(owner, ast.Attribute) or (isinstance(owner, ast.Call) and node is owner.func)


class CompilerProcess:
    """The compiler, kept running; another one after it has died."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def ask(self, job: dict[str, str]) -> dict[str, Any]:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "otrade.strategy.build.child", str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.close()
            return {"faults": f"HOLE: the compiler ended with {code}"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        if self.process is not None:
            assert self.process.stdin and self.process.stdout
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait()
            self.process = None


def judged(seed: int, text: str, compiler: CompilerProcess) -> str:
    """What became of a mutant, in a few words; a hole begins with HOLE."""
    path = compiler.folder / f"mutant{seed}.py"
    path.write_text(text)
    try:
        spec = read_source(str(path), text.encode())
    except StrategyError:
        return "refused by the check"
    except Exception as error:
        return f"HOLE: the check raises {error!r:.100}"
    job = {
        "path": str(path),
        "source": text,
        "cpu": CPU,
        "object": f"m{seed}.o",
        "cpu_s": str(CPU_S),
    }
    answer = compiler.ask(job)
    if "faults" in answer:
        said = str(answer["faults"])
        if "refused by the last gate" in said:
            return (
                "refused by the last gate: "
                + said.split("gate: ")[1].split(" in `")[0].split(" at bytes")[0][:60]
            )
        return said if said.startswith("HOLE") else f"HOLE: {said:.200}"
    return _run_apart(seed, spec, compiler.folder)


def _run_apart(seed: int, spec: Spec, folder: Path) -> str:
    """Both ways, in a child: a crash ends that alone."""
    library = folder / f"m{seed}-{os.getpid()}.so"
    link(linker(), folder / f"m{seed}.o", library)
    library.chmod(0o600)
    said = folder / "said"
    said.write_text("HOLE: it ended without a word")
    pid = os.fork()
    if not pid:
        signal.alarm(RUN_S)
        try:
            said.write_text(_both_ways(seed, spec, library))
        except BaseException as error:
            said.write_text(f"HOLE: plain Python raises {error!r:.100}")
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    library.unlink()
    return said.read_text() if not status else f"HOLE: the run ended with signal {status & 127}"


def _both_ways(seed: int, spec: Spec, library: Path) -> str:
    import hashlib

    manifest = BuildManifest(
        key="fuzz",
        library=library.name,
        sha256=hashlib.sha256(library.read_bytes()).hexdigest(),
        source_sha256=hashlib.sha256(spec.source).hexdigest(),
        abi=abi.abi_id(),
        cpu=CPU,
        cost={},
    )
    rng = random.Random(seed)
    plain = plain_class(Path(spec.path))
    for mode in ("end", "start"):
        given = {n: rng.choice([p.default, p.low, p.high]) for n, p in spec.params.items()}
        both = Both(Library(spec, manifest, library), plain, mode, **given)
        _, differs = run(both, events(seed, EVENTS, list(spec.hooks), wild=mode == "start"))
        if differs:
            return f"HOLE: {differs}"
    return "equal"


def fuzz(seed: int, seconds: float, most: int = 0) -> collections.Counter[str]:
    """Until the time is over, or so many have run; what became of them. Holes are printed and kept."""
    good = [path.read_text() for path in sorted((ROOT / "strategies").glob("*.py"))]
    good += [(ROOT / "tests/strategy/corpus/language.py").read_text()] * 3
    tally: collections.Counter[str] = collections.Counter()
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name:
        compiler = CompilerProcess(Path(name))
        try:
            while time.monotonic() < until and (not most or tally["equal"] < most):
                seed += 1
                try:
                    text = Mutator(seed, random.Random(seed).choice(good)).text()
                except (SyntaxError, ValueError, TypeError, AttributeError, IndexError):
                    continue  # a tree that is no Python
                word = judged(seed, text, compiler)
                tally[word.split(" 0x")[0]] += 1
                if word.startswith("HOLE"):
                    HOLES.mkdir(parents=True, exist_ok=True)
                    (HOLES / f"{seed}.py").write_text(text)
                    print(f"seed {seed}: {word}", flush=True)
        finally:
            compiler.close()
    return tally


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=600.0)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    tally = fuzz(given.seed, given.seconds)
    for word, n in tally.most_common():
        print(f"{n:7} {word}")
    return int(any(word.startswith("HOLE") for word in tally))


if __name__ == "__main__":
    sys.exit(main())
