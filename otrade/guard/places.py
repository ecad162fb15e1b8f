"""Who has a place at a listener. Whoever has proved who he is keeps his; of all others the one who
has sat longest goes when a newcomer needs it. So no flood keeps the owner out: a new connection of
his has a place at once, and keeps it from his first good request on.
"""

from collections import OrderedDict
from typing import Protocol

from otrade.guard.client_address import address_group, is_this_computer
from otrade.guard.limits import Bucket, Limits

GROUPS_MAX = 1_024
"""Addresses whose rate is remembered; the one that was seen longest ago is forgotten first."""


class Guest(Protocol):
    """A connection, as far as places go."""

    group: str
    is_proven: bool


class Places:
    """The guests of one listener, in the order in which they came."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._guests: dict[Guest, None] = {}
        self._new: OrderedDict[str, Bucket] = OrderedDict()
        self.n_refused = 0
        self.n_sent_away = 0

    def __len__(self) -> int:
        return len(self._guests)

    def may_come(self, address: str, now_s: float) -> str | None:
        """The newcomer's group, or None when that address comes too often."""
        group = address_group(address)
        if is_this_computer(address):
            return group
        bucket = self._new.get(group)
        if bucket is None:
            bucket = Bucket(self._limits.new_per_s, self._limits.new_burst, now_s)
            self._new[group] = bucket
            if len(self._new) > GROUPS_MAX:
                self._new.popitem(last=False)
        self._new.move_to_end(group)
        if bucket.has(1, now_s):
            return group
        self.n_refused += 1
        return None

    def find(self, group: str, address: str) -> tuple[bool, Guest | None]:
        """Whether there is a place for a newcomer, and who must go for it."""
        if not is_this_computer(address):
            theirs = [guest for guest in self._guests if guest.group == group]
            if len(theirs) >= self._limits.per_address:
                return self._oldest(theirs)
        if len(self._guests) >= self._limits.connections:
            return self._oldest(list(self._guests))
        return True, None

    def _oldest(self, guests: list[Guest]) -> tuple[bool, Guest | None]:
        victim = next((guest for guest in guests if not guest.is_proven), None)
        if victim is None:
            self.n_refused += 1
            return False, None
        self.n_sent_away += 1
        return True, victim

    def add(self, guest: Guest) -> None:
        self._guests[guest] = None

    def remove(self, guest: Guest) -> None:
        self._guests.pop(guest, None)

    def all(self) -> list[Guest]:
        return list(self._guests)
