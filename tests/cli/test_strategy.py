"""`otrade strategy`: what each step prints and leaves behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from otrade.cli import main
from otrade.strategy.build.library import folder_of
from otrade.strategy.builtin import kinds
from otrade.strategy.check.file import read

ROOT = Path(__file__).parents[2]
BAD = """from otrade.strategy import Strategy
class S(Strategy):
    def on_bar(self, bar, out):
        x = bar.clsoe
        out.bye()
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("elsewhere")
def test_a_new_file_passes_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["strategy", "new", "my_first"]) == 0
    assert main.main(["strategy", "check", "strategies/my_first.py"]) == 0
    said = capsys.readouterr().out
    assert "wrote strategies/my_first.py" in said and "good. MyFirst: on_bar; 2 parameters" in said
    assert read(Path("strategies/my_first.py")).name == "MyFirst"


@pytest.mark.usefixtures("elsewhere")
def test_nothing_is_overwritten_and_names_are_plain(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["strategy", "new", "mine"]) == 0
    for name, said in [
        ("mine", "is there already"),
        ("Mine", "a name is small letters"),
        ("../mine", "a name is small letters"),
        ("class", "a name is small letters"),
        ("ema", "is a word of the language"),
    ]:
        assert main.main(["strategy", "new", name]) == 5
        assert said in capsys.readouterr().err


def test_every_fault_of_every_file_is_told(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("string.py", "b.py"):
        (elsewhere / name).write_text(BAD)
    assert main.main(["strategy", "check", "string.py", "b.py"]) == 5
    said = capsys.readouterr().err
    for name in ("string.py", "b.py"):
        assert f"{name}:4:13: bar has no `clsoe`; write bar.close instead" in said
        assert f"{name}:5:9: there is no decision out.bye; write out.buy instead" in said


def test_build_list_and_show(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is built already is told so: the compiler is asked for one file that is new."""
    folder = elsewhere / "strategies"
    folder.mkdir()
    shutil.copy(ROOT / "strategies" / "opening_range.py", folder)
    (folder / "bad.py").write_text(BAD)
    build = ["strategy", "build", "strategies/opening_range.py"]
    assert main.main(["strategy", "list"]) == 5
    said = capsys.readouterr().out
    assert (
        "opening_range.py             not built" in said
        and "bad.py                       FAULTY   2 faults" in said
    )
    assert main.main(["strategy", "show", "strategies/opening_range.py"]) == 0
    assert "hook    on_bar           not built" in capsys.readouterr().out

    assert main.main(build) == 0
    assert (
        f"opening_range.py: built, {elsewhere}/var/strategies/OpeningRange-"
        in capsys.readouterr().out
    )
    assert main.main(build) == 0
    assert "opening_range.py: was built, " in capsys.readouterr().out
    assert folder_of(Path("var")).stat().st_mode & 0o777 == 0o700
    assert main.main(["strategy", "list"]) == 5
    assert (
        "opening_range.py             built     OpeningRange: Buys the break"
        in capsys.readouterr().out
    )
    assert main.main(["strategy", "show", "strategies/opening_range.py"]) == 0
    said = capsys.readouterr().out
    assert "param   minutes          int    15 (1 to 120): length of the opening range" in said
    assert "reason  BROKEN           1: the opening range is broken" in said
    assert "instructions in the worst case" in said


@pytest.mark.usefixtures("elsewhere")
def test_the_kinds_that_are_built_in_are_files_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["strategy", "list"]) == 0
    said = capsys.readouterr().out
    for kind in kinds():
        assert f"{kind:<28} built in  " in said
    assert main.main(["strategy", "show", "sma_cross"]) == 0
    said = capsys.readouterr().out
    assert "param   slow_period      int    21 (2 to 256): slow average, bars or trades" in said
    assert "hook    on_tick          built into the core" in said


def test_list_and_show_say_which_days_go_by_a_file(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["strategy", "new", "my_first"]) == 0
    path = elsewhere / "strategies" / "my_first.py"
    folder = elsewhere / "var" / "strategies"
    folder.mkdir(parents=True, mode=0o700)
    for mode, source in (("live", path.read_text()), ("paper", "what it was")):
        kept = {"day": "2026-11-20", "sources": {"my_first.py": source, "other.py": ""}}
        (folder / f"day.{mode}.json").write_bytes(orjson.dumps(kept))
    (folder / "day.torn.json").write_text("{")
    for words in (["list"], ["show", str(path)]):
        capsys.readouterr()
        assert main.main(["strategy", *words]) == 0
        told = capsys.readouterr().out
        assert "traded on 2026-11-20 (live), as it stands" in told
        assert (
            "traded on 2026-11-20 (paper), as it was then: the next day takes what it is now"
            in told
        )


@pytest.mark.usefixtures("elsewhere")
def test_an_empty_folder_says_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["strategy", "list"]) == 0
    assert "otrade strategy new NAME" in capsys.readouterr().out


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["strategy", "check", "nowhere.py"]) == 5
    assert "nowhere.py: cannot be read" in capsys.readouterr().err


def test_the_doctor_names_the_linker(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from otrade.cli.commands import doctor

    assert "compiled by numba and linked by " in doctor._compiler(Path())
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "pip install 'otrade[strategy]'" in doctor._compiler(Path())
