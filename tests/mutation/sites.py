"""Where a source can be changed a little, and what it says then. Python and Cython are read alike:
tokens and indentation, no grammar (`tests/drill/operators.py` has the reader).

A site is named by file, function, operator and ordinal, so that names follow the code. Left out:
what runs once at import, the words and numbers of a notice (`notes.…`) and of an error that is
raised, and a local name's only assignment (without it nothing compiles or runs).
"""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import zip_longest

from tests.drill.operators import CLOSING, OPENING, Statement, Token, name_of, parse

OPERATORS = ("compare", "constant", "sign", "branch", "call", "swap", "statement")
COMPARED = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
}
SIGNED = {"+": "-", "-": "+", "+=": "-=", "-=": "+="}
JOINED = {"and": "or", "or": "and"}
TRUTHS = {"True": "False", "False": "True"}
ASSIGNING = ("=", "+=", "-=", "*=", "//=", "|=", "&=")
DOUBLED_FROM = 1_000
"""A number as large as this is doubled: one more nanosecond is no other time."""
NO_SITES = (
    *("raise", "assert", "import", "from", "cimport", "global", "nonlocal", "del", "pass"),
    *("@", "def", "class", "try", "else", "except", "finally", "with", "match", "case"),
)
NUMBER = re.compile(r"\d[\d_]*$")


class Slot(Enum):
    """What a mutant takes the place of."""

    CONDITION = "condition"
    STATEMENT = "statement"
    VALUE = "value"


@dataclass(frozen=True)
class Change:
    """Tokens of a statement, by number, become other words."""

    operator: str
    first: int
    last: int
    new: str


@dataclass(frozen=True)
class Site:
    file: str
    function: str
    operator: str
    ordinal: int
    line: int
    slot: Slot
    start: int
    end: int
    """What is replaced, in characters of the file: the same for all sites of one statement."""
    new: str
    second: tuple[int, int] = (0, 0)
    """Of two calls that change places: where the other one stands, which is left out there."""

    @property
    def name(self) -> str:
        return f"{self.file}:{self.function}:{self.operator}:{self.ordinal}"


@dataclass(frozen=True)
class _Found:
    slot: Slot
    start: int
    end: int
    operator: str
    new: str
    second: tuple[int, int] = (0, 0)


def sites_of(text: str, file: str) -> list[Site]:
    """Every place of this source that can be changed, in the order of the text."""
    top = parse(text)
    numbers: Counter[tuple[str, str]] = Counter()
    found = []
    constants = _constants_of(top)
    at_import = {one.words[0] for one in top.block if _is_call(one.words)}
    for function, statement, behind in _statements(top, ""):
        if function in at_import:
            continue
        for one in _of_statement(text, statement, behind, constants):
            numbers[function, one.operator] += 1
            found.append(
                Site(
                    file=file,
                    function=function,
                    operator=one.operator,
                    ordinal=numbers[function, one.operator],
                    line=statement.line,
                    slot=one.slot,
                    start=one.start,
                    end=one.end,
                    new=one.new,
                    second=one.second,
                )
            )
    return found


def _constants_of(top: Statement) -> dict[str, int]:
    """Numbers that a source gives a name of its own, outside functions."""
    enums = [one for one in top.block if one.words[:2] == ["cdef", "enum"]]
    found = {}
    for one in [*top.block, *(inner for enum in enums for inner in enum.block)]:
        if len(one.words) > 2 and one.words[-2] == "=" and NUMBER.match(one.words[-1]):
            if one.words[-3].isupper():
                found[one.words[-3]] = int(one.words[-1])
    return found


def _statements(
    scope: Statement, function: str
) -> Iterator[tuple[str, Statement, Statement | None]]:
    """(function, statement, the one behind it) of all code inside functions."""
    for inner, behind in zip_longest(scope.block, scope.block[1:]):
        name = name_of(inner)
        if name:
            is_class = "class" in inner.words
            path = f"{function.rstrip('.')}.{name}" if function else name
            yield from _statements(inner, path + "." * is_class)
            continue
        if function and not function.endswith("."):
            yield function, inner, behind
        yield from _statements(inner, function)


def _of_statement(
    text: str, statement: Statement, behind: Statement | None, constants: dict[str, int]
) -> Iterator[_Found]:
    """Each mutant of one statement."""
    words = statement.words
    if words[0] in NO_SITES or ";" in words or words[0][0] in "\"'fr" and words[0][-1] in "\"'":
        return
    tokens = statement.tokens
    if words[0] in ("if", "elif", "while"):
        if words[-1] != ":":
            return
        first, last = 1, len(tokens) - 2
        start, end = tokens[first].start, tokens[last].end
        condition = text[start:end]
        for change in _changes(words, first, last, constants):
            new = _changed(text, tokens, first, last, change)
            yield _Found(Slot.CONDITION, start, end, change.operator, new)
        yield _Found(Slot.CONDITION, start, end, "branch", f"not ({condition})")
        yield _Found(Slot.CONDITION, start, end, "branch", "False")
        if words[0] != "while":
            yield _Found(Slot.CONDITION, start, end, "branch", "True")
        return
    if words[0] == "for":
        for i in range(words.index("in") + 1, _step_of_range(words)):
            new = _constant(words[i], constants)
            if new:
                yield _Found(Slot.VALUE, tokens[i].start, tokens[i].end, "constant", new)
        return
    if statement.block:
        return
    if words[0] == "cdef":
        first = _initial_value(words)
        if first:
            last = len(tokens) - 1
            slot = Slot.CONDITION if "bint" in words[:first] else Slot.VALUE
            for change in _changes(words, first, last, constants):
                new = _changed(text, tokens, first, last, change)
                yield _Found(slot, tokens[first].start, tokens[last].end, change.operator, new)
        return
    start, end = tokens[0].start, tokens[-1].end
    for change in _changes(words, 0, len(tokens) - 1, constants):
        new = _changed(text, tokens, 0, len(tokens) - 1, change)
        yield _Found(Slot.STATEMENT, start, end, change.operator, new)
    if _is_call(words):
        yield _Found(Slot.STATEMENT, start, end, "call", "pass")
        if behind and not behind.block and _is_call(behind.words) and behind.words != words:
            second = behind.tokens[0].start, behind.tokens[-1].end
            new = f"{text[slice(*second)]}\n{text[start:end]}"
            yield _Found(Slot.STATEMENT, start, end, "swap", new, second)
    elif _is_kept(words):
        yield _Found(Slot.STATEMENT, start, end, "statement", "pass")


def _changes(
    words: list[str], first: int, last: int, constants: dict[str, int]
) -> Iterator[Change]:
    """Mutations of one expression, or of a simple statement."""
    casts = _casts(words)
    silent = _inside_notes(words)
    for i in range(first, last + 1):
        word = words[i]
        if i in casts or i in silent:
            continue
        unary = i == 0 or _wants_operand(words, i - 1, casts)
        if word in COMPARED:
            yield Change("compare", i, i, COMPARED[word])
        elif word == "is":
            is_not = words[i + 1] == "not"
            yield Change("compare", i, i + is_not, "is" if is_not else "is not")
        elif word == "in" and "for" not in words:
            is_not = words[i - 1] == "not"
            yield Change("compare", i - is_not, i, "in" if is_not else "not in")
        elif word == "-" and unary:
            yield Change("sign", i, i, "")
        elif word in SIGNED and not unary:
            yield Change("sign", i, i, SIGNED[word])
        elif word in JOINED:
            yield Change("branch", i, i, JOINED[word])
        elif word == "if":
            end = _matching_else(words, i)
            if end:
                yield Change("branch", i, end, "if not (…) else")
        elif word == "side" and _is_whole_argument(words, i):
            start = i
            while start >= 2 and words[start - 1] == ".":
                start -= 2
            yield Change("sign", start, i, f"-{''.join(words[start : i + 1])}")
        elif words[i - 1 : i + 2] == ["[", "0", "]"]:
            continue  # what a pointer points to: behind it is somebody else's memory
        elif new := _constant(words[i], constants):
            yield Change("constant", i, i, new)


def _changed(text: str, tokens: list[Token], first: int, last: int, change: Change) -> str:
    """Tokens `first` to `last` as the change has them."""
    start, end = tokens[change.first].start, tokens[change.last].end
    new = change.new
    if "…" in new:
        new = new.replace("…", text[tokens[change.first + 1].start : tokens[change.last - 1].end])
    return text[tokens[first].start : start] + new + text[end : tokens[last].end]


def _constant(word: str, constants: dict[str, int]) -> str:
    if word in constants:
        return f"({word} * 2)" if constants[word] >= DOUBLED_FROM else f"({word} + 1)"
    if word in TRUTHS:
        # `in_full=False` of a signature never comes here: headers of functions hold no sites.
        return TRUTHS[word]
    if not NUMBER.match(word):
        return ""
    value = int(word)
    return str(2 * value if value >= DOUBLED_FROM else value + 1)


def _step_of_range(words: list[str]) -> int:
    """Where a loop's header gives its step, which C must know."""
    commas = [i for i, word in enumerate(words) if word == ","]
    is_counted = words[words.index("in") + 1] == "range" and len(commas) == 2
    return commas[-1] if is_counted else len(words)


def _wants_operand(words: list[str], i: int, casts: frozenset[int]) -> bool:
    """Does an operand follow this token, so that a sign behind it belongs to that operand?"""
    word = words[i]
    if i in casts:
        return word == ">"
    if word in CLOSING:
        return False
    is_name = word[0].isalnum() or word[0] in "_\"'"
    return not is_name or keyword.iskeyword(word) and word not in ("True", "False", "None")


def _casts(words: list[str]) -> frozenset[int]:
    """Tokens of Cython's `<type>`: a `<` where an operand must stand."""
    found: set[int] = set()
    for i, word in enumerate(words):
        if word == "<" and (i == 0 or _wants_operand(words, i - 1, frozenset(found))):
            found.update(range(i, words.index(">", i) + 1))
    return frozenset(found)


def _inside_notes(words: list[str]) -> frozenset[int]:
    """Tokens that are arguments of a notice."""
    found: set[int] = set()
    for i in range(len(words) - 3):
        if words[i : i + 2] == ["notes", "."] and words[i + 3] == "(":
            found.update(range(i + 4, _closing(words, i + 3)))
    return frozenset(found)


def _closing(words: list[str], at: int) -> int:
    depth = 0
    for i in range(at, len(words)):
        depth += (words[i] in OPENING) - (words[i] in CLOSING)
        if depth == 0:
            return i
    return len(words)


def _matching_else(words: list[str], at: int) -> int:
    """The `else` of a conditional expression; 0: that of a comprehension has none."""
    depth = nested = 0
    for i in range(at + 1, len(words)):
        depth += (words[i] in OPENING) - (words[i] in CLOSING)
        if depth < 0:
            return 0
        if depth == 0 and words[i] == "if":
            nested += 1
        if depth == 0 and words[i] == "else":
            if not nested:
                return i
            nested -= 1
    return 0


def _is_whole_argument(words: list[str], i: int) -> bool:
    """Is `….side` an argument by itself?"""
    start = i
    while start >= 2 and words[start - 1] == ".":
        start -= 2
    is_alone = words[start - 1 : start] in (["("], [","]) and words[i + 1 : i + 2] in ([")"], [","])
    return start < i and is_alone


def _initial_value(words: list[str]) -> int:
    """First token of a declaration's initial value; 0: it has none, or more than one has."""
    depth, at = 0, 0
    for i, word in enumerate(words):
        depth += (word in OPENING) - (word in CLOSING)
        if depth == 0 and word == "=":
            at = i + 1
        elif depth == 0 and word == "," and at:
            return 0
    return at


def _is_call(words: list[str]) -> bool:
    """`name(…)`, `a.b[c].d(…)`, and nothing else."""
    start = 1 if words[0] == "await" else 0
    if keyword.iskeyword(words[start]) or words[-1] != ")" or not words[start][0].isidentifier():
        return False
    at = start + 1
    while at < len(words):
        if words[at] == ".":
            at += 2
        elif words[at] in "([":
            at = _closing(words, at) + 1
        else:
            return False
    return at == len(words)


def _is_kept(words: list[str]) -> bool:
    """Does this statement change what outlives it: a member, an element, or a sum?"""
    depth = 0
    for i, word in enumerate(words):
        depth += (word in OPENING) - (word in CLOSING)
        if depth == 0 and word in ASSIGNING:
            return i > 1 or word != "="
        if depth == 0 and word in (":", ","):
            return False
    return False
