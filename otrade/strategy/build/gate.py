"""The last gate: reads the optimised code that is about to be emitted, and trusts nothing before it.

1. Calls: a few exact intrinsics; no other function, no address of this process.
2. Memory: each load and store is traced to an argument of the hook, and its offset, as a range, must lie
   inside that record; a store's record must be one that a strategy writes. No stack, no pointer in memory.
3. Loops: each has an exit that is taken after a number of rounds found by running its counter.
4. Integer division: the divisor is neither 0 nor -1 by its range (either kills the process on x86).
5. Cost: instructions on the longest way, each block times the rounds of its loops.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from otrade.strategy.build import flow, intervals
from otrade.strategy.build.intervals import Span

COST_MAX = 20_000
ROUNDS_MAX = 8_192
INTRINSICS = frozenset(
    "fabs sqrt floor ceil trunc copysign minnum maxnum minimum maximum minimumnum maximumnum "
    "smin smax umin umax abs fptosi.sat memset memcpy memmove lifetime.start lifetime.end "
    "experimental.noalias.scope.decl usub.sat uadd.sat".split()
)
PLAIN = frozenset(
    "load store getelementptr br ret phi select icmp fcmp add sub mul and or xor shl lshr ashr "
    "sdiv srem udiv urem zext sext trunc sitofp uitofp fadd fsub fmul fdiv fneg call switch "
    "freeze bitcast".split()
)
FORBIDDEN = re.compile(
    r"\b(volatile|atomic|fast|contract|reassoc|arcp|afn|asm|inttoptr|ptrtoint|addrspace)\b"
)
NAMES = re.compile(r'[%@](?:"[^"]*"|[\w.$-]+)')
"""Values carry the names of the user's variables, which may be called as he likes."""
RANGED = frozenset("add sub mul and or xor urem shl lshr ashr".split())


class GateRefusal(Exception):
    """Code that must not run in the engine."""


def refuse(what: str) -> NoReturn:
    raise GateRefusal(what)


def width(kind: str) -> int:
    """Bytes of a type, given as text."""
    if found := re.fullmatch(r"[\[<](\d+) x (.*)[\]>]", kind):
        return int(found[1]) * width(found[2])
    if found := re.fullmatch(r"i(\d+)", kind):
        return (int(found[1]) + 7) // 8
    sizes = {"double": 8, "float": 4}
    return sizes[kind] if kind in sizes else refuse(f"memory of type {kind}")


class Gate:
    """`arguments`: of each pointer in order the record's name, its bytes, and whether it may be written."""

    def __init__(self, module: Any, symbol: str, arguments: list[tuple[str, int, bool]]) -> None:
        function = module.get_function(symbol)
        self.arguments = dict(zip(function.arguments, arguments, strict=True))
        self.tables = {g.name: g for g in module.global_variables}
        blocks = list(function.blocks)
        self.code = {at: list(block.instructions) for at, block in enumerate(blocks)}
        self.home = {one: at for at, code in self.code.items() for one in code}
        self.whole = {one: one for one in self.home}
        """An operand is the same value in another wrapper, which knows less."""
        number = {block: at for at, block in enumerate(blocks)}
        self.numbers = {block.name: at for at, block in enumerate(blocks)}
        self.edges = {
            at: [number[o] for o in code[-1].operands if o.value_kind.name == "basic_block"]
            for at, code in self.code.items()
        }
        self.known: dict[Any, Span] = {}
        self.asked: set[Any] = set()
        self.counters: dict[Any, Span] = {}

    def run(self) -> dict[str, int]:
        """What is worth telling: the worst case, instructions, loops."""
        if len(self.numbers) < len(self.edges):
            refuse("blocks that cannot be told apart")
        nearest = flow.dominators(self.edges)
        if len(nearest) < len(self.edges):
            refuse("code that is never reached")
        found = flow.loops(self.edges, nearest)
        rounds = {head: self._rounds(loop, nearest) for head, loop in found.items()}
        self.known.clear()  # asked before the counters were known: true, but wide
        for code in self.code.values():
            for one in code:
                try:
                    self._instruction(one)
                except GateRefusal as refusal:
                    refuse(f"{refusal} in `{str(one).strip()[:150]}`")
        try:
            cost = flow.longest(self.edges, found, rounds, self._weight)
        except flow.Tangled:
            refuse("a loop that is entered at two places")
        if cost > COST_MAX:
            refuse(f"{cost} instructions in the worst case; {COST_MAX} are allowed")
        return {
            "cost": cost,
            "instructions": sum(map(len, self.code.values())),
            "loops": len(found),
        }

    def _weight(self, block: int) -> int:
        return sum(one.opcode != "phi" for one in self.code[block])

    def _operands(self, one: Any) -> list[Any]:
        return [self.whole.get(operand, operand) for operand in one.operands]

    # -------------------------------------------------------------------------- one instruction
    def _instruction(self, one: Any) -> None:
        op = one.opcode
        if op not in PLAIN:
            refuse(f"the instruction {op}")
        if FORBIDDEN.search(NAMES.sub("", str(one))):
            refuse("a volatile, atomic or inexact instruction, or an address")
        operands = self._operands(one)
        if op == "load":
            if str(one.type) == "ptr":
                refuse("a pointer from memory")
            self._access(operands[0], width(str(one.type)), False)
        elif op == "store":
            if str(operands[0].type) == "ptr":
                refuse("a pointer into memory")
            self._access(operands[1], width(str(operands[0].type)), True)
        elif op in ("sdiv", "srem", "udiv", "urem"):
            low, high = self.span(operands[1])
            if low <= 0 <= high or low <= -1 <= high:
                refuse(f"a division by a whole number of {low} to {high}")
        elif op == "call":
            self._call(operands)

    def _call(self, operands: list[Any]) -> None:
        name = operands[-1].name
        parts = name.split(".")
        words = {".".join(parts[1:n]) for n in range(2, len(parts) + 1)}
        if parts[0] != "llvm" or not words & INTRINSICS:
            refuse(f"a call of {name or 'an address'}")
        if name.startswith("llvm.mem"):
            low, high = self.span(operands[2])
            if low < 0:
                refuse("memory of an unknown length")
            self._access(operands[0], high, True)
            if not name.startswith("llvm.memset"):
                self._access(operands[1], high, False)

    def _access(self, pointer: Any, size: int, is_store: bool) -> None:
        for root, low, high in self._roots(pointer, frozenset()):
            if isinstance(root, str):  # a constant table of this module
                name, room, is_open = root, width(str(self.tables[root].global_value_type)), False
            else:
                name, room, is_open = self.arguments[root]
            if low < 0 or high + size > room:
                what = "a write" if is_store else "a read"
                refuse(f"{what} of {name} at bytes {low} to {high + size}; it has {room}")
            if is_store and not is_open:
                refuse(f"a write to {name}")

    def _roots(self, pointer: Any, seen: frozenset[Any]) -> list[tuple[Any, int, int]]:
        """The arguments that a pointer may lie in, and the lowest and highest offset."""
        if pointer in seen:
            refuse("a pointer that walks through a loop")
        if pointer in self.arguments:
            return [(pointer, 0, 0)]
        if not pointer.is_instruction:
            table = self.tables.get(pointer.name)
            if table is not None and " constant " in str(table):
                return [(pointer.name, 0, 0)]
            refuse(f"a pointer that is no record: {str(pointer)[:60]}")
        operands, seen = self._operands(pointer), seen | {pointer}
        if pointer.opcode in ("phi", "select"):
            ways = operands if pointer.opcode == "phi" else operands[1:]
            return [root for way in ways for root in self._roots(way, seen)]
        if pointer.opcode != "getelementptr":
            refuse(f"a pointer made by {pointer.opcode}")
        found = re.search(r"getelementptr (?:inbounds |nuw |nusw )*(.+?), ptr", str(pointer))
        kind = found[1] if found else refuse("a pointer that cannot be read")
        low = high = 0
        for n, index in enumerate(operands[1:]):
            if n:
                inner = re.fullmatch(r"\[\d+ x (.*)\]", kind)
                kind = inner[1] if inner else refuse(f"a pointer into {kind}")
            a, b = self.span(index)
            low, high = low + a * width(kind), high + b * width(kind)
        return [(root, x + low, y + high) for root, x, y in self._roots(operands[0], seen)]

    # ----------------------------------------------------------------------------------- ranges
    def span(self, value: Any) -> Span:
        """The range of an integer; asked of itself in a circle, everything."""
        bits = intervals.bits_of(value) or refuse(f"an index that is a {value.type}")
        if value in self.known:
            return self.known[value]
        if value in self.counters:
            return self.counters[value]
        if value in self.asked:
            return intervals.full(bits)
        self.asked.add(value)
        found = self._span(value, bits)
        self.asked.discard(value)
        self.known[value] = found
        return found

    def _span(self, value: Any, bits: int) -> Span:
        if not value.is_instruction:
            found = re.fullmatch(r"i\d+ (-?\d+|true|false)", str(value).strip())
            if not found:
                return intervals.full(bits)
            number = {"true": 1, "false": 0}.get(found[1])
            exact = intervals.signed(int(found[1]) if number is None else number, bits)
            return exact, exact
        operands, op = self._operands(value), value.opcode
        if op in ("phi", "select"):
            spans = [self.span(one) for one in (operands if op == "phi" else operands[1:])]
            return min(low for low, _ in spans), max(high for _, high in spans)
        if op in ("zext", "sext", "trunc"):
            source = intervals.bits_of(operands[0])
            return intervals.converted(op, self.span(operands[0]), source, bits)
        if op == "freeze":
            return self.span(operands[0])
        if op == "call" and len(operands) == 3 and intervals.bits_of(operands[1]) == bits:
            a, b = self.span(operands[0]), self.span(operands[1])
            return intervals.call(operands[-1].name, a, b, bits)
        if op in RANGED:
            return intervals.binary(op, self.span(operands[0]), self.span(operands[1]), bits)
        return intervals.full(bits)

    # ------------------------------------------------------------------------------------ loops
    def _rounds(self, loop: flow.Loop, nearest: dict[int, int]) -> int:
        """The least that any exit allows which is asked in every round."""
        found = []
        for block in loop.body:
            every_round = all(flow.dominates(nearest, block, latch) for latch in loop.latches)
            leaves = [target not in loop.body for target in self.edges[block]]
            if every_round and len(leaves) == 2 and leaves.count(True) == 1:
                count = self._count(loop, self.code[block][-1])
                if count:
                    found.append(count)
        count = min(found) if found else refuse("a loop without a counter that ends it")
        for one in self.code[loop.head]:
            self._bound(one, loop, count)
        return count

    def _bound(self, phi: Any, loop: flow.Loop, rounds: int) -> None:
        """Any other counter of the loop lies between its first value and its last."""
        counter = self._counter(phi, loop) if intervals.bits_of(phi) else None
        if counter is None:
            return
        start, step = counter
        ends = start, start + step * (rounds - 1)
        low, high = intervals.full(intervals.bits_of(phi))
        if low <= min(ends) and max(ends) <= high:
            known = self.counters.get(phi, (low, high))
            self.counters[phi] = max(known[0], min(ends)), min(known[1], max(ends))

    def _count(self, loop: flow.Loop, branch: Any) -> int:
        """Rounds until this exit is taken; 0 where it cannot be told."""
        condition = self._operands(branch)[0]
        names: list[str] = re.findall(r'label %("[^"]*"|[\w.$-]+)', str(branch))
        stays_on = self.numbers[names[0].strip('"')] in loop.body
        if not condition.is_instruction:
            return 0
        if condition.opcode == "phi":
            return self._of_two(condition, loop, stays_on)
        if condition.opcode != "icmp":
            return 0
        shape = re.search(r"icmp (?:samesign )?(\w+) ", str(condition))
        left, right = self._operands(condition)
        bits = intervals.bits_of(left)
        if shape is None or not bits:
            return 0
        phi, shift = self._from_counter(left)
        counter = self._counter(phi, loop)
        if counter is None or self.home.get(right, -1) in loop.body:
            return 0
        start, step = counter
        end = self.span(right)
        if end[0] == end[1]:
            count = _run(shape[1], start, step, shift, end[0], bits, stays_on)
        else:
            count = _most_rounds(shape[1], start + shift, step, end, stays_on)
        return count if count <= ROUNDS_MAX else 0

    def _of_two(self, phi: Any, loop: flow.Loop, stays_on: bool) -> int:
        """A loop of two rounds has no counter left: what it asks is one constant first, then another."""
        if self.home[phi] != loop.head:
            return 0
        first: set[int | None] = set()
        then: set[int | None] = set()
        for value, block in zip(self._operands(phi), phi.incoming_blocks, strict=True):
            (then if self.numbers[block.name] in loop.body else first).add(self._constant(value))
        if None in first | then:
            return 0
        if all(bool(one) != stays_on for one in first):
            return 1
        return 2 if all(bool(one) != stays_on for one in then) else 0

    def _constant(self, value: Any) -> int | None:
        if not intervals.bits_of(value):
            return None
        low, high = self.span(value)
        return low if low == high else None

    def _from_counter(self, value: Any) -> tuple[Any, int]:
        """A counter, or its next value: the phi, and what is added to it."""
        if value.is_instruction and value.opcode in ("add", "sub"):
            inner, step = self._operands(value)
            exact = self._constant(step)
            if exact is not None:
                return inner, exact if value.opcode == "add" else -exact
        return value, 0

    def _counter(self, phi: Any, loop: flow.Loop) -> tuple[int, int] | None:
        """Start and step of a number that each round of the loop moves by a constant."""
        if not phi.is_instruction or phi.opcode != "phi" or self.home[phi] != loop.head:
            return None
        starts: set[int | None] = set()
        steps: set[int | None] = set()
        for value, block in zip(self._operands(phi), phi.incoming_blocks, strict=True):
            if self.numbers[block.name] not in loop.body:
                starts.add(self._constant(value))
                continue
            inner, step = self._from_counter(value)
            steps.add(step if inner == phi else None)
        if len(starts) != 1 or len(steps) != 1:
            return None
        start, by = starts.pop(), steps.pop()
        return (start, by) if start is not None and by else None


def _run(
    predicate: str, start: int, step: int, shift: int, end: int, bits: int, stays_on: bool
) -> int:
    """Rounds until the test against a constant comes out the other way; 0 for too many."""
    value = start
    for n in range(1, ROUNDS_MAX + 1):
        now = intervals.signed(value + shift, bits)
        if intervals.compare(predicate, now, end, bits) != stays_on:
            return n
        value = intervals.signed(value + step, bits)
    return 0


def _most_rounds(predicate: str, first: int, step: int, end: Span, stays_on: bool) -> int:
    """The most rounds of a counter that goes up by one, against an end that stays the same in the loop
    and of which only the range is known; 0 where nothing is sure.
    """
    low, high = end
    if step != 1 or first < 0 or low < first or high - first >= ROUNDS_MAX:
        return 0  # a counter past its end would go round all numbers
    if (predicate, stays_on) in (
        ("ne", True),
        ("eq", False),
        ("slt", True),
        ("ult", True),
        ("sge", False),
        ("uge", False),
    ):
        return high - first + 1
    if (predicate, stays_on) in (("sle", True), ("ule", True), ("sgt", False), ("ugt", False)):
        return high - first + 2
    return 0
