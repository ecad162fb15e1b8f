"""What is loaded is what was built, and nobody else's: cache, owner, mode, hash, version, processor."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from otrade._core.kernels import strategy_abi as abi
from otrade.errors import StrategyError
from otrade.plain_file import write_whole
from otrade.strategy.build import builder
from otrade.strategy.build.builder import build
from otrade.strategy.build.library import BuildManifest, Library, find, key_of
from otrade.strategy.build.linker import linker
from otrade.strategy.check.file import read, read_source
from otrade.strategy.loader import load
from tests.strategy.conftest import ROOT

CPU = "x86-64-v3"


@pytest.fixture
def kept(compiled: dict[str, Library], tmp_path: Path) -> Library:
    """A library in a folder of its own."""
    folder = tmp_path / "strategies"
    folder.mkdir(mode=0o700)
    found = compiled["opening_range"]
    for path in (found.path, described(found)):
        shutil.copy(path, folder / path.name)
    return Library(found.spec, found.manifest, folder / found.path.name)


def described(library: Library) -> Path:
    return library.path.parent / f"{library.spec.name}-{library.manifest.key}.json"


def changed(built: Library, **fields: str) -> Library:
    manifest = msgspec.structs.replace(built.manifest, **fields)
    write_whole(described(built), msgspec.json.encode(manifest))
    found = find(built.path.parent, built.spec, CPU)
    assert found is not None
    return found


def test_what_was_built_is_loaded(kept: Library) -> None:
    loaded = load(kept)
    assert loaded.compiled.name == "OpeningRange"
    assert set(loaded.compiled.entry_points) == {"on_bar"} and all(
        loaded.compiled.entry_points.values()
    )
    assert loaded.compiled.reasons == ("the opening range is broken",)
    assert loaded.compiled.params_bytes == len(loaded.params({}))


def test_it_is_for_its_owner_only(kept: Library) -> None:
    assert kept.path.stat().st_mode & 0o777 == 0o600
    assert described(kept).stat().st_mode & 0o777 == 0o600


def test_names_carry_what_it_was_built_from(kept: Library) -> None:
    assert kept.path.name == f"OpeningRange-{kept.manifest.key}-{kept.manifest.sha256[:16]}.so"


def test_a_changed_byte_is_refused(kept: Library) -> None:
    data = bytearray(kept.path.read_bytes())
    data[len(data) // 2] ^= 1
    write_whole(kept.path, bytes(data))
    with pytest.raises(
        StrategyError, match="not the file that was built; build the strategy again"
    ):
        load(kept)


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o700])
def test_a_file_that_others_may_touch_is_refused(kept: Library, mode: int) -> None:
    kept.path.chmod(mode)
    with pytest.raises(StrategyError, match="not ours alone"):
        load(kept)


def test_a_folder_that_others_may_enter_is_refused(kept: Library) -> None:
    kept.path.parent.chmod(0o755)
    with pytest.raises(StrategyError, match="others may enter it; run chmod 700"):
        load(kept)
    with pytest.raises(StrategyError, match="others may enter it"):
        build([kept.spec], kept.path.parent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_owner_is_refused(kept: Library) -> None:
    os.chown(kept.path, 12_345, -1)
    with pytest.raises(StrategyError, match="not ours alone .owner 12345"):
        load(kept)
    os.chown(kept.path.parent, 12_345, -1)
    with pytest.raises(StrategyError, match="not a folder of this user"):
        load(kept)


def test_a_link_or_a_pipe_is_refused(kept: Library) -> None:
    moved = kept.path.rename(kept.path.parent / "moved.so")
    kept.path.symlink_to(moved)
    with pytest.raises(StrategyError, match="no ordinary file"):
        load(kept)
    kept.path.unlink()
    os.mkfifo(kept.path, 0o600)
    with pytest.raises(StrategyError, match="no ordinary file"):
        load(kept)


def test_another_version_processor_or_source_is_refused_before_it_is_loaded(kept: Library) -> None:
    with pytest.raises(StrategyError, match="for another version of OTrade"):
        load(changed(kept, abi="0" * 12))
    with pytest.raises(StrategyError, match="built for x86-64-v4, and this OTrade is for"):
        load(changed(kept, abi=abi.abi_id(), cpu="x86-64-v4"))
    with pytest.raises(StrategyError, match="built from another source"):
        load(changed(kept, source_sha256="0" * 64))


def test_a_library_elsewhere_is_refused(kept: Library) -> None:
    with pytest.raises(StrategyError, match="names a library elsewhere"):
        changed(kept, library="../other.so")


def test_what_is_no_description_is_refused(kept: Library) -> None:
    write_whole(described(kept), b"{}")
    with pytest.raises(StrategyError, match="cannot be read .*; build the strategy again"):
        find(kept.path.parent, kept.spec, CPU)


def test_a_restart_waits_for_no_compiler(kept: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object) -> None:
        raise AssertionError("the compiler was asked")

    monkeypatch.setattr(builder, "Compilation", nobody)
    assert build([kept.spec], kept.path.parent)[0].path == kept.path


def test_another_source_or_processor_is_another_library(kept: Library) -> None:
    other = read_source(kept.spec.path, kept.spec.source + b"\n# changed\n")
    assert find(kept.path.parent, other, CPU) is None
    assert len({key_of(kept.spec, CPU), key_of(other, CPU), key_of(kept.spec, "x86-64")}) == 3


def test_two_builds_are_the_same_and_leave_nothing_else(kept: Library) -> None:
    kept.path.unlink()
    described(kept).unlink()
    (again,) = build([kept.spec], kept.path.parent)
    assert again.manifest == kept.manifest
    assert sorted(p.name for p in kept.path.parent.iterdir()) == sorted(
        [described(kept).name, kept.path.name]
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"minuts": 3}, "there is no parameter 'minuts'; write minutes instead"),
        ({"minutes": 0}, "minutes is 0; write a number from 1 to 120 instead"),
        ({"minutes": 1.5}, "minutes is 1.5; write a whole number instead"),
        ({"room": float("nan")}, "room is nan; write a number from 0 to 200 instead"),
        ({"room": float("inf")}, "room is inf; write a number from 0 to 200 instead"),
    ],
)
def test_parameters_stay_in_bounds(kept: Library, given: dict[str, float], said: str) -> None:
    with pytest.raises(StrategyError, match=said):
        load(kept).params(given)


def test_without_a_linker_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(StrategyError, match="no linker.*install binutils"):
        linker()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    assert linker()[1:] == ["-P", "-m", "ziglang", "ld.lld"]


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (-24, "", "more processor time than a strategy may"),
        (-11, "", "the compiler ended with signal 11"),
        (
            1,
            "ModuleNotFoundError: No module named 'numba'",
            "there is no compiler on this machine; run: pip install",
        ),
        (1, "Traceback\nValueError: x", "the compiler ended: ValueError: x"),
    ],
)
def test_a_compiler_that_dies_is_explained(code: int, error: str, said: str) -> None:
    assert said in builder._ending(code, error)


def test_a_manifest_tells_what_was_measured(kept: Library) -> None:
    assert isinstance(kept.manifest, BuildManifest)
    assert 0 < kept.manifest.cost["on_bar"] < 200


def test_nothing_beside_a_file_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may be called as a module of the standard library is; so may one beside it."""
    source = "from otrade.strategy import Strategy\nclass S(Strategy):\n    def on_bar(self, out):\n        out.exit()\n"
    (tmp_path / "string.py").write_text(source)
    for name in ("numba", "json", "otrade"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    (found,) = build([read(Path("string.py"))], tmp_path / "kept")
    assert load(found).compiled.name == "S"


def test_what_takes_too_long_to_compile_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "CPU_S", 0)
    source = (ROOT / "strategies" / "vwap_reversion.py").read_bytes()
    with pytest.raises(StrategyError, match="slow.py:1:1: the compiler took more processor time"):
        build([read_source("slow.py", source)], tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir()), "nothing is left of it"
