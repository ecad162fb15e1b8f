"""`otrade completion bash|zsh|fish`: a script that completes commands, options and their choices, made from the
command line itself. It asks nothing when it completes: a key press starts no Python.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from otrade.cli.command_parser import PROGRAM, CommandParser

Shell = Literal["bash", "zsh", "fish"]
SHELLS: tuple[Shell, ...] = ("bash", "zsh", "fish")


@dataclass(frozen=True)
class _Word:
    text: str
    what: str
    choices: tuple[str, ...] = ()
    """Of an option: its values, where they are known."""
    takes_value: bool = False


@dataclass(frozen=True)
class _Place:
    """A command, and the words that may follow it."""

    path: str
    words: tuple[_Word, ...]


def _places(parser: CommandParser, path: str = "") -> Iterator[_Place]:
    words: list[_Word] = []
    for action in parser._actions:
        what = " ".join((action.help or "").split()).replace("%%", "%")
        if what == argparse.SUPPRESS:
            continue
        if isinstance(action, argparse._SubParsersAction):
            rows = {row.dest.split(" ")[0]: row.help or "" for row in action._choices_actions}
            words += [_Word(name, help_) for name, help_ in rows.items()]
            for name in rows:
                yield from _places(action.choices[name], f"{path} {name}".strip())
            continue
        choices = tuple(str(one) for one in action.choices or ())
        if not action.option_strings:
            words += [_Word(one, "") for one in choices]
        for option in action.option_strings:
            words.append(_Word(option, what, choices, takes_value=action.nargs != 0))
    yield _Place(path, tuple(words))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


BASH = """# OTrade's completion for bash: source <(otrade completion bash)
_otrade() {
    local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" at="" word words=""
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "${at:+$at }$word" in
            @PATHS@) at="${at:+$at }$word" ;;
        esac
    done
    case "$at:$before" in
@CHOICES@
        *) case "$at" in
@WORDS@
        esac ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _otrade otrade
"""
ZSH = """#compdef otrade
# OTrade's completion for zsh: source <(otrade completion zsh)
_otrade() {
    local at="" word before="${words[CURRENT-1]}"
    local -a found
    for word in "${(@)words[2,CURRENT-1]}"; do
        case "${at:+$at }$word" in
            @PATHS@) at="${at:+$at }$word" ;;
        esac
    done
    case "$at:$before" in
@CHOICES@
        *) case "$at" in
@WORDS@
        esac ;;
    esac
    _describe 'otrade' found || _files
}
compdef _otrade otrade
"""
FISH = """# OTrade's completion for fish: otrade completion fish | source
function __otrade_at
    set -l at ""
    for word in (commandline -opc)[2..]
        set -l next (string trim "$at $word")
        if contains -- $next @PATHS@
            set at $next
        end
    end
    test "$at" = "$argv[1]"
end
"""


def _in_zsh(word: _Word) -> str:
    """`name:what it is`."""
    return _quoted(word.text.replace(":", "\\:") + (f":{word.what}" if word.what else ""))


def _case_script(template: str, places: list[_Place], shell: Shell) -> str:
    """Of bash and zsh, which differ in how words are handed over."""

    def handed(words: list[_Word]) -> str:
        if shell == "bash":
            return f'words="{" ".join(word.text for word in words)}"'
        return f"found=({' '.join(_in_zsh(word) for word in words)})"

    choices, rows = [], []
    for place in places:
        for word in place.words:
            if word.choices and word.text.startswith("-"):
                values = [_Word(one, "") for one in word.choices]
                choices.append(
                    f"        {_quoted(f'{place.path}:{word.text}')}) {handed(values)} ;;"
                )
            elif word.takes_value and word.text.startswith("-"):
                choices.append(f"        {_quoted(f'{place.path}:{word.text}')}) ;;")
        rows.append(f"            {_quoted(place.path)}) {handed(list(place.words))} ;;")
    paths = "|".join(_quoted(place.path) for place in places if place.path)
    text = template.replace("@PATHS@", paths).replace("@CHOICES@", "\n".join(choices))
    return text.replace("@WORDS@", "\n".join(rows))


def _fish_script(places: list[_Place]) -> str:
    paths = " ".join(_quoted(place.path) for place in places if place.path)
    lines = [FISH.replace("@PATHS@", paths)]
    for place in places:
        at = f'-n "__otrade_at {_quoted(place.path)}"'
        for word in place.words:
            what = f" -d {_quoted(word.what)}" if word.what else ""
            if not word.text.startswith("-"):
                lines.append(f"complete -c {PROGRAM} -f {at} -a {_quoted(word.text)}{what}")
                continue
            name = f"-l {word.text[2:]}" if word.text.startswith("--") else f"-s {word.text[1:]}"
            values = f" -xa {_quoted(' '.join(word.choices))}" if word.choices else ""
            takes = values or (" -r" if word.takes_value else "")
            lines.append(f"complete -c {PROGRAM} {at} {name}{takes}{what}")
    return "\n".join(lines) + "\n"


def script(shell: Shell, parser: CommandParser) -> str:
    """For the whole command line."""
    places = list(_places(parser))
    if shell == "fish":
        return _fish_script(places)
    return _case_script(BASH if shell == "bash" else ZSH, places, shell)
