"""The prose linter finds what its table says, and leaves alone what is good."""

from pathlib import Path

import pytest

from tests import prose


@pytest.mark.parametrize("phrase", prose.PHRASES, ids=lambda phrase: phrase.pattern.pattern)
def test_each_phrase_finds_its_example_and_not_the_good_one(phrase: prose.Phrase) -> None:
    assert phrase.pattern.search(phrase.example)
    assert not any(one.pattern.search(phrase.good) for one in prose.PHRASES)


def test_a_phrase_is_found_across_lines_and_strings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text('one\nwho is hung up\non, and a\n"hung up"\n    f"on" too\n')
    assert [fault.split(": ")[0] for fault in prose.faults(page)] == ["page.md:2", "page.md:4"]


def test_the_scope_has_docs_and_commands_and_not_what_comes_next() -> None:
    names = {str(path.relative_to(prose.ROOT)) for path in prose.in_scope()}
    assert {"README.md", "docs/operations.md", "docs/howto/gate.md", "otrade/cli/main.py"} <= names
    assert "docs/drill.md" not in names and "CHANGELOG.md" not in names
    assert all((prose.ROOT / one).exists() for one in (*prose.TABLE["scope"], *prose.TABLE["next"]))


def test_files_of_a_commit_are_looked_at_only_inside_the_scope() -> None:
    assert prose.main([str(prose.ROOT / "CHANGELOG.md")]) == 0
