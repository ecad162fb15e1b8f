"""The contract itself: it survives a round trip, it spells the core's words, and the page has the
same one.
"""

import subprocess
import sys
import types
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
import pytest

from otrade._core import types as core
from otrade.contract import typescript, views
from otrade.contract.candle_lengths import INTERVALS_S, resample
from otrade.contract.engine_source import EngineSource
from tests.web.fake_engine import MINUTE_MS, T0_MS, FakeSource, candle

ROOT = Path(__file__).parents[2]
STRUCTS = [
    value
    for value in vars(views).values()
    if isinstance(value, type) and issubclass(value, views.Row) and value not in typescript.BASES
]


def test_the_fake_is_a_source() -> None:
    source: EngineSource = FakeSource()
    assert source.status().mode == "paper"


def test_round_trip_of_everything() -> None:
    source = FakeSource()
    snapshot = views.Snapshot(
        seq=1,
        status=source.status(),
        instruments=source.instrument_rows,
        strategies=source.strategy_rows,
        brackets=source.bracket_rows,
        orders=source.order_rows,
        positions=source.position_rows,
        trades=source.trade_rows,
        signals=source.signal_rows,
        notices=source.notice_rows,
    )
    text = msgspec.json.encode(snapshot)
    assert msgspec.json.decode(text, type=views.ServerMessage) == snapshot
    assert msgspec.json.decode(text)["type"] == "snapshot"


@pytest.mark.parametrize(
    "text",
    [
        b'{"type":"delta","seq":1}',
        b'{"type":"notice","seq":1,"notices":[],"more":1}',
        b'{"type":"other","seq":1}',
        b'{"seq":1}',
    ],
)
def test_what_is_not_the_contract_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=views.ServerMessage)


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_units_are_in_the_names(struct: type[views.Row]) -> None:
    for field in msgspec.structs.fields(struct):
        kinds = set(get_args(field.type) or [field.type])
        if field.name.endswith("_e4"):
            assert int in kinds and float not in kinds, f"{field.name} must be exact"
        if field.name.startswith("ts_"):
            assert field.name.endswith("_ms") and int in kinds, field.name
        assert not field.name.endswith(("price", "_time", "_px")), f"{field.name} lacks its unit"


@pytest.mark.parametrize(
    ("words", "enum", "without"),
    [
        (views.EngineState, core.Halt, set()),
        (views.SessionPhase, core.Phase, set()),
        (views.Side, core.Side, {"NONE"}),
        (views.OrdType, core.OrdType, set()),
        (views.OrdStatus, core.OrdStatus, set()),
        (views.Pending, core.Pending, set()),
        (views.Leg, core.Leg, set()),
        (views.BracketState, core.BracketState, {"FREE"}),
        (views.ExitReason, core.ExitReason, set()),
    ],
)
def test_the_words_are_those_of_the_core(
    words: Any, enum: type[IntEnum], without: set[str]
) -> None:
    assert set(get_args(words)) == {member.name for member in enum} - without


def test_severities_are_those_of_the_core() -> None:
    assert list(get_args(views.Severity)) == [member.name.lower() for member in core.Severity]


# ------------------------------------------------------------------------------ the page's half
def test_the_page_has_this_contract() -> None:
    committed = (ROOT / "web" / "src" / "api" / "contract.ts").read_text(encoding="utf-8")
    assert committed == typescript.generate(), (
        "web/src/api/contract.ts is not what views.py says; "
        "run: python -m otrade.contract.typescript > web/src/api/contract.ts"
    )


def test_it_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "otrade.contract.typescript"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == typescript.generate()


def test_every_name_is_in_it() -> None:
    text = typescript.generate()
    for struct in STRUCTS:
        assert (
            text.count(f"export interface {struct.__name__} {{")
            + text.count(f"export type {struct.__name__} = Record<string, never>;")
            == 1
        )
        body = text.partition(f"export interface {struct.__name__} {{")[2].partition("}")[0]
        for field in msgspec.structs.fields(struct):
            assert f"  {field.name}: " in body or f"  {field.name}?: " in body
    for name, value in vars(views).items():
        if get_origin(value) in (Literal, Union, types.UnionType):
            assert f"export type {name} = " in text


def test_a_type_without_a_spelling_is_refused() -> None:
    with pytest.raises(TypeError, match="no spelling"):
        typescript._spell(bytes, {})


# -------------------------------------------------------------------------------------- candles
def test_resample_by_hand() -> None:
    minutes = [candle(minute, 15_000_000 + 1000 * minute) for minute in (0, 1, 4, 5, 11)]
    longer = resample(minutes, 300)
    assert [row.ts_ms for row in longer] == [T0_MS, T0_MS + 5 * MINUTE_MS, T0_MS + 10 * MINUTE_MS]
    assert longer[0] == views.Candle(
        ts_ms=T0_MS,
        open_e4=14_998_000,
        high_e4=15_007_000,
        low_e4=14_996_000,
        close_e4=15_004_000,
        volume=3005,
    )
    assert longer[2].volume == 1011
    assert resample([], 300) == []
    assert resample(minutes, 60) == minutes


def test_intervals_begin_with_the_session() -> None:
    for interval_s in INTERVALS_S:
        assert T0_MS % (interval_s * 1000) == 0
