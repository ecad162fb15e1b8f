"""Blocks of a function: who dominates whom, natural loops, and the longest way through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Edges = Mapping[int, Sequence[int]]


class Tangled(Exception):
    """A cycle that is no loop with one head."""


@dataclass
class Loop:
    head: int
    latches: set[int] = field(default_factory=set)
    body: set[int] = field(default_factory=set)


def _postorder(edges: Edges, entry: int) -> list[int]:
    seen, found = {entry}, []
    stack = [(entry, iter(edges[entry]))]
    while stack:
        node, rest = stack[-1]
        for target in rest:
            if target not in seen:
                seen.add(target)
                stack.append((target, iter(edges[target])))
                break
        else:
            stack.pop()
            found.append(node)
    return found


def dominators(edges: Edges, entry: int = 0) -> dict[int, int]:
    """The nearest dominator of each block that is reached (Cooper, Harvey and Kennedy 2001)."""
    order = _postorder(edges, entry)
    number = {node: at for at, node in enumerate(order)}
    before: dict[int, list[int]] = {node: [] for node in order}
    for node in order:
        for target in edges[node]:
            before[target].append(node)
    nearest = {entry: entry}

    def common(a: int, b: int) -> int:
        while a != b:
            while number[a] < number[b]:
                a = nearest[a]
            while number[b] < number[a]:
                b = nearest[b]
        return a

    changed = True
    while changed:
        changed = False
        for node in reversed(order[:-1]):
            known = [one for one in before[node] if one in nearest]
            found = known[0]
            for other in known[1:]:
                found = common(found, other)
            if nearest.get(node) != found:
                nearest[node] = found
                changed = True
    return nearest


def dominates(nearest: Mapping[int, int], above: int, node: int) -> bool:
    while node != above and nearest[node] != node:
        node = nearest[node]
    return node == above


def loops(edges: Edges, nearest: Mapping[int, int]) -> dict[int, Loop]:
    """Natural loops by their heads."""
    before: dict[int, list[int]] = {node: [] for node in nearest}
    for node in nearest:
        for target in edges[node]:
            before[target].append(node)
    found: dict[int, Loop] = {}
    for node in nearest:
        for head in edges[node]:
            if dominates(nearest, head, node):
                loop = found.setdefault(head, Loop(head, body={head}))
                loop.latches.add(node)
                todo = [node]
                while todo:
                    one = todo.pop()
                    if one not in loop.body:
                        loop.body.add(one)
                        todo += before[one]
    return found


def longest(
    edges: Edges, found: Mapping[int, Loop], rounds: Mapping[int, int], weight: Callable[[int], int]
) -> int:
    """Of all ways from the entry to a return, the most that it weighs; a block in a loop counts for each
    round. A way that leaves a loop early is taken to have gone round it to the end.
    """
    forward: dict[int, set[int]] = {
        node: {t for t in edges[node] if not (t in found and node in found[t].latches)}
        for node in edges
    }
    latches = {head: set(loop.latches) for head, loop in found.items()}
    for head in sorted(found, key=lambda one: len(found[one].body)):
        body = found[head].body
        for target in {t for node in body for t in edges[node] if t not in body}:
            if target in found and body < found[target].body:
                latches[target] |= latches[head]  # it leaves to the next round of an outer loop
            else:
                for node in latches[head]:
                    forward[node].add(target)
    times = {node: 1 for node in edges}
    for head, loop in found.items():
        for node in loop.body:
            times[node] *= rounds[head]
    order = _postorder({node: sorted(targets) for node, targets in forward.items()}, 0)
    at = {node: n for n, node in enumerate(order)}
    heaviest: dict[int, int] = {}
    for node in order:
        if any(at[target] >= at[node] for target in forward[node]):
            raise Tangled
        heaviest[node] = weight(node) * times[node] + max(
            (heaviest[target] for target in forward[node]), default=0
        )
    return heaviest[0]
