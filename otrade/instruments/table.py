"""A sorted table in a file: lines `key TAB value`, found by bisection in mapped memory. What is not
looked for is never read.

The first line says the format, what the table is of, and the CRC-32 and size of all that follows.
It is written beside its place and moved there, so that a table is whole or not there; a damaged one
is refused by name.
"""

from __future__ import annotations

import heapq
import mmap
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from otrade.errors import InstrumentError
from otrade.plain_file import new_file, open_own, own_folder

FORMAT = "OTRADE-TABLE-1"
RUN_LINES = 50_000
"""Lines that are sorted in memory at once."""
CHUNK = 1 << 20


class SortedTable:
    """An opened table. `about` is what its writer said of it. Close it, or leave it to the end of
    the process.
    """

    def __init__(self, path: Path) -> None:
        """InstrumentError when it is not there, of another format, cut short or damaged."""
        self.path = path
        try:
            with open_own(path) as file:
                head = file.readline(1_000).decode(errors="replace").split("\t")
                if len(head) != 4 or head[0] != FORMAT or not head[2].isdigit():
                    raise InstrumentError(
                        f"{path}: no instrument table of this build; fetch the instruments again"
                    )
                self.about, size, crc = head[1], int(head[2]), head[3].strip()
                self._start = file.tell()
                found, n = 0, 0
                while chunk := file.read(CHUNK):
                    found, n = zlib.crc32(chunk, found), n + len(chunk)
                if n != size or f"{found:08x}" != crc:
                    raise InstrumentError(
                        f"{path}: cut short or damaged; delete it and fetch the instruments again"
                    )
                if not size:
                    raise InstrumentError(
                        f"{path}: there is no instrument in it; fetch the instruments again"
                    )
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise InstrumentError(f"{path}: cannot be read ({error.strerror})") from None

    def first(self, key: str) -> str | None:
        """The value of a key; of several the first in order."""
        for found, value in self.prefix(key + "\t"):
            return value if found == key else None
        return None

    def prefix(self, prefix: str) -> Iterator[tuple[str, str]]:
        """(key, value) of every line that begins so, in order."""
        wanted = prefix.encode()
        at = self._first_not_below(wanted)
        while at < len(self._map):
            end = self._map.find(b"\n", at)
            line = self._map[at:end]
            if not line.startswith(wanted):
                return
            key, _, value = line.partition(b"\t")
            yield key.decode(), value.decode()
            at = end + 1

    def _first_not_below(self, wanted: bytes) -> int:
        """Where the first line begins that is not below `wanted`."""
        low, high = self._start, len(self._map)  # both begin lines, or the end
        while low < high:
            middle = (low + high) // 2
            start = self._map.rfind(b"\n", low, middle) + 1 or low
            end = self._map.find(b"\n", start) + 1
            if self._map[start : end - 1] < wanted:
                low = end
            else:
                high = start
        return low

    def close(self) -> None:
        self._map.close()


def write_table(path: Path, about: str, lines: Iterable[tuple[str, str]]) -> int:
    """Sort and write (key, value) lines; how many. Memory is bounded by `RUN_LINES`. OSError when
    the disk refuses.
    """
    own_folder(path.parent)
    n = 0
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".table-") as work:
        runs: list[Path] = []
        for run in _runs(lines):
            n += len(run)
            runs.append(Path(work) / f"{len(runs)}")
            runs[-1].write_bytes(b"".join(run))
        body, crc, size = Path(work) / "body", 0, 0
        files = [run.open("rb") for run in runs]
        try:
            with body.open("wb") as out:
                for line in heapq.merge(*files):
                    out.write(line)
                    crc, size = zlib.crc32(line, crc), size + len(line)
        finally:
            for file in files:
                file.close()
        whole = Path(work) / "whole"
        with new_file(whole) as out, body.open("rb") as file:
            out.write(f"{FORMAT}\t{about}\t{size}\t{crc:08x}\n".encode())
            while chunk := file.read(CHUNK):
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        os.replace(whole, path)
    return n


def _runs(lines: Iterable[tuple[str, str]]) -> Iterator[list[bytes]]:
    run: list[bytes] = []
    for key, value in lines:
        run.append(f"{key}\t{value}\n".encode())
        if len(run) == RUN_LINES:
            yield sorted(run)
            run = []
    if run:
        yield sorted(run)
