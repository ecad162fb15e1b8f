"""`otrade config check` finds what a start would refuse, and says what it would drop."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otrade.calendar import Calendar, date_of
from otrade.cli.main import main
from otrade.clock import WallClock
from otrade.config.manager import default_bytes
from otrade.instruments.cache import build
from otrade.instruments.kite import COLUMNS, KiteInstrumentFile
from otrade.live.startup.price_days import checked
from otrade.simulator.base.config import SimConfig
from otrade.simulator.prices.price_source import PriceSource
from tests.live.startup.test_price_days import file_of

Change = Callable[[dict[str, Any]], object]
FRIDAY = "2026-11-20"


def config_at(folder: Path, change: Change, name: str = "paper.json") -> Path:
    data = json.loads(default_bytes(name))
    if name == "paper.json":
        data["sim"]["date"] = FRIDAY
    change(data)
    path = folder / "mine.json"
    path.write_text(json.dumps(data))
    return path


@pytest.fixture
def told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    monkeypatch.chdir(tmp_path)

    def check(change: Change, name: str = "paper.json") -> tuple[int, str]:
        code = main(["config", "check", "--config", str(config_at(tmp_path, change, name))])
        out = capsys.readouterr()
        return code, out.out + out.err

    return check


def renamed(symbol: str) -> Change:
    """The first instrument, and what trades it, by another name."""

    def change(data: dict[str, Any]) -> None:
        before, data["instruments"][0]["symbol"] = data["instruments"][0]["symbol"], symbol
        for strategy in data["strategies"]:
            if strategy["instrument"] == before:
                strategy["instrument"] = symbol

    return change


def paths(**given: str) -> Change:
    return lambda data: data.setdefault("paths", {}).update(given)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (renamed("NSE:INFI"), "NSE:INFI: there is no such instrument.*did you mean INFY"),
        (renamed("NSE:NIFTY 50"), "NSE:NIFTY 50 is an index and cannot be traded.*infy-ema"),
        (renamed("NFO:NIFTY.99999CE"), "NFO:NIFTY.99999CE"),
        (renamed("MCX:GOLD.FUT"), "MCX:GOLD.FUT: nothing of that kind"),
        (
            lambda data: data["instruments"].append({"symbol": "NFO:NIFTY26NOVFUT"}),
            "NFO:NIFTY26NOVFUT and NFO:NIFTY.FUT are both NFO:NIFTY26NOVFUT",
        ),
        (
            lambda data: data["instruments"][0].update(product="NRML"),
            r"instruments\[0\].product: NRML is for contracts only",
        ),
        (lambda data: data["sim"].update(date="2026-11-22"), "2026-11-22 is no trading day"),
        (
            lambda data: data["sim"].update(rehearse=[{"at": "16:00", "what": "feed"}]),
            r"sim.rehearse\[0\].at: 16:00 is outside the day",
        ),
        (
            lambda data: data["sim"].update(prices={"NSE:INFY": "/nowhere.csv"}),
            r"sim.prices\['NSE:INFY'\]: /nowhere.csv: there is no such file",
        ),
        (paths(square_off="/nowhere.json"), "/nowhere.json.*paths.square_off"),
        (paths(charges="/nowhere.json"), "/nowhere.json.*paths.charges"),
        (paths(calendar="/nowhere.json"), "/nowhere.json.*paths.calendar"),
        (
            lambda data: data.setdefault("web", {}).update(
                tls_cert="/nowhere.pem", tls_key="/nowhere.key"
            ),
            "web.tls_cert.*/nowhere.pem|/nowhere.pem: there is no such file",
        ),
    ],
)
def test_what_a_start_would_refuse(told: Any, change: Change, words: str) -> None:
    code, said = told(change)
    assert code == 5 and re.search(words, said), said


def test_prices_of_what_nobody_trades_are_refused_and_those_of_its_family_are_not(
    told: Any, tmp_path: Path
) -> None:
    """A forgotten `=SYMBOL` makes a file the nearest NIFTY future's: INFY would then be traded on
    invented prices.
    """
    path = file_of(tmp_path, [FRIDAY])

    def only(*symbols: str, of: str) -> Change:
        def change(data: dict[str, Any]) -> None:
            data["sim"]["prices"] = {of: path}
            data["instruments"] = [{"symbol": symbol} for symbol in symbols]
            data["strategies"] = [data["strategies"][0] | {"instrument": symbols[0]}]

        return change

    code, said = told(only("NSE:INFY", of="NFO:NIFTY.FUT"))
    assert code == 5 and "no configured instrument trades on them" in said and "NSE:INFY" in said
    for symbol in ("NFO:NIFTY26NOVFUT", "NFO:NIFTY.FUT"):
        assert told(only(symbol, of="NFO:NIFTY.FUT"))[0] == 0
    prices = PriceSource(SimConfig(prices={"NFO:NIFTY.FUT": path}))
    for symbol in ("NFO:NIFTY.ATMCE", "NSE:NIFTY 50", "NFO:NIFTY26NOVFUT"):
        checked(Calendar.load(), prices, ["NSE:INFY", symbol])


def test_what_is_dropped_or_idle_is_said(told: Any) -> None:
    def change(data: dict[str, Any]) -> None:
        data["instruments"].append({"symbol": "NSE:TCS"})
        data["strategies"][-1]["sizing"] = {"mode": "fixed", "value": 10}

    code, said = told(change)
    assert code == 0 and "good." in said
    assert "no strategy trades NSE:TCS: only shown" in said
    assert "10 units are less than one lot of NFO:NIFTY.FUT today (65): it enters nothing" in said


def test_the_shipped_configuration_is_good_and_a_check_leaves_nothing_behind(
    told: Any, tmp_path: Path
) -> None:
    code, said = told(lambda data: None)
    assert code == 0 and len(said.splitlines()) == 2, said
    assert {path.name for path in tmp_path.iterdir()} == {"mine.json"}


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_a_live_configuration_is_held_against_todays_table(
    told: Any, tmp_path: Path, broker: str
) -> None:
    name = f"live.{broker}.example.json"

    def with_symbols(*symbols: str) -> Change:
        def change(data: dict[str, Any]) -> None:
            data["instruments"] = [{"symbol": symbol} for symbol in symbols]
            data["strategies"] = [data["strategies"][0] | {"instrument": symbols[0]}]
            data["strategies"][0]["params"]["side"] = "long"

        return change

    code, said = told(with_symbols("NSE:INFY"), name)
    assert code == 0 and "the symbols are not checked: there are no instruments of today" in said
    today = date_of(WallClock().now_ns())
    rows = [
        ",".join(COLUMNS),
        "408065,1594,INFY,INFOSYS,0,,0,0.1,1,EQ,NSE,NSE",
        "256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE",
    ]
    build(
        tmp_path / "var" / "instruments", broker, today, KiteInstrumentFile("\n".join(rows) + "\n")
    )
    code, said = told(with_symbols("NSE:INFY"), name)
    assert code == 0 and "not checked" not in said
    code, said = told(with_symbols("NSE:INFI"), name)
    assert code == 5 and "NSE:INFI: there is no such instrument" in said
    code, said = told(with_symbols("NSE:NIFTY 50", "NSE:INFY"), name)
    assert code == 5 and "index" in said


def test_an_instrument_without_a_session_that_day_is_named(told: Any) -> None:
    def change(data: dict[str, Any]) -> None:
        data["sim"]["date"] = "2026-08-26"
        data["instruments"].append({"symbol": "CDS:USDINR.FUT", "product": "NRML"})
        data["strategies"].append(
            data["strategies"][0] | {"name": "dollar", "instrument": "CDS:USDINR.FUT"}
        )

    code, said = told(change)
    assert code == 0
    assert (
        "CDS:USDINR.FUT has no session on 2026-08-26 (the currency segment is closed): "
        "it is not traded, and with it dollar" in said
    )
