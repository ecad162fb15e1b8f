"""Looking into a journal from outside: pages that lose nothing and repeat nothing, damages named,
and the engine as it was.
"""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from otrade._core.types import Rec
from otrade.errors import JournalError
from otrade.journal.layout import HEADER_BYTES, Header
from otrade.journal.memory import MemoryJournal
from otrade.journal.peek import moment, rows
from otrade.journal.questions import MomentQuestion, RowsQuestion
from otrade.journal.record import WINDOW_BYTES
from otrade.journal.replay import Replay
from otrade.server.journal_queries import JournalQueries
from tests.harness.simulated_day import SimulatedDay, run, simulated_day

ROOT = Path(__file__).parents[2]
NAME = "2026-11-23.otj"


def write(path: Path, windows: list[bytes]) -> Path:
    """A file of these windows, with two more allocated ahead, as a running engine has them."""
    header = Header(
        {"day": "2026-11-23", "account": "a", "engine": "otrade", "mode": "paper"}, 7, WINDOW_BYTES
    )
    content = b"".join(
        [
            header.to_bytes(),
            *(window.ljust(WINDOW_BYTES, b"\0") for window in windows),
            bytes(2 * WINDOW_BYTES),
        ]
    )
    path.write_bytes(content)
    return path


def day_until(clock: str) -> list[bytes]:
    """A journalled morning: its windows. `STATES` has the world as it was then."""
    kept: list[bytes] = []

    async def body() -> None:
        journal = MemoryJournal()
        async with simulated_day(journal=journal) as here:
            await here.open()
            await here.sim.run_until(here.at(clock))
            await here.run_until(lambda: bool(here.open_keys()))
            kept.extend(bytes(window) for window in journal.windows())
            assert kept_state(here)["positions"], "something is open"
            STATES[clock] = kept_state(here)

    run(body())
    return kept


STATES: dict[str, dict[str, object]] = {}


def kept_state(here: SimulatedDay) -> dict[str, object]:
    nets = {key: qty for key, qty in here.sim.exchange.net_qty().items() if qty}
    return {
        "now_ns": here.now_ns,
        "positions": nets,
        "orders": len(here.sim.exchange.orders()),
        "gross": here.day.engine.risk()["pnl_e4"],
    }


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    windows = day_until("09:35")
    return write(tmp_path_factory.mktemp("journal") / NAME, windows)


def everything(path: Path, **asked: object) -> list[dict[str, object]]:
    """All pages, one after the other."""
    found: list[dict[str, object]] = []
    offset = 0
    while True:
        page = rows(path, RowsQuestion(offset=offset, **asked))
        assert page["trouble"] == []
        found += page["rows"]
        if page["is_end"]:
            return found
        assert page["next_offset"] > offset
        offset = page["next_offset"]


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages_lose_nothing_and_repeat_nothing(journal: Path, limit: int) -> None:
    kinds = "COMMAND,NOTICE"
    found = everything(journal, kinds=kinds, limit=limit)
    known = [record for record in MemoryRecords(journal) if record[0] in (Rec.COMMAND, Rec.NOTICE)]
    assert [row["seq"] for row in found] == [seq for _, seq in known] and len(found) > 10


class MemoryRecords(list[tuple[int, int]]):
    """(kind, number) of every record, read by the journal's own reader."""

    def __init__(self, path: Path) -> None:
        from otrade.journal.scan import salvage

        super().__init__((record.kind, record.seq) for record in salvage(path))


def test_what_is_too_many_is_left_out_unless_it_is_asked_for(journal: Path) -> None:
    kinds = {row["kind"] for row in everything(journal, limit=1000)}
    assert {"COMMAND", "NOTICE", "REPORT", "ANSWER", "HELLO"} <= kinds and not kinds & {
        "FRAME",
        "TIMER",
        "PAD",
    }
    assert {row["kind"] for row in rows(journal, RowsQuestion(kinds="TIMER", limit=5))["rows"]} == {
        "TIMER"
    }


def test_words_are_looked_for(journal: Path) -> None:
    tag = next(
        str(row["words"]).partition("cl_ord_id ")[2].split()[0]
        for row in everything(journal, kinds="COMMAND")
    )
    found = everything(journal, text=tag.lower())
    assert found and all(tag in str(row["words"]) for row in found)
    assert everything(journal, text="no such words") == []


def test_the_newest_rows_and_what_follows_them(journal: Path, tmp_path: Path) -> None:
    everyone = everything(journal, limit=1000)
    page = rows(journal, RowsQuestion(is_tail=True, limit=20))
    assert [row["seq"] for row in page["rows"]] == [row["seq"] for row in everyone[-20:]] and page[
        "is_end"
    ]
    following = rows(journal, RowsQuestion(offset=page["next_offset"]))
    assert following["rows"] == [] and following["is_end"], "until something is written"
    packed = tmp_path / f"{NAME}.gz"
    packed.write_bytes(gzip.compress(journal.read_bytes(), 1))
    assert [row["seq"] for row in everything(packed, limit=1000)] == [
        row["seq"] for row in everyone
    ]


def test_a_damaged_place_is_named_and_stepped_over(journal: Path, tmp_path: Path) -> None:
    content = bytearray(journal.read_bytes())
    everyone = everything(journal, limit=1000)
    victim = everyone[len(everyone) // 2]
    at = int(str(victim["offset"])) + 40
    content[at] ^= 0xFF
    broken = tmp_path / NAME
    broken.write_bytes(content)
    page = rows(broken, RowsQuestion(limit=1000))
    assert (
        len(page["trouble"]) == 1 and f"damaged at offset {victim['offset']}" in page["trouble"][0]
    )
    assert [row["seq"] for row in page["rows"]] == [
        row["seq"] for row in everyone if row is not victim
    ]


def test_an_unknown_kind_and_no_journal_are_refused(journal: Path, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="kinds are"):
        rows(journal, RowsQuestion(kinds="NONSENSE"))
    (tmp_path / "x").write_bytes(b"something else")
    with pytest.raises(JournalError, match="no journal"):
        rows(tmp_path / "x", RowsQuestion())


def test_a_moment_is_the_engine_as_it_was(journal: Path) -> None:
    state = STATES["09:35"]
    told = moment(journal, MomentQuestion(curve=True))
    assert told["trouble"] == ""
    assert {row["symbol"]: row["net_qty"] for row in told["positions"] if row["net_qty"]} == state[
        "positions"
    ], "as the exchange has it"
    assert told["n_orders"] == state["orders"] and told["gross_e4"] == state["gross"]
    assert told["curve"] and told["curve"][-1]["gross_e4"] == state["gross"]
    before = moment(journal, MomentQuestion(ts_ns=told["first_ms"] * 1_000_000))
    assert before["positions"] == [] and before["n_orders"] == 0


def test_every_moment_is_that_of_a_replay_cut_there(journal: Path) -> None:
    """Against the replay fed record by record: the cut inside a window is exact."""
    from otrade.journal.record import Record, walk
    from otrade.journal.scan import windows

    told = moment(journal, MomentQuestion())
    middle_ns = (told["first_ms"] + told["last_ms"]) // 2 * 1_000_000
    replay = Replay()
    for window in windows(journal):
        cut = next(
            (
                r.offset
                for r in walk(window)
                if isinstance(r, Record) and r.kind != Rec.PAD and r.ts_ns > middle_ns
            ),
            len(window),
        )
        replay.feed(bytes(window[:cut]).ljust(len(window), b"\0"))
        if cut < len(window):
            break
    assert replay.engine is not None
    found = moment(journal, MomentQuestion(ts_ns=middle_ns))
    assert (found["n_orders"], found["gross_e4"]) == (
        replay.engine.n_orders,
        replay.engine.risk()["pnl_e4"],
    )
    assert found["n_orders"] > 0


def test_it_is_a_process_of_its_own(journal: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "otrade.journal.peek",
        "rows",
        str(journal),
        '{"kinds": "HELLO"}',
    ]
    told = orjson.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    assert [row["kind"] for row in told["rows"]] == ["HELLO"]
    wrong = [*command[:4], str(journal.with_name("none.otj")), "{}"]
    assert (
        "No such file"
        in orjson.loads(subprocess.run(wrong, cwd=ROOT, capture_output=True, check=True).stdout)[
            "error"
        ]
    )


def test_only_a_journal_that_is_listed_can_be_asked_for(journal: Path) -> None:
    async def body() -> None:
        queries = JournalQueries(journal.parent, lambda: "2026-11-23")
        (listed,) = queries.files()
        assert listed.name == NAME and listed.is_today and listed.size_bytes > HEADER_BYTES
        page = await queries.page(NAME, RowsQuestion(kinds="HELLO"))
        assert page.rows[0].kind == "HELLO"
        assert (await queries.moment(NAME, MomentQuestion())).n_orders == STATES["09:35"]["orders"]
        for name in ("../2026-11-23.otj", "/etc/passwd", "2026-11-24.otj", ""):
            with pytest.raises(JournalError, match="there is no journal"):
                await queries.page(name, RowsQuestion())
        with pytest.raises(JournalError, match="kinds are"):
            await queries.page(NAME, RowsQuestion(kinds="NONSENSE"))
        assert JournalQueries(journal.parent / "nowhere").files() == []

    asyncio.run(body())
