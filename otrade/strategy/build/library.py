"""A compiled strategy as it lies on the disk: a library and, beside it, what was built from what.

Both are for their owner only, in a folder that nobody else may enter. The library's name carries the hash of
what it was made from and its own: a library that is loaded already is never loaded again from its path, whatever the file is by then.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

import msgspec

from otrade._core.cpu_check import CPU
from otrade._core.kernels import strategy_abi as abi
from otrade._core.kernels import wilder
from otrade.errors import StrategyError
from otrade.plain_file import read_plain
from otrade.strategy.check.spec import Spec

FOLDER_MODE = 0o700
LIBRARY_BYTES_MAX = 16 << 20
SCRATCH = ".build-"
"""Folders of a compiler at work begin so."""
UNUSED_DAYS = 30
"""A library that no start has used for so long is removed; whoever wants it again compiles it."""
DAY_S = 86_400
SOURCES = Path(__file__).parents[1]
OF_A_BUILD = ("words", "indicators", "check", "build")
_MADE = re.compile(r"[A-Za-z_]\w*-[0-9a-f]{16}(-[0-9a-f]{16}\.so|\.json)")
"""Names of libraries and of what tells of them; nothing else is ever removed."""


class BuildManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands beside a library. `cost`: of each hook, instructions in the worst case."""

    key: str
    library: str
    sha256: str
    source_sha256: str
    abi: str
    cpu: str
    cost: dict[str, int]


@dataclass(frozen=True)
class Library:
    """One that has been found whole: `path` is the file to load."""

    spec: Spec
    manifest: BuildManifest
    path: Path


def compiler_id() -> str:
    """Changes with everything of ours that a compiled strategy is made by."""
    digest = hashlib.sha256(abi.abi_id().encode())
    digest.update(Path(wilder.__file__).read_bytes())
    for folder in OF_A_BUILD:
        for path in sorted((SOURCES / folder).glob("*.py")):
            digest.update(f"{folder}/{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def key_of(spec: Spec, cpu: str) -> str:
    """The hash of what a library is made from: source, ABI, compiler, processor level."""
    digest = hashlib.sha256(f"{compiler_id()}\0{cpu}\0".encode() + spec.source)
    return digest.hexdigest()[:16]


def require_private(folder: Path) -> None:
    """StrategyError unless the folder is ours and nobody else may enter it."""
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise StrategyError(
            f"{folder}: not a folder of this user; compiled strategies need one of their own"
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise StrategyError(f"{folder}: others may enter it; run chmod 700 {folder}")


def read_private(path: Path) -> bytes:
    """The bytes of a file that is ours alone. StrategyError when it is not."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            raise StrategyError(f"{path}: no ordinary file; build the strategy again")
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o177:
            raise StrategyError(
                f"{path}: not ours alone (owner {found.st_uid}, mode {stat.S_IMODE(found.st_mode):o}); build the strategy again"
            )
        return read_plain(path, LIBRARY_BYTES_MAX)
    except OSError as error:
        raise StrategyError(f"{path}: cannot be read: {error.strerror or error}") from None


def folder_of(var: Path) -> Path:
    """Where the libraries of an engine's directory are."""
    return var / "strategies"


def use(library: Library) -> None:
    """A day's start goes by it: it is kept, and so is what tells of it."""
    for path in (
        library.path,
        _described(library.path.parent, library.spec.name, library.manifest.key),
    ):
        os.utime(path)


def remove_unused(folder: Path, now_s: float) -> list[str]:
    """Remove what no start has used for `UNUSED_DAYS`, and what a compiler that was cut off has left.
    The names of the libraries. A library that is loaded goes on without its file.
    """
    removed = []
    for path in sorted(folder.iterdir()):
        try:
            is_old = now_s - path.lstat().st_mtime > UNUSED_DAYS * DAY_S
            if path.name.startswith(SCRATCH) and now_s - path.lstat().st_mtime > DAY_S:
                shutil.rmtree(path)
            elif is_old and _MADE.fullmatch(path.name):
                path.unlink()
                removed += [path.name] if path.suffix == ".so" else []
        except OSError:
            continue  # another process has been faster, or nobody may: the next start looks again
    return removed


def _described(folder: Path, name: str, key: str) -> Path:
    return folder / f"{name}-{key}.json"


def find(folder: Path, spec: Spec, cpu: str) -> Library | None:
    """What was built from this source for this processor, or None. StrategyError when what lies there is
    not what was built.
    """
    described = _described(folder, spec.name, key_of(spec, cpu))
    if not described.exists():
        return None
    require_private(folder)
    try:
        manifest = msgspec.json.decode(read_private(described), type=BuildManifest)
    except msgspec.DecodeError as error:
        raise StrategyError(
            f"{described}: cannot be read ({error}); build the strategy again"
        ) from None
    if Path(manifest.library).name != manifest.library:
        raise StrategyError(f"{described}: names a library elsewhere; build the strategy again")
    return Library(spec, manifest, folder / manifest.library)


def standing(folder: Path, spec: Spec, cpu: str = CPU) -> Library | None:
    """One that needs no compiler. What lies there damaged is none."""
    try:
        found = find(folder, spec, cpu)
        return found if found is not None and found.path.is_file() else None
    except StrategyError:
        return None
