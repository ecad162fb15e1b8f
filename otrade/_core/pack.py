"""A struct of `types.py`, filled from the attributes of an object that have its fields' names.

So a report is spelled once: a broker's `OrderReport` has the names of `report_t`, and nothing
between the two repeats them.
"""

import struct
from collections.abc import Callable
from operator import attrgetter

from otrade._core.types import STRUCTS

CODES = {"i8": "q", "i4": "i", "u4": "I", "u1": "B", "f8": "d"}
"""Of `struct`, for the codes of `STRUCTS`; texts (`c`) have a length instead."""


def field_names(name: str) -> tuple[str, ...]:
    """The fields of a struct, padding left out."""
    return tuple(field[0] for field in STRUCTS[name] if not field[0].startswith("_"))


def packer(name: str) -> Callable[[object], bytes]:
    """A function that makes the struct's bytes of an object. A text is cut to what its field holds;
    what is not ASCII in it becomes a question mark. For structs whose gaps are spelled.
    """
    codes = []
    texts: list[tuple[int, int]] = []
    names = field_names(name)
    for field, code, *length in STRUCTS[name]:
        if field.startswith("_"):
            codes.append(f"{struct.calcsize(CODES[code])}x")
        elif code == "c":
            codes.append(f"{length[0]}s")
            texts.append((names.index(field), int(length[0]) - 1))
        else:
            codes.append(CODES[code])
    layout = struct.Struct("<" + "".join(codes))
    fields_of = attrgetter(*names)

    def pack(source: object) -> bytes:
        values = list(fields_of(source))
        for at, length in texts:
            values[at] = values[at].encode("ascii", "replace").partition(b"\0")[0][:length]
        return layout.pack(*values)

    return pack
