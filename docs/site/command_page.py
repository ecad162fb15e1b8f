"""Every command with its options, from the parser of the command line."""

import argparse
from collections.abc import Iterator

from otrade.cli.main import parser


def subcommands(of: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Its commands by their present names."""
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):  # the only way to its names
            return {
                one.dest.split(" (")[0]: action.choices[one.dest.split(" (")[0]]
                for one in action._choices_actions
            }
    return {}


def _commands(of: argparse.ArgumentParser, depth: int) -> Iterator[str]:
    for sub in subcommands(of).values():
        yield f"{'#' * depth} {sub.prog.replace('  ', ' ')}"
        yield ""
        yield "```"
        yield sub.format_help().rstrip()
        yield "```"
        yield ""
        yield from _commands(sub, depth + 1)


def page() -> str:
    """Markdown."""
    lines = [
        "# Commands",
        "",
        "Made from the command line itself: the text of `--help` of every command.",
        "",
    ]
    return "\n".join([*lines, *_commands(parser(), 2)])
