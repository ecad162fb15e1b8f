"""The check of a strategy file: every refusal word for word, and what must pass. No compiler is started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from otrade.errors import StrategyError
from otrade.strategy.check.file import read, read_source
from tests.strategy.bad_files import BODIES, FILES, HEAD, IMPORTS

NAME = "string.py"  # which would shadow the standard library, were its folder ever searched
GOOD = [
    "x = self.n + 1\nself.n = x",
    "self.high = max(self.high, bar.high, 0.0)",
    "x = bar.close / max(bar.volume, 1)",
    "x = bar.close / self.period",
    "if self.n > 0:\n    x = bar.close / self.n",
    "if self.n:\n    x = bar.close / self.n",
    "if self.n != 0 and bar.close / self.n > 1.0:\n    pass",
    "if self.n == 0 or bar.close / self.n > 1.0:\n    pass",
    "x = bar.close / self.n if self.n > 0 else 0.0",
    "if self.n < 1:\n    return\nx = bar.close / self.n",
    "width = bar.high - bar.low\nif width > 0.0:\n    x = bar.close / width",
    "x = bar.index // 7 + bar.index % 5",
    "for i in range(MOST):\n    if i >= self.period:\n        break\n    self.high = self.high + ago(self.closes, i)",
    "for i in range(2, 5):\n    x = 0.0\n    x += 1.5\n    self.high = x",
    "if pos.is_flat:\n    out.buy()\nelse:\n    out.exit()",
    "if pos.is_flat:\n    out.buy(stop=bar.low, target_distance=3, qty=75, why=self.UP, inputs=(1, bar.close))\n    return\nout.exit()",
    "for i in range(3):\n    if ago(self.closes, i) > bar.close:\n        out.exit()\n        break",
    "if pos.last_exit == ExitReason.STOP:\n    self.n = 0",
    "ema(self.fast, bar.close, 9)\nself.armed = self.fast.ready",
    "x = bollinger(self.bands, bar.close, min(self.period, 32), 2.0)\nif bar.close > self.bands.upper:\n    self.n = self.bands.seen",
    "x = whole(bar.close, 0, 100) % 3\nself.n = x",
    "x = self.slower.close - root(bar.close)\nif self.slower.count > 3 and 1.0 < x <= 2.0:\n    pass",
    "if not pos.is_flat and not self.armed:\n    self.armed = True",
    "x = -self.n\ny = +bar.close\nself.high = abs(x) + abs(y)",
    "self.high = self.n",
    "push(self.closes, bar.volume)\nx = ratio(bar.volume, self.n, 0)",
]


def body(lines: str) -> bytes:
    return (HEAD + "".join(f"        {line}\n" for line in lines.split("\n"))).encode()


def refused(source: bytes) -> str:
    with pytest.raises(StrategyError) as caught:
        read_source(NAME, source)
    return str(caught.value)


@pytest.mark.parametrize(("lines", "said"), BODIES, ids=range(len(BODIES)))
def test_a_bad_line_is_named_with_what_to_write(lines: str, said: str) -> None:
    first = HEAD.count("\n")
    want = []
    for one in said.split("\n"):
        line, rest = one.split(":", 1)
        want.append(f"{NAME}:{int(line) + first}:{rest}")
    assert refused(body(lines)) == "\n".join(want)


@pytest.mark.parametrize(("text", "said"), FILES, ids=range(len(FILES)))
def test_a_bad_file_is_named_with_what_to_write(text: str, said: str) -> None:
    source = IMPORTS + text[2:] if text.startswith("@@") else text
    want = "\n".join(f"{NAME}:{line}" for line in said.split("\n"))
    assert refused(source.encode()) == want


def test_there_are_enough_bad_files() -> None:
    assert len(BODIES) + len(FILES) >= 80
    assert len({lines for lines, _ in (*BODIES, *FILES)}) == len(BODIES) + len(FILES)


@pytest.mark.parametrize("lines", GOOD)
def test_a_good_line_passes(lines: str) -> None:
    read_source(NAME, body(lines))


def test_every_fault_of_a_file_is_told_at_once() -> None:
    said = refused(body("self.hihg = 1.0\nx = bar.hgih\nout.bye()")).splitlines()
    assert [line.split(":")[1] for line in said] == [str(HEAD.count("\n") + n) for n in (1, 2, 3)]


@pytest.mark.parametrize("what", ["missing", "folder", "pipe"])
def test_what_is_no_file_is_said(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.py"
    if what == "folder":
        path.mkdir()
    if what == "pipe":
        import os

        os.mkfifo(path)
    with pytest.raises(StrategyError, match="cannot be read"):
        read(path)


def test_a_file_that_is_no_text_is_refused() -> None:
    assert "x.py:" in str(pytest.raises(StrategyError, read_source, "x.py", b"\xff\xfe\x00").value)


def test_the_check_starts_no_compiler() -> None:
    modules = "otrade.strategy.loader, otrade.strategy.build.builder"
    asked = f"import sys, {modules}; print([m for m in ('numba', 'llvmlite', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
