"""argparse with three things more: groups of commands, examples in every help, and the nearest word for one
that is mistyped.
"""

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from otrade.cli.command_table import EXAMPLES, GROUPS

PROGRAM = "otrade"


class CommandParser(argparse.ArgumentParser):
    """The whole command line, or one command of it: argparse makes those of the same class."""

    def __init__(self, **given: Any) -> None:
        given.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**given)
        self._words: list[str] = []
        # argparse puts the operands of the command above into `prog` too.
        self.command = " ".join(word for word in self.prog.split()[1:] if word[0].isalpha())
        shown = "\n".join(f"  {PROGRAM} {one}" for one in EXAMPLES.get(self.command, ()))
        if shown:
            self.epilog = f"examples:\n{shown}" + (f"\n\n{self.epilog}" if self.epilog else "")

    def commands(self) -> "argparse._SubParsersAction[CommandParser] | None":
        """The commands below it."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return action
        return None

    def options(self) -> list[str]:
        """Its own options, and those of all commands below it."""
        found = [option for action in self._actions for option in action.option_strings]
        below = self.commands()
        for one in below.choices.values() if below else ():
            found += one.options()
        return list(dict.fromkeys(found))

    def format_help(self) -> str:
        """Of the whole command line by groups."""
        below = self.commands()
        if self.command or below is None:
            return super().format_help()
        rows = {row.dest.split(" ")[0]: row for row in below._choices_actions}
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        formatter.add_text(self.description)
        for title, names in GROUPS.items():
            formatter.start_section(title)
            formatter.add_arguments([rows[name] for name in names])
            formatter.end_section()
        formatter.start_section("options")
        formatter.add_arguments(self._optionals._group_actions)
        formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help()

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Remembers the words, so that `error` knows which command was meant."""
        self._words = list(args or ())
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """argparse's words, and the nearest that is meant."""
        meant: CommandParser = self
        for word in self._words:
            below = meant.commands()
            meant = below.choices.get(word, meant) if below else meant
        super().error(message + _nearest(message, meant.options()))


def _nearest(message: str, options: list[str]) -> str:
    """`; did you mean ...?`, or nothing."""
    if chosen := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message, re.DOTALL):
        mistyped, known = [chosen[1]], re.findall(r"[\w-]+", chosen[2])
    elif unknown := re.search(r"unrecognized arguments: (.*)", message):
        mistyped = [word.partition("=")[0] for word in unknown[1].split() if word[:2] == "--"]
        known = options
    else:
        return ""
    from difflib import get_close_matches

    found = [near for word in mistyped for near in get_close_matches(word, known, n=1)]
    return f"; did you mean {' '.join(found)}?" if found else ""
