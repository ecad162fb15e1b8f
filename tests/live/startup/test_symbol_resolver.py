"""What configured symbols mean today: kept over a restart, renamed shares, files that cannot be
had, and the process that fetches.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from otrade.cli.commands.configured_broker import no_pause
from otrade.cli.commands.instruments import find, show
from otrade.errors import ConfigError, InstrumentError
from otrade.instruments import Instrument
from otrade.instruments.cache import build, open_table, table_path
from otrade.instruments.kite import COLUMNS, KiteInstrumentFile
from otrade.live.notices.board import NoticeBoard
from otrade.live.startup.instrument_cache import InstrumentCache, refresh_by_process
from otrade.live.startup.symbol_resolver import SymbolResolver
from otrade.simulator.base.config import SimConfig
from otrade.simulator.simulator import Simulator
from tests.harness.paper_run import FRIDAY, write

TODAY = dt.date(2026, 11, 23)
YESTERDAY = dt.date(2026, 11, 20)
HEADER = ",".join(COLUMNS)
INDEX = "256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE"
INFY = "408065,1594,INFY,INFOSYS,0,,0,0.1,1,EQ,NSE,NSE"
OPTIONS = [
    f"{50_000 + i << 8 | 2},{50_000 + i},NIFTY26DEC{strike}CE,NIFTY,0,2026-12-29,{strike},0.05,65,CE,NFO-OPT,NFO"
    for i, strike in enumerate(range(25_800, 26_250, 50))
]


def file(*rows: str) -> KiteInstrumentFile:
    return KiteInstrumentFile("\n".join([HEADER, *rows]) + "\n")


class Spot:
    def __init__(self, rupees: float) -> None:
        self.rupees = rupees
        self.asked: list[str] = []

    async def __call__(self, instrument: Instrument) -> int:
        self.asked.append(instrument.symbol)
        return round(self.rupees * 10_000)


def board() -> NoticeBoard:
    return NoticeBoard(lambda: 1)


def words(board: NoticeBoard) -> str:
    return " ".join(f"{notice.code}: {notice.text}" for notice in board.since(0))


def test_at_the_money_means_all_day_what_it_meant_in_the_morning(tmp_path: Path) -> None:
    path, said = tmp_path / "var" / "meant.json", board()
    source = file(INDEX, *OPTIONS)
    morning = SymbolResolver(source, TODAY, said, Spot(26_012), no_pause, path=path)
    first = asyncio.run(morning.find("NFO:NIFTY.ATMCE"))
    assert first.symbol == "NFO:NIFTY26DEC26000CE"
    assert (
        "NFO:NIFTY.ATMCE is NFO:NIFTY26DEC26000CE today, expires 2026-12-29, lot 65 (NSE:NIFTY 50 is at 26012)"
        in words(said)
    )
    morning.keep()
    noon = Spot(26_180)
    assert (
        asyncio.run(
            SymbolResolver(source, TODAY, board(), noon, no_pause, path=path).find(
                "NFO:NIFTY.ATMCE"
            )
        )
        == first
        and noon.asked == []
    )
    tomorrow = SymbolResolver(
        source, TODAY + dt.timedelta(days=1), board(), noon, no_pause, path=path
    )
    assert asyncio.run(tomorrow.find("NFO:NIFTY.ATMCE")).symbol == "NFO:NIFTY26DEC26200CE"
    path.write_text("{ damaged")
    again = SymbolResolver(source, TODAY, board(), noon, no_pause, path=path)
    assert asyncio.run(again.find("NFO:NIFTY.ATMCE")).symbol == "NFO:NIFTY26DEC26200CE", (
        "asked anew, not refused"
    )


def test_nothing_is_written_for_plain_names(tmp_path: Path) -> None:
    path = tmp_path / "meant.json"
    resolver = SymbolResolver(file(INFY), TODAY, board(), Spot(0), no_pause, path=path)
    assert asyncio.run(resolver.find("NSE:INFY")).token == 408065
    resolver.keep()
    assert not path.exists()


def test_without_a_price_nothing_is_at_the_money() -> None:
    resolver = SymbolResolver(file(INDEX, *OPTIONS), TODAY, board(), Spot(0), no_pause)
    with pytest.raises(InstrumentError, match="NSE:NIFTY 50 is not known"):
        asyncio.run(resolver.find("NFO:NIFTY.ATMCE"))


def test_a_share_with_a_new_name_is_found_by_the_exchanges_number(tmp_path: Path) -> None:
    build(tmp_path, "kite", YESTERDAY, file(INFY.replace("INFY", "OLDNAME")))
    older = InstrumentCache(tmp_path, board(), None).older("kite", TODAY)
    said = board()
    found = asyncio.run(
        SymbolResolver(file(INFY), TODAY, said, Spot(0), no_pause, older=lambda: older).find(
            "NSE:OLDNAME"
        )
    )
    assert found.symbol == "NSE:INFY"
    assert "RENAMED: NSE:OLDNAME is called NSE:INFY since its last file" in words(said)


def test_a_number_that_is_something_else_now_is_no_rename(tmp_path: Path) -> None:
    build(
        tmp_path, "kite", YESTERDAY, file(INFY.replace("INFY", "OLDNAME").replace(",EQ,", ",BE,"))
    )
    older = InstrumentCache(tmp_path, board(), None).older("kite", TODAY)
    with pytest.raises(InstrumentError, match="NSE:OLDNAME: there is no such instrument"):
        asyncio.run(
            SymbolResolver(file(INFY), TODAY, board(), Spot(0), no_pause, older=lambda: older).find(
                "NSE:OLDNAME"
            )
        )


# --------------------------------------------------------------------------------------------------------------------
# the cache
def refresher(directory: Path, fails: str = "") -> Any:
    asked: list[str] = []

    async def refresh(broker: str) -> None:
        asked.append(broker)
        if fails:
            raise InstrumentError(fails)
        build(directory, broker, TODAY, file(INFY, INDEX, *OPTIONS))

    refresh.asked = asked
    return refresh


def test_todays_table_is_fetched_once(tmp_path: Path) -> None:
    refresh = refresher(tmp_path)
    cache = InstrumentCache(tmp_path, board(), refresh)
    for _ in range(2):
        source = asyncio.run(cache.source("kite", TODAY))
        assert source.find("NSE:INFY", TODAY).token == 408065
    assert refresh.asked == ["kite"]


def test_a_damaged_table_is_said_and_fetched_anew(tmp_path: Path) -> None:
    said, refresh = board(), refresher(tmp_path)
    path = table_path(tmp_path, "kite", TODAY)
    path.write_bytes(b"<html>")
    asyncio.run(InstrumentCache(tmp_path, said, refresh).source("kite", TODAY))
    assert "INSTRUMENTS_DAMAGED" in words(said) and refresh.asked == ["kite"]
    assert open_table(path, "kite", TODAY)


def test_without_todays_file_shares_come_from_the_last_one_and_contracts_are_refused(
    tmp_path: Path,
) -> None:
    build(tmp_path, "kite", YESTERDAY, file(INFY, INDEX, *OPTIONS))
    said = board()
    source = asyncio.run(
        InstrumentCache(tmp_path, said, refresher(tmp_path, "the broker did not answer")).source(
            "kite", TODAY
        )
    )
    assert (
        "OLD_INSTRUMENTS" in words(said)
        and "the broker did not answer" in words(said)
        and str(YESTERDAY) in words(said)
    )
    assert (
        source.find("NSE:INFY", TODAY).token == 408065
        and source.find("NSE:NIFTY 50", TODAY).is_index
    )
    for symbol in ("NFO:NIFTY26DEC26000CE", "NFO:NIFTY.26000CE", "NFO:NIFTY.ATMCE"):
        with pytest.raises(
            InstrumentError, match=f"no contract is taken from the file of {YESTERDAY}"
        ):
            source.find(symbol, TODAY, 260_000_000)
    assert source.by_number("NFO", 50_000) is None and source.by_number("NSE", 1594) is not None


def test_an_older_file_than_a_week_is_no_file(tmp_path: Path) -> None:
    build(tmp_path, "kite", TODAY - dt.timedelta(days=8), file(INFY))
    with pytest.raises(InstrumentError, match="could not be had: the broker did not answer"):
        asyncio.run(
            InstrumentCache(
                tmp_path, board(), refresher(tmp_path, "the broker did not answer")
            ).source("kite", TODAY)
        )


# ------------------------------------------------------------------------------------------------------------------
# the commands
def test_the_commands_on_paper(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder, sim={"date": FRIDAY})
    assert find(path, "", "banknifty", 3) == 0
    out = capsys.readouterr()
    assert len(out.out.splitlines()) == 3 and "the first 3" in out.err
    assert find(path, "", "no such thing", 3) == 4
    assert show(path, "", "NFO:NIFTY.FUT") == 0
    out = capsys.readouterr()
    assert json.loads(out.out)["name"] == "NIFTY" and "NFO:NIFTY.FUT is NFO:NIFTY" in out.err
    with pytest.raises(ConfigError, match="neither the configured broker"):
        show(path, "upstox", "NSE:INFY")
    assert list((folder / "var" / "instruments" / "paper").glob("kite-*.table")), (
        "a simulated market's table is kept apart"
    )


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_a_live_engine_has_its_file_fetched_by_another_process(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    broker: Any,
) -> None:
    """`otrade instruments refresh` against the simulator's real protocol, as `otrade run` starts
    it.
    """

    async def work() -> None:
        sim = Simulator(SimConfig(broker=broker, speed=1.0))
        ports = await sim.start()
        sim.gate.lockstep = False
        serving = asyncio.ensure_future(sim.run_until(sim.clock.now_ns() + 3_600 * 10**9))
        try:
            rest = ports.rest_url if broker == "kite" else ports.upstox_rest_url
            about = {
                "kind": broker,
                "rest_url": rest,
                "instruments_url": f"{rest}/market-quote/instruments/exchange/complete.json.gz",
            }
            path = write(folder, mode="live", broker=about)
            monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
            prefix = f"OTRADE_{broker.upper()}"
            monkeypatch.setenv(f"{prefix}_API_KEY", sim.cfg.api_key)
            monkeypatch.setenv(f"{prefix}_ACCESS_TOKEN", sim.new_token(broker))
            refresh = refresh_by_process(path)
            await refresh(broker)
            (table,) = (folder / "var" / "instruments").glob(f"{broker}-*.table")
            today = dt.date.fromisoformat(table.stem.removeprefix(f"{broker}-"))
            assert open_table(table, broker, today).find("NSE:INFY", today).exchange_token == 1594
            monkeypatch.setenv(f"{prefix}_ACCESS_TOKEN", "dead-token-of-yesterday")
            if broker == "kite":
                with pytest.raises(InstrumentError) as caught:
                    await refresh(broker)
                assert "dead-token-of-yesterday" not in str(caught.value)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await sim.stop()

    asyncio.run(work())
