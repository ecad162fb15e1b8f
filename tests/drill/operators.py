"""Where in a source a planted bug belongs, and what it changes there: by names, so that a file that
moves or is formatted anew takes its bugs along.

A place is named by what stands in one statement of one function: words that are each a run of
tokens in it (`"looks"`, `"market.traded"`, `"[0] =="`). Of a statement with a block, its first
line counts; words behind a colon are looked for in the block (`"d_qty: on_fill"`), and
`"else / held"` is looked for in the block of the statement that `else` names. A place that is not
there once, and once only, is an error.

Python and Cython are read alike: tokens and indentation, no grammar.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from functools import cache
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUFFIXES = (".py", ".pyx")
HEADS = ("def", "cdef", "cpdef", "async")
CONDITIONAL = ("if", "elif", "while")
OPENING, CLOSING = "([{", ")]}"
NOTHING = (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER)


class PlaceError(Exception):
    """The place that a planted bug names is not there, or there is more than one."""


class Act(Enum):
    CONDITION = "condition"
    """The condition of an `if`, `elif` or `while` becomes another one."""
    AND = "and"
    OR = "or"
    """It holds only if, or also if, something else does."""
    WITHOUT = "without"
    """It loses the operand of its `and` or `or` that the place names."""
    SWAP = "swap"
    """One run of tokens of the statement becomes another one."""
    ARGUMENT = "argument"
    """One argument of a call becomes another one."""
    RETURN = "return"
    """Another value is returned."""
    DROP = "drop"
    INSTEAD = "instead"
    BEFORE = "before"
    AFTER = "after"
    INSIDE = "inside"
    """Statements are taken out, put in their place, before them, after them, first in their block."""


@dataclass(frozen=True)
class Operator:
    act: Act
    at: str
    new: str = ""
    old: str = ""
    """Of SWAP, the tokens; of ARGUMENT, the call's name."""
    index: int = 0


def always(at: str) -> Operator:
    return Operator(Act.CONDITION, at, "True")


def never(at: str) -> Operator:
    return Operator(Act.CONDITION, at, "False")


def condition(at: str, new: str) -> Operator:
    return Operator(Act.CONDITION, at, new)


def only_if(at: str, also: str) -> Operator:
    return Operator(Act.AND, at, also)


def also_if(at: str, other: str) -> Operator:
    return Operator(Act.OR, at, other)


def without(at: str) -> Operator:
    return Operator(Act.WITHOUT, at)


def swap(at: str, old: str, new: str) -> Operator:
    return Operator(Act.SWAP, at, new, old)


def argument(at: str, call: str, index: int, new: str) -> Operator:
    return Operator(Act.ARGUMENT, at, new, call, index)


def returns(at: str, new: str) -> Operator:
    return Operator(Act.RETURN, at, new)


def drop(at: str) -> Operator:
    return Operator(Act.DROP, at)


def instead(at: str, *lines: str) -> Operator:
    return Operator(Act.INSTEAD, at, "\n".join(lines))


def before(at: str, *lines: str) -> Operator:
    return Operator(Act.BEFORE, at, "\n".join(lines))


def after(at: str, *lines: str) -> Operator:
    return Operator(Act.AFTER, at, "\n".join(lines))


def inside(at: str, *lines: str) -> Operator:
    return Operator(Act.INSIDE, at, "\n".join(lines))


@dataclass(frozen=True)
class Token:
    text: str
    start: int
    end: int


@dataclass
class Statement:
    """A statement; with a block, its first (logical) line and the statements in the block."""

    tokens: list[Token]
    line: int
    start: int = 0
    """Of its first line, in characters of the file."""
    end: int = 0
    """Behind its last line."""
    indent: str = ""
    block: list[Statement] = field(default_factory=list)
    parent: Statement | None = None

    @property
    def words(self) -> list[str]:
        return [token.text for token in self.tokens]

    def walk(self) -> Iterator[Statement]:
        for inner in self.block:
            yield inner
            yield from inner.walk()


def parse(text: str) -> Statement:
    """The statements of a source, under one that has no tokens."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    top = Statement([], 0, 0, len(text))
    stack, last, tokens, line = [top], top, list[Token](), 0
    for kind, word, (row, column), (end_row, end_column), _ in tokenize.generate_tokens(
        io.StringIO(text).readline
    ):
        if kind == tokenize.INDENT:
            stack.append(last)
        elif kind == tokenize.DEDENT:
            stack.pop()
        elif kind == tokenize.NEWLINE:
            start = starts[line - 1]
            last = Statement(
                tokens, line, start, starts[row], text[start : tokens[0].start], [], stack[-1]
            )
            stack[-1].block.append(last)
            for around in stack[1:]:
                around.end = starts[row]
            tokens = []
        elif kind not in NOTHING:
            if not tokens:
                line = row
            tokens.append(Token(word, starts[row - 1] + column, starts[end_row - 1] + end_column))
    return top


@cache
def tokens_of(code: str) -> tuple[str, ...]:
    """The tokens of a piece of code."""
    try:
        words = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except tokenize.TokenError:  # an open bracket: all that can be read has been
        return tuple(code.split())
    kinds = (*NOTHING, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    return tuple(token.string for token in words if token.type not in kinds)


def runs(words: list[str], run: tuple[str, ...]) -> list[int]:
    """Where these tokens follow each other."""
    n = len(run)
    return [i for i in range(len(words) - n + 1) if tuple(words[i : i + n]) == run]


def has_all(words: list[str], wanted: str) -> bool:
    return all(runs(words, tokens_of(word)) for word in wanted.split())


def name_of(statement: Statement) -> str:
    """The name of the class or function that begins here; empty: none does."""
    words = statement.words
    if not statement.block or words[0] not in (*HEADS, "class"):
        return ""
    if "class" in words:
        return words[words.index("class") + 1]
    return words[words.index("(") - 1] if "(" in words else ""


def source_of(module: str) -> Path:
    """The file of a module, by its dotted name."""
    found = [
        path for suffix in SUFFIXES if (path := ROOT / (module.replace(".", "/") + suffix)).exists()
    ]
    if not found:
        raise PlaceError(f"there is no module {module}")
    return found[0]


def function_in(top: Statement, name: str) -> Statement:
    """A function, or a method by its own name alone; `Class.method` where that is not unique; or a
    whole class.
    """
    *path, last = name.split(".")
    scopes = [top]
    for part in path:
        scopes = [inner for scope in scopes for inner in scope.block if name_of(inner) == part]
    found = [inner for scope in scopes for inner in scope.walk() if name_of(inner) == last]
    if len(found) != 1:
        near = get_close_matches(name, {name_of(inner) for inner in top.walk()} - {""})
        raise PlaceError(f"{len(found)} functions have that name (near it: {', '.join(near)})")
    return found[0]


def place_in(function: Statement, at: str, act: Act) -> Statement:
    """The one statement that these words name."""
    scope = function
    *outer, inner = at.split(" / ")
    for words in outer:
        scope = _only([s for s in scope.walk() if s.block and _is_at(s, words)], words)
    found = [s for s in scope.walk() if _is_at(s, inner)]
    if act in (Act.CONDITION, Act.AND, Act.OR, Act.WITHOUT):
        found = [s for s in found if s.tokens[0].text in CONDITIONAL]
    elif act == Act.RETURN:
        found = [s for s in found if s.tokens[0].text == "return"]
    elif act == Act.INSIDE:
        found = [s for s in found if s.block]
    return _only(found, inner)


def _is_at(statement: Statement, words: str) -> bool:
    head, _, body = words.partition(": ")
    inner = [token for s in statement.walk() for token in s.words]
    return has_all(statement.words, head) and has_all(inner, body)


def _only(found: list[Statement], words: str) -> Statement:
    if len(found) != 1:
        lines = ", ".join(str(statement.line) for statement in found)
        raise PlaceError(
            f"{len(found)} statements have {words!r}" + (f" (lines {lines})" if lines else "")
        )
    return found[0]


def _span(tokens: list[Token], first: int, last: int) -> tuple[int, int]:
    return tokens[first].start, tokens[last].end


def _condition_of(statement: Statement) -> tuple[int, int]:
    """Tokens between `if` and its colon."""
    depth = 0
    for i, token in enumerate(statement.tokens):
        depth += (token.text in OPENING) - (token.text in CLOSING)
        if token.text == ":" and depth == 0:
            return 1, i - 1
    raise PlaceError("the condition has no end")


def _operand_of(statement: Statement, words: str) -> tuple[int, int]:
    """First and last token of what goes when one operand of the condition does, with its `and` or
    `or`.
    """
    first, last = _condition_of(statement)
    depth, ends = 0, [first - 1]
    for i in range(first, last + 1):
        word = statement.tokens[i].text
        depth += (word in OPENING) - (word in CLOSING)
        if depth == 0 and word in ("and", "or"):
            ends.append(i)
    ends.append(last + 1)
    found = [
        n
        for n, (start, end) in enumerate(pairwise(ends))
        if has_all(statement.words[start + 1 : end], words)
    ]
    if len(found) != 1 or len(ends) == 2:
        raise PlaceError(f"{len(found)} of {len(ends) - 1} operands have {words!r}")
    n = found[0]
    return (first, ends[1]) if n == 0 else (ends[n], ends[n + 1] - 1)


def _argument_of(statement: Statement, call: str, index: int) -> tuple[int, int]:
    """First and last token of one argument of a call in this statement."""
    run = (*tokens_of(call), "(")
    calls = runs(statement.words, run)
    if len(calls) != 1:
        raise PlaceError(f"{len(calls)} calls of {call!r} in the statement")
    first = at = calls[0] + len(run)
    depth = n = 0
    while True:
        word = statement.tokens[at].text
        if depth == 0 and word in (",", ")"):
            if n == index and at > first:
                return first, at - 1
            if word == ")":
                raise PlaceError(f"{call!r} has no argument {index}")
            n, first = n + 1, at + 1
        depth += (word in OPENING) - (word in CLOSING)
        at += 1


def _joined(old: str, word: str, new: str) -> str:
    """`and` binds closer than `or` and than a conditional expression."""
    loose = {"if", "or"} if word == "and" else {"if"}
    depth, outer = 0, set()
    for token in tokens_of(old):
        depth += (token in OPENING) - (token in CLOSING)
        if depth == 0:
            outer.add(token)
    return f"({old}) {word} {new}" if loose & outer else f"{old} {word} {new}"


def _block(lines: str, indent: str) -> str:
    return "".join(f"{indent}{line}\n" for line in lines.split("\n"))


def edit(text: str, statement: Statement, operator: Operator) -> tuple[int, int, str]:
    """(from, to, what stands there afterwards), in characters of the file."""
    tokens, new = statement.tokens, operator.new
    match operator.act:
        case Act.CONDITION | Act.AND | Act.OR:
            start, end = _span(tokens, *_condition_of(statement))
            if operator.act != Act.CONDITION:
                new = _joined(text[start:end], operator.act.value, new)
            return start, end, new
        case Act.WITHOUT:
            words = operator.at.rpartition(" / ")[2]
            first, last = _operand_of(statement, words)
            after_it = tokens[last + 1].start if tokens[last].text in ("and", "or") else 0
            start, end = _span(tokens, first, last)
            before_it = tokens[first - 1].end
            return (start, after_it, "") if after_it else (before_it, end, "")
        case Act.SWAP:
            run = tokens_of(operator.old)
            found = runs(statement.words, run)
            if len(found) != 1:
                raise PlaceError(f"{operator.old!r} stands {len(found)} times in the statement")
            return *_span(tokens, found[0], found[0] + len(run) - 1), new
        case Act.ARGUMENT:
            first, last = _argument_of(statement, operator.old, operator.index)
            return *_span(tokens, first, last), new
        case Act.RETURN:
            return *_span(tokens, 1, len(tokens) - 1), new
        case Act.DROP:
            alone = statement.parent is not None and len(statement.parent.block) == 1
            return statement.start, statement.end, f"{statement.indent}pass\n" if alone else ""
        case Act.INSTEAD:
            return statement.start, statement.end, _block(new, statement.indent)
        case Act.BEFORE:
            return statement.start, statement.start, _block(new, statement.indent)
        case Act.AFTER:
            return statement.end, statement.end, _block(new, statement.indent)
        case Act.INSIDE:
            first_inner = statement.block[0]
            at = text.index("\n", tokens[-1].end) + 1
            return at, at, _block(new, first_inner.indent)


def changed(text: str, function: str, operators: tuple[Operator, ...]) -> str:
    """A source with these changes in one of its functions. Each finds its place in the source as it
    was."""
    top = parse(text)
    scope = function_in(top, function)
    edits = sorted(
        (
            edit(text, place_in(scope, operator.at, operator.act), operator)
            for operator in operators
        ),
        key=lambda found: found[:2],
        reverse=True,
    )
    for start, end, new in edits:
        text = text[:start] + new + text[end:]
    return text
