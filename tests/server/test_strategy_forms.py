"""Strategy files on the page's form: parameters with bounds and words, and what a file refuses."""

from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from otrade.config import ConfigManager
from otrade.contract.queries import ConfigDraft, ConfigVerdict
from otrade.server.config_editor import ConfigEditor
from otrade.strategy.check.file import read

ROOT = Path(__file__).parents[2]
FILE = "supertrend_trailing.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "strategies"
    folder.mkdir()
    (folder / FILE).write_bytes((ROOT / "strategies" / FILE).read_bytes())
    (folder / "faulty.py").write_text("import os\n")
    return folder


@pytest.fixture
def editor(tmp_path: Path, folder: Path) -> ConfigEditor:
    values = orjson.loads((ROOT / "config" / "paper.json").read_bytes())
    values.setdefault("paths", {})["strategies"] = str(folder)
    path = tmp_path / "paper.json"
    path.write_bytes(orjson.dumps(values))
    return ConfigEditor(ConfigManager(path))


def schema_of(editor: ConfigEditor) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(bytes(editor.view().json_schema))["$defs"]["FileStrategy"]
    return found


def drafted(editor: ConfigEditor, file: str, params: dict[str, float]) -> ConfigVerdict:
    view = editor.view()
    values = orjson.loads(bytes(view.values))
    values["strategies"][0] = {
        "kind": "file",
        "name": "mine",
        "file": file,
        "params": params,
        "instrument": values["strategies"][0]["instrument"],
        "sizing": {"mode": "fixed", "value": 1},
        "bracket": {"stop": {"kind": "pct", "value": 1}},
    }
    draft = ConfigDraft(digest=view.digest, values=msgspec.Raw(orjson.dumps(values)), write=False)
    return editor.check(draft)


def test_the_form_has_each_parameter_with_its_bounds_and_words(
    editor: ConfigEditor, folder: Path
) -> None:
    own = schema_of(editor)
    assert own["properties"]["file"]["examples"] == [FILE], "a file with faults is left out"
    (row,) = own["allOf"]
    assert row["if"] == {"properties": {"file": {"const": FILE}}}
    shown = row["then"]["properties"]["params"]["properties"]
    spec = read(folder / FILE)
    assert {name: one["type"] for name, one in shown.items()} == {
        "period": "integer",
        "factor": "number",
    }
    for name, one in spec.params.items():
        assert shown[name]["description"] == one.words
        assert [shown[name][key] for key in ("minimum", "maximum", "default")] == [
            one.low,
            one.high,
            one.default,
        ]


@pytest.mark.parametrize(
    ("file", "params", "field", "words"),
    [
        (FILE, {"period": 1}, "strategies[0].params.period", "a number from 2 to 100"),
        (FILE, {"period": 4.5}, "strategies[0].params.period", "a whole number"),
        (FILE, {"perod": 4}, "strategies[0].params.perod", "write period instead"),
        ("faulty.py", {}, "strategies[0].file", "faulty.py:1:1: "),
    ],
)
def test_what_a_file_refuses_is_named_at_its_field(
    editor: ConfigEditor, file: str, params: dict[str, float], field: str, words: str
) -> None:
    verdict = drafted(editor, file, params)
    assert not verdict.ok and verdict.field == field and words in verdict.problem


def test_what_it_takes_is_taken(editor: ConfigEditor) -> None:
    assert drafted(editor, FILE, {"period": 12, "factor": 2.5}).ok
    assert drafted(editor, "not_there.py", {"any": 1.0}).ok, "the start says that"


def test_a_file_that_has_changed_is_read_again(editor: ConfigEditor, folder: Path) -> None:
    path = folder / FILE
    schema_of(editor)
    path.write_text(path.read_text().replace('param(10, 2, 100, "bars', 'param(10, 2, 50, "bars'))
    shown = schema_of(editor)["allOf"][0]["then"]["properties"]["params"]["properties"]
    assert shown["period"]["maximum"] == 50
