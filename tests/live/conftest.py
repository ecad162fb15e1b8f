"""What the tests of a whole engine share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an engine is started, and writes what it writes."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
