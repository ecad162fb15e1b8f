"""What a process that we start finds in its environment: a list, and nothing beside it."""

import os
from collections.abc import Mapping, Sequence

SYSTEM = (
    *("PATH", "HOME", "USER", "TMPDIR", "TZ", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE"),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONUTF8"),
)
"""What any program may need, and no secret."""
PATHS = ("PYTHONPATH", "LD_LIBRARY_PATH")
"""Without them a child might not find what this process has found; a place in them that is not
absolute would be the working directory.
"""


def environment_of(names: Sequence[str], env: Mapping[str, str]) -> dict[str, str]:
    """What of `env` is on the list."""
    found = {name: env[name] for name in names if name in env}
    for name in PATHS:
        places = [place for place in env.get(name, "").split(os.pathsep) if os.path.isabs(place)]
        if places:
            found[name] = os.pathsep.join(places)
    return found
