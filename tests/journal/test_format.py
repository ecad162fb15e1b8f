"""A journal says in which format it was written, and a build that would read its records wrongly
refuses it by name.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from otrade._core import build_id
from otrade._core.kernels import aot
from otrade._core.types import STRUCTS
from otrade.errors import JournalError
from otrade.journal import layout
from otrade.journal.layout import FORMAT, Header
from otrade.journal.scan import check

IN_RECORDS = ("report_t", "answer_t", "command_t", "notice_t", "signal_rec_t", "signal_t")
"""Structs that records hold byte for byte."""
DIGESTS = {2: "afad5999a1996252"}
"""What each format's structs were. A changed struct is a new format: raise `FORMAT`, and add its
line here.
"""


def digest() -> str:
    return hashlib.sha256(
        repr([(name, STRUCTS[name]) for name in IN_RECORDS]).encode()
    ).hexdigest()[:16]


def test_a_changed_record_has_a_new_format() -> None:
    assert max(DIGESTS) == FORMAT
    assert DIGESTS[FORMAT] == digest(), (
        "a struct that records hold has changed: raise FORMAT in otrade/journal/layout.py"
    )


def test_a_journal_of_another_format_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "2026-11-23.otj"
    identity = {"day": "2026-11-23", "account": "a", "engine": "e", "mode": "live"}
    with monkeypatch.context() as before:
        before.setattr(layout, "FORMAT", FORMAT - 1)
        path.write_bytes(Header(identity, 1).to_bytes())
    with pytest.raises(
        JournalError,
        match=f"has format {FORMAT - 1}, and this build reads format {FORMAT}: use the build that wrote it",
    ):
        check(path)


def test_the_core_knows_its_sources() -> None:
    assert build_id.CORE == aot.core_id(), "the core was built from other sources: run make build"
