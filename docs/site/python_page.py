"""The Python reference of `otrade.strategy` and `otrade.research`, from their own docstrings and tables."""

import inspect
import re
from typing import Any

import otrade.research as research
from otrade._core.kernels import strategy_abi as abi
from otrade._core.types import ExitReason, Phase
from otrade.research.notebook.frames import ResultFrames
from otrade.strategy import Strategy, bars, param, reason, timer
from otrade.strategy.indicators import CELLS, HELPERS
from otrade.strategy.words import records
from otrade.strategy.words.base import HOOKS
from otrade.strategy.words.decision import VERBS

WORDS_OF_FIELDS = (param, reason, bars, timer)


def _text(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").split())


def _signature(function: Any) -> str:
    """Without the modules of its types."""
    return re.sub(r"\b(?:\w+\.)+(?=[A-Z])", "", str(inspect.signature(function))).replace("'", "")


def _function(name: str, function: Any) -> list[str]:
    return [
        f"### {name}",
        "",
        "```python",
        f"{name}{_signature(function)}",
        "```",
        "",
        _text(function),
        "",
    ]


def _record(name: str) -> list[str]:
    words = {row.field: row.words for row in abi.fields(name)}
    lines = [
        f"### {records.SPOKEN.get(name, name)}",
        "",
        "| field | type | |",
        "| --- | --- | --- |",
    ]
    for field, kind in records.readable(name).items():
        told = words.get(field, "a number that another day changes")
        lines.append(f"| `{field}` | {kind} | {told} |")
    return [*lines, ""]


def _helper(name: str) -> list[str]:
    helper = HELPERS[name]
    asked = list(inspect.signature(helper.function).parameters)
    given = ", ".join("cell" if i == 0 and helper.cell else one for i, one in enumerate(asked))
    cell = f"Cell: `{helper.cell.__name__}`. " if helper.cell else ""
    gives = helper.gives.__name__ if helper.gives else "nothing"
    return [
        f"### {name}",
        "",
        "```python",
        f"{name}({given}) -> {gives}",
        "```",
        "",
        f"{cell}{helper.source}.",
        "",
    ]


def _strategy() -> list[str]:
    lines = [
        "## otrade.strategy",
        "",
        "A strategy file imports these names and nothing else. [Strategies](strategies.md) explains them; this is the list.",
        "",
        "### Strategy",
        "",
        _text(Strategy),
        "",
        "| hook | records that it may name |",
        "| --- | --- |",
    ]
    lines += [
        f"| `{hook}` | {', '.join(f'`{one}`' for one in records.arguments(hook))} |"
        for hook in HOOKS
    ]
    lines.append("")
    for function in WORDS_OF_FIELDS:
        lines += _function(function.__name__, function)
    lines += ["## Records", "", "Prices are rupees. Each record is only read.", ""]
    for name in dict.fromkeys(one for hook in HOOKS for one in records.arguments(hook)):
        if name != "out":
            lines += _record(records.RECORDS.get(name, name))
    lines += ["### out", "", "| call | arguments, all by name |", "| --- | --- |"]
    lines += [
        f"| `out.{verb}` | {', '.join(f'`{one}`' for one in known)} |"
        for verb, (_, known) in VERBS.items()
    ]
    lines += ["", "## Constants", ""]
    for kind in (ExitReason, Phase):
        lines += [f"### {kind.__name__}", "", ", ".join(f"`{one.name}`" for one in kind), ""]
    lines += [
        "## Indicators",
        "",
        f"{len(HELPERS)} words, {len(CELLS)} cells. A period is a whole number, at least 1.",
        "",
    ]
    for name in HELPERS:
        lines += _helper(name)
    return lines


def _research() -> list[str]:
    lines = [
        "## otrade.research",
        "",
        "For notebooks: `pip install 'otrade[notebook]'`, then `import otrade.research as r`.",
        "",
    ]
    for name in ("open", "backtest"):
        lines += _function(f"r.{name}", getattr(research, name))
    lines += ["### ResultFrames", "", _text(ResultFrames), "", "| member | |", "| --- | --- |"]
    for name, member in vars(ResultFrames).items():
        if not name.startswith("_"):
            call = _signature(member).replace("self, ", "") if inspect.isfunction(member) else ""
            lines.append(f"| `{name}{call}` | {_text(getattr(member, 'func', member))} |")
    return [*lines, ""]


def page() -> str:
    """Markdown."""
    return "\n".join(
        ["# Python reference", "", "Made from the code.", "", *_strategy(), *_research()]
    )
