"""What a library imports and an engine never runs is left out while the library is imported: it
costs memory and time at every start.

A module that is there already is left alone. Should a later version of a library really use what is
missing, its import fails at once, and the tests with it.
"""

import contextlib
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any


@contextlib.contextmanager
def without(stand_ins: Mapping[str, Mapping[str, Any] | None]) -> Iterator[None]:
    """While this lasts, importing one of these names gives a module with those attributes, or, for
    None, an ImportError. Who has imported a stand-in keeps it; everybody else gets the real module
    from then on.
    """
    missing = [name for name in stand_ins if name not in sys.modules]
    for name in missing:
        attributes = stand_ins[name]
        if attributes is None:
            sys.modules[name] = None  # type: ignore[assignment]
            continue
        module = sys.modules[name] = types.ModuleType(name)
        vars(module).update(attributes)
        package, _, last = name.rpartition(".")
        if package in sys.modules:
            setattr(sys.modules[package], last, module)
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]
