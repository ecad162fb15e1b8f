"""Which build a drill was run with: the same seed is the same session of one build alone."""

import hashlib
from pathlib import Path

import otrade

SOURCES = ("*.py", "*.pyx", "*.pxd")
BINARIES = ("*.so", "*.pyd")


def build_of(root: Path) -> str:
    """A digest of the package's sources, and of the strategy files that are shipped beside it, which
    sessions draw. A compiled module counts by its source where that is there,
    since two compilers make two files of it, and by itself where it is not.
    """
    files = [path for pattern in SOURCES for path in root.rglob(pattern)]
    there = {path.relative_to(root).with_suffix("").as_posix() for path in files}
    files += [
        path
        for pattern in BINARIES
        for path in root.rglob(pattern)
        if path.relative_to(root).as_posix().partition(".")[0] not in there
    ]
    files += root.parent.glob("strategies/*.py")
    digest = hashlib.sha256()
    for path in sorted(files):
        text = path.read_bytes()
        digest.update(f"{path.relative_to(root.parent).as_posix()} {len(text)}\n".encode())
        digest.update(text)
    return digest.hexdigest()[:16]


def this_build() -> str:
    """Version, and digest of what is run."""
    return f"{otrade.__version__} {build_of(Path(otrade.__file__).parent)}"
