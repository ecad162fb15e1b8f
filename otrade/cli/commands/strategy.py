"""`otrade strategy`: begin a strategy file, check it, compile it, list and show what there is."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from otrade import strategy
from otrade.errors import StrategyError
from otrade.live.startup.strategy_files import DaySources, kept_days
from otrade.plain_file import write_whole
from otrade.strategy.build.builder import build as compile_all
from otrade.strategy.build.library import folder_of, standing
from otrade.strategy.builtin import kinds
from otrade.strategy.check.file import read
from otrade.strategy.check.spec import Spec

FOLDER = Path("strategies")
TEMPLATE = '''"""{title}: say here in a sentence what it waits for."""

from otrade.strategy import Ema, Strategy, ema, param, reason


class {name}(Strategy):
    """Buys a close above its average, and leaves below it; the stop is the configuration's."""

    period: int = param(20, 2, 200, "average, bars")
    room: float = param(5.0, 0, 200, "beyond the average, bps")
    average: Ema
    ABOVE = reason("the close is above its average")
    BELOW = reason("the close is below its average")

    def on_bar(self, bar, pos, out):
        average = ema(self.average, bar.close, self.period)
        if not self.average.ready:
            return
        if pos.is_flat and bar.close > average * (1 + self.room / 1e4):
            out.buy(why=self.ABOVE, inputs=(bar.close, average))
        elif pos.is_long and bar.close < average:
            out.exit(why=self.BELOW, inputs=(bar.close, average))
'''


def new(name: str) -> int:
    """Write a file to begin with. Nothing that is there is overwritten."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or keyword.iskeyword(name):
        raise StrategyError(
            f"{name!r}: a name is small letters, digits and _, like opening_range, at most 40 of them"
        )
    path = FOLDER / f"{name}.py"
    if path.exists():
        raise StrategyError(f"{path} is there already; choose another name")
    title = name.replace("_", " ").capitalize()
    class_name = "".join(part.capitalize() for part in name.split("_"))
    if class_name in strategy.__all__:
        raise StrategyError(f"{name!r} is a word of the language; choose another name")
    try:
        write_whole(path, TEMPLATE.format(title=title, name=class_name).encode())
    except OSError as error:
        raise StrategyError(f"{path}: cannot be written: {error.strerror or error}") from None
    print(f"wrote {path}\nedit it, then: otrade strategy check {path}")
    return 0


def check(paths: Sequence[Path]) -> int:
    """Every fault of every file, or what they are."""
    for spec in _read(paths):
        print(f"{spec.path}: good. {_sizes(spec)}")
    return 0


def build(paths: Sequence[Path], var: Path) -> int:
    """Compile what is not compiled yet, and tell the worst case of each hook."""
    folder = folder_of(var)
    specs = _read(paths)
    kept = [standing(folder, spec) is not None for spec in specs]
    for library, was_there in zip(compile_all(specs, folder), kept, strict=True):
        costs = ", ".join(f"{hook} {cost}" for hook, cost in library.manifest.cost.items())
        print(
            f"{library.spec.path}: {'was built' if was_there else 'built'}, {library.path}\n"
            f"  instructions in the worst case: {costs} (20000 are allowed)"
        )
    return 0


def listed(folder: Path, var: Path) -> int:
    """A line for each kind that is built in and each file of a folder; 5 when one of them is faulty."""
    for kind, path in kinds().items():
        print(_line(kind, "built in", read(path)))
    paths = sorted(folder.glob("*.py"))
    if not paths:
        print(f"{folder}: no strategy files; begin one with otrade strategy new NAME")
    faulty = False
    days = kept_days(folder_of(var))
    for path in paths:
        try:
            spec = read(path)
        except StrategyError as error:
            faulty = True
            faults = str(error).splitlines()
            print(f"{path.name:<28} FAULTY   {len(faults)} faults, the first: {faults[0]}")
            continue
        is_built = standing(folder_of(var), spec) is not None
        print(_line(path.name, "built" if is_built else "not built", spec))
        for words in _traded(path.name, spec, days):
            print(f"{'':<39}{words}")
    return 5 if faulty else 0


def _line(name: str, how: str, spec: Spec) -> str:
    first = (spec.words.splitlines() or [""])[0]
    return f"{name:<28} {how:<9} {spec.name}: {first}"


def show(path: Path, var: Path) -> int:
    """All that a strategy declares: a file's, or a built-in kind's by its name."""
    built_in = kinds().get(str(path))
    spec = read(built_in or path)
    library = standing(folder_of(var), spec)
    print(f"{spec.name}: {spec.words or 'no words'}\n{_sizes(spec)}")
    for words in _traded(path.name, spec, kept_days(folder_of(var))):
        print(f"  {words}")
    for name, minutes in spec.bars.items():
        print(f"  bars    {name:<16} {minutes} minutes")
    if spec.timer_s:
        print(f"  timer   every {spec.timer_s} s")
    for name, one in spec.params.items():
        print(
            f"  param   {name:<16} {one.kind:<6} {one.default:g} ({one.low:g} to {one.high:g}): {one.words}"
        )
    for name, field in spec.fields.items():
        kind = field.kind if isinstance(field.kind, str) else field.kind.__name__
        first = "" if field.first is None else f" {field.first}"
        print(f"  field   {name:<16} {kind}{first}")
    for name, (code, words) in spec.reasons.items():
        print(f"  reason  {name:<16} {code}: {words}")
    for hook in spec.hooks:
        cost = (
            f"{library.manifest.cost[hook]} instructions in the worst case"
            if library
            else "built into the core"
            if built_in
            else "not built"
        )
        print(f"  hook    {hook:<16} {cost}")
    return 0


def _traded(file: str, spec: Spec, days: Mapping[str, DaySources]) -> list[str]:
    """Which days go by the file: a day keeps what it began with, whatever the file is by now."""
    found = []
    for mode, day in days.items():
        source = day.sources.get(file)
        if source is None:
            continue
        is_same = source.encode() == spec.source
        now = "as it stands" if is_same else "as it was then: the next day takes what it is now"
        found.append(f"traded on {day.day} ({mode}), {now}")
    return found


def _read(paths: Sequence[Path]) -> list[Spec]:
    """StrategyError with the faults of all of them."""
    specs, faults = [], []
    for path in paths:
        try:
            specs.append(read(path))
        except StrategyError as error:
            faults.append(str(error))
    if faults:
        raise StrategyError("\n".join(faults))
    return specs


def _sizes(spec: Spec) -> str:
    return (
        f"{spec.name}: {', '.join(spec.hooks)}; {len(spec.params)} parameters, {spec.state_bytes} bytes of state, "
        f"{len(spec.reasons)} reasons"
    )
