"""A drill in parts: the parts of the seeds, the files, and what many files make together."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from otrade.cli import main
from otrade.drill import campaign
from otrade.drill.campaign import CampaignRequest, drill, tell_reports
from otrade.drill.reports.build import build_of
from otrade.drill.reports.report_file import (
    DrillIdentity,
    DrillReport,
    DrillReportError,
    merge_reports,
    read_report,
    write_report,
)
from otrade.drill.reports.rows import result_of, row_of
from otrade.drill.reports.shard import Shard, shard_of
from otrade.drill.session import SessionResult


@dataclass(slots=True)
class SmallResult:
    seed: int
    kinds: tuple[str, ...] = ()
    words: list[str] = field(default_factory=list)
    seen: Counter[Any] = field(default_factory=Counter)
    s: float = 0.0


IDENTITY = DrillIdentity("0.0.0 abc", 10, 6, ("gap",))


def written(path: Path, *seeds: int, **other: Any) -> Path:
    rows = [
        SmallResult(seed, ("gap",), ["x"], Counter({("a", seed): 2, ("b", 1): 1}), 0.1)
        for seed in seeds
    ]
    report = DrillReport(replace(IDENTITY, **other), "1/2", 3.5, rows, list(seeds), {11: "why"})
    write_report(path, report)
    return path


def test_a_report_takes_no_other_file_s_place(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    (tmp_path / "r.part").symlink_to(other)
    (tmp_path / "s").write_bytes(b"precious too")
    for name in ("r", "s"):
        with pytest.raises(DrillReportError, match="cannot be written"):
            written(tmp_path / name, 10)
    assert other.read_bytes() == b"precious" and (tmp_path / "s").read_bytes() == b"precious too"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "r.part", "s"]


# ------------------------------------------------------------------------------------ parts of seeds
def test_parts_are_all_seeds_once_and_even() -> None:
    for seed in range(200):
        rng = random.Random(seed)
        n, of, first = rng.randint(1, 500), rng.randint(1, 60), rng.randint(0, 1000)
        parts = [Shard(number, of).seeds(first, n) for number in range(1, of + 1)]
        assert [s for part in parts for s in part] == list(range(first, first + n)), f"seed {seed}"
        assert max(map(len, parts)) - min(map(len, parts)) <= 1, f"seed {seed}"


@pytest.mark.parametrize(
    "text", ["", "0/3", "4/3", "1", "1/0", "-1/2", "1/2/3", "a/b", "1/1000000"]
)
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="I/M"):
        shard_of(text)
    assert shard_of("2/3") == Shard(2, 3)


# -------------------------------------------------------------------------------------------- files
def test_a_row_comes_back_as_it_was() -> None:
    for row in (
        SmallResult(1),
        SmallResult(2, ("a", "b"), ["x"], Counter({("k", 1, 2): 3, "z": 1}), 1.5),
    ):
        assert result_of(orjson.loads(orjson.dumps(row_of(row))), SmallResult) == row
    assert row_of(SmallResult(1)) == {"seed": 1}


def test_a_report_comes_back_as_it_was(tmp_path: Path) -> None:
    report = read_report(written(tmp_path / "a", 10, 11, 12), SmallResult)
    assert report.identity == IDENTITY and report.seeds == [10, 11, 12]
    assert report.results[1] == SmallResult(
        11, ("gap",), ["x"], Counter({("a", 11): 2, ("b", 1): 1}), 0.1
    )
    assert report.failures == {11: "why"} and report.missing == [(13, 15)]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_many_reports_are_one_in_any_order(tmp_path: Path) -> None:
    a, b = written(tmp_path / "a", 10, 11), written(tmp_path / "b", 13, 14)
    for paths in ([a, b], [b, a]):
        report = merge_reports(paths, SmallResult)
        assert report.seeds == [10, 11, 13, 14]
        assert [row.seed for row in report.results] == report.seeds
        assert report.missing == [(12, 12), (15, 15)]
    assert merge_reports([a, b, written(tmp_path / "c", 12, 15)], SmallResult).missing == []


@pytest.mark.parametrize(("other", "words"), [
    ({"build": "0.0.0 abd"}, "b: build 0.0.0 abd, and .*a has 0.0.0 abc"),
    ({"n_seeds": 7}, "b: number of seeds 7"), ({"first_seed": 9}, "b: first seed 9"),
    ({"broker": "kite"}, "b: broker kite, and .*a has both"), ({"kinds": ()}, "b: faults none"),
    ({"strategies": "x"}, "b: strategies x, and .*a has random"),
])  # fmt: skip
def test_parts_of_another_drill_are_refused(
    tmp_path: Path, other: dict[str, Any], words: str
) -> None:
    a, b = written(tmp_path / "a", 10, 11), written(tmp_path / "b", 12, 13, **other)
    with pytest.raises(DrillReportError, match=words):
        merge_reports([a, b], SmallResult)


def test_seeds_that_two_files_hold_are_refused(tmp_path: Path) -> None:
    a, b = written(tmp_path / "a", 10, 11), written(tmp_path / "b", 11, 12)
    with pytest.raises(DrillReportError, match="b: seed 11 is in .*a already"):
        merge_reports([a, b], SmallResult)
    with pytest.raises(DrillReportError, match="seed 10 is in"):
        merge_reports([a, a], SmallResult)


def test_what_is_no_report_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    whole = written(tmp_path / "a", 10, 11).read_bytes()
    about = orjson.loads(whole)
    texts = {
        "cut short": whole[:-20], "no report of a drill": b"[]", "otrade drill --report": b"{}",
        "version 2": orjson.dumps({**about, "version": 2}),
        "KeyError": orjson.dumps({k: v for k, v in about.items() if k != "build"}),
        "TypeError": orjson.dumps({**about, "sessions": [[10, {"seed": 10, "nothing": 1}]]}),
        "ValueError": orjson.dumps({**about, "n_seeds": "many"}),
        "seed 16": orjson.dumps({**about, "sessions": [[16, {"seed": 16}]]}),
        "seed 10 comes twice": orjson.dumps({**about, "sessions": [[10, {"seed": 10}]] * 2}),
    }  # fmt: skip
    for words, text in texts.items():
        path.write_bytes(text)
        with pytest.raises(DrillReportError, match=f"r.json: .*{words}"):
            read_report(path, SmallResult)
    with pytest.raises(DrillReportError, match=r"none\.json: cannot be read"):
        read_report(tmp_path / "none.json", SmallResult)
    with pytest.raises(DrillReportError, match="cannot be written"):
        written(tmp_path / "no" / "a", 10)


def test_a_build_is_its_sources(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "b.pyx").write_text("2")
    first = build_of(tmp_path)
    (tmp_path / "b.cpython-311.so").write_text("of one compiler")
    (tmp_path / "c.txt").write_text("no source")
    assert build_of(tmp_path) == first
    (tmp_path / "a.py").write_text("3")
    second = build_of(tmp_path)
    (tmp_path / "c.cpython-311.so").write_text("without its source")
    assert len({first, second, build_of(tmp_path)}) == 3


# ---------------------------------------------------------------------------------------- the drill
def kept(lines: list[str]) -> list[str]:
    """All but the machine's speed."""
    return [line for text in lines for line in text.splitlines() if not line.startswith("time  ")]


def test_two_parts_make_the_sheet_of_one_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Real sessions, each run once: what two runs of one count of their own pace is another matter."""
    monkeypatch.setattr(campaign, "one", cache(campaign.one))
    request = CampaignRequest(4, 4, ("gap", "push_doubled"), jobs=1, broker="kite")
    whole: list[str] = []
    assert drill(request, whole.append) == 0
    files = [tmp_path / "1", tmp_path / "2"]
    for number, file in enumerate(files, 1):
        part = replace(request, shard=Shard(number, 2), report=file)
        assert drill(part, list[str]().append) == 0
    together: list[str] = []
    assert tell_reports(files[::-1], together.append) == 0
    assert kept(together) == kept(whole)
    rows = orjson.loads(files[0].read_bytes())["sessions"]
    assert ["pairs" in row for _, row in rows] == [True, False], "what is summed is kept once"
    alone: list[str] = []
    assert tell_reports(files[1:], alone.append) == 1
    assert "not run, so nothing is proved about them: seeds 4 to 5" in alone[-1]


def test_a_drill_stops_at_the_first_violation_or_tells_them_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def one(seed: int, *args: object) -> SessionResult:
        return SessionResult(seed, "wrong" if seed in (1, 3) else "", timeline=[f"at {seed}"])

    monkeypatch.setattr(campaign, "one", one)
    monkeypatch.setattr(campaign, "EXPLAINED_MAX", 0)
    request = CampaignRequest(0, 5, (), jobs=1, report=tmp_path / "r")
    said: list[str] = []
    assert drill(request, said.append) == 1
    assert read_report(tmp_path / "r", SessionResult).seeds == [0, 1]
    said.clear()
    assert drill(replace(request, keeps_going=True, report=tmp_path / "all"), said.append) == 1
    report = read_report(tmp_path / "all", SessionResult)
    assert report.seeds == [0, 1, 2, 3, 4] and list(report.failures) == [1, 3]
    assert "violated by seeds 1, 3" in said[-1]
    again: list[str] = []
    assert tell_reports([tmp_path / "all"], again.append) == 1
    assert kept(again) == kept(said)
    assert "at 3" in "\n".join(again) and "violations          2" in "\n".join(again)


def test_the_commands_name_what_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "there").symlink_to(tmp_path / "nowhere")
    (tmp_path / "half.part").write_bytes(b"somebody's")
    for args, words in (
        (["--shard", "3/2"], "--shard: '3/2': I/M"),
        (["--seeds", "2", "--shard", "1/3"], "--shard: 3 parts of 2 sessions"),
        (["--report", str(tmp_path / "no" / "r")], "there is no such directory"),
        (["--report", str(tmp_path / "there")], "there: --report: is there already"),
        (["--report", str(tmp_path / "half")], "half.part: --report: is there already"),
        (["report", str(tmp_path / "r")], "r: cannot be read"),
    ):
        assert main.main(["drill", *args]) == 5
        assert words in capsys.readouterr().err
