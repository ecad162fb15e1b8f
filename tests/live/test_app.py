"""The one command, in this process: days that are printed, signals, a page, and every way in which
a start is refused.
"""

import datetime as dt
import json
import os
import re
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from otrade.config import RunOptions
from otrade.errors import CalendarError, ConfigError, InstrumentError, OTradeError, StartError
from otrade.live import app
from otrade.live.day.trading_day import TradingDay
from otrade.live.monitoring.progress import Progress
from otrade.live.runtime.run_file import RunFile
from otrade.live.runtime.server_file import read_server_info
from otrade.web.auth.users import ACCESS_DIR, User, Users, UsersFile
from tests.harness.paper_run import CONFIG, FRIDAY, MAX, on_beat, write

TEN_NS = 1_795_149_000 * 1_000_000_000
"""10:00 IST of that Friday."""


def trade(config: Path, **options: Any) -> int:
    given = {"speed": MAX, "date": FRIDAY, "page": False} | options
    return app.run(RunOptions(config=config, **given))


def without_latency(screen: str) -> str:
    return re.sub(r"^tick to order.*$", "", screen, flags=re.MULTILINE)


def test_the_same_command_twice_prints_the_same_day(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(folder)
    assert trade(config) == app.EXIT_OK
    first = capsys.readouterr().out
    assert trade(config) == app.EXIT_OK
    assert without_latency(capsys.readouterr().out) == without_latency(first)
    (n_trades,) = re.findall(r"^trades +(\d+)", first, re.MULTILINE)
    assert int(n_trades) > 5
    assert "Nothing is open." in first
    money = {
        name: int(value.replace(",", "").replace(".", ""))
        for name, value in re.findall(
            r"^(P&L gross|charges|P&L net) +(-?[\d,.]+)$", first, re.MULTILINE
        )
    }
    assert abs(money["P&L gross"]) > 0 and money["charges"] > 0
    lines = (folder / "var" / "log" / "otrade.jsonl").read_bytes().splitlines()
    assert all(json.loads(line)["text"] for line in lines)
    assert not (folder / "var" / "run" / "engine.json").exists()


def test_several_days_of_a_price_file_end_with_a_total(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = folder / "bars.csv"
    rows = ["time_ist,open,high,low,close"]
    for day, base in (("2025-09-04", 24_900), ("2025-09-05", 24_700)):
        for minute in range(90):
            px = base + 40 * ((minute // 12) % 2) - 3 * (minute % 12)
            time = f"{9 + (15 + minute) // 60:02d}:{(15 + minute) % 60:02d}:00"
            rows.append(f"{day} {time},{px},{px + 6},{px - 6},{px + 2}")
    prices.write_text("\n".join(rows) + "\n")
    strategy = CONFIG["strategies"][0] | {
        "name": "nifty",
        "instrument": "NFO:NIFTY.FUT",
        "sizing": {"mode": "fixed", "value": 75},
    }
    config = write(folder, instruments=[{"symbol": "NFO:NIFTY.FUT"}], strategies=[strategy])
    assert trade(config, prices={"NFO:NIFTY.FUT": prices}, date=None) == app.EXIT_OK
    screen = capsys.readouterr().out
    assert re.search(r"^2025-09-04 +\d+", screen, re.MULTILINE)
    assert re.search(r"^2025-09-05 +\d+", screen, re.MULTILINE)
    n_trades = [int(n) for n in re.findall(r"^trades +(\d+)", screen, re.MULTILINE)]
    (total,) = re.findall(r"^total +(\d+)", screen, re.MULTILINE)
    assert sum(n_trades) == int(total) > 0
    assert "mix" not in screen


def test_real_and_invented_prices_are_not_mixed_without_a_word(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = folder / "bars.csv"
    rows = [f"2025-09-04 09:{15 + i}:00,24900,24905,24895,24902" for i in range(20)]
    prices.write_text("\n".join(["time_ist,open,high,low,close", *rows]) + "\n")
    strategy = CONFIG["strategies"][0]
    future = strategy | {"name": "nifty", "instrument": "NFO:NIFTY.FUT"}
    config = write(
        folder,
        instruments=[{"symbol": "NFO:NIFTY.FUT"}, {"symbol": strategy["instrument"]}],
        strategies=[future | {"sizing": {"mode": "fixed", "value": 75}}, strategy],
    )
    assert trade(config, prices={"NFO:NIFTY.FUT": prices}, date=None) == app.EXIT_OK
    words = f"totals mix prices of a file (NFO:NIFTY25SEPFUT) with invented ones ({strategy['instrument']})"
    assert re.search(rf"^prices +{re.escape(words)}$", capsys.readouterr().out, re.MULTILINE)
    lines = (folder / "var" / "log" / "otrade.jsonl").read_bytes().splitlines()
    said = [json.loads(line)["text"] for line in lines if b"PRICES_MIXED" in line]
    assert said == [f"2025-09-04: {words}"], "the page shows what the log has"


def test_ctrl_c_flattens_and_the_page_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def press(day: TradingDay, now_ns: int) -> None:
        if not seen and now_ns >= TEN_NS and day.engine.n_live:
            info = read_server_info(folder / "var")
            assert info is not None
            seen.append(info.url)
            os.kill(os.getpid(), signal.SIGINT)

    on_beat(monkeypatch, press)
    assert trade(write(folder), page=True, port=0) == app.EXIT_OK
    assert seen and seen[0].startswith("http://127.0.0.1:")
    screen = capsys.readouterr()
    assert "stopped (SIGINT)" in screen.out and "Nothing is open." in screen.out
    assert "Ctrl-C again to insist" in screen.err


@pytest.mark.parametrize(
    ("is_tty", "has_password", "words"),
    [(True, False, r"first visit: open http://127\.0\.0\.1:\d+/#setup=[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4} and choose a password"),
     (False, False, "nobody has a password for the page yet; set one with: otrade password --var var"),
     (True, True, "log in as anand or meera")],
)  # fmt: skip
def test_the_terminal_says_how_to_log_in(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    is_tty: bool,
    has_password: bool,
    words: str,
) -> None:
    if has_password:
        people = Users((User("anand", "trader", "hash"), User("meera", "viewer", "hash")))
        UsersFile(folder / "var" / ACCESS_DIR).change(lambda _: people)
    monkeypatch.setattr(Progress, "is_tty", is_tty)
    on_beat(monkeypatch, lambda day, now_ns: day.shutdown.stop("test"))
    assert trade(write(folder), page=True, port=0) == app.EXIT_OK
    said = capsys.readouterr().err
    assert re.search(words, said) and ("setup=" in said) == (is_tty and not has_password)
    written = b"".join(path.read_bytes() for path in (folder / "var").rglob("*") if path.is_file())
    assert b"setup=" not in written, "the code is on the terminal and nowhere else"


def test_a_file_of_passwords_that_others_may_read_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = UsersFile(folder / "var" / ACCESS_DIR)
    file.change(lambda people: people)
    file.path.chmod(0o644)
    on_beat(monkeypatch, lambda day, now_ns: day.shutdown.stop("test"))
    assert trade(write(folder), page=True, port=0) == app.EXIT_OK
    assert "nobody can log in on the page" in capsys.readouterr().err


def test_a_second_ctrl_c_insists_and_the_exit_code_says_what_is_left(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed: list[int] = []

    def press(day: TradingDay, now_ns: int) -> None:
        is_open = any(day.plan.net_of().values())
        if len(pressed) < 2 and now_ns >= TEN_NS and is_open:
            pressed.append(now_ns)
            os.kill(os.getpid(), signal.SIGINT)
            if len(pressed) == 1:
                # The broker does not answer any more: nothing can be flattened.
                monkeypatch.setattr(day.router.session, "send", lambda command: None)

    on_beat(monkeypatch, press)
    config = write(folder, engine={"on_stop": "flatten"})
    assert trade(config) == app.EXIT_OPEN
    screen = capsys.readouterr()
    assert "stopped at once (second SIGINT)" in screen.out
    assert "OPEN:" in screen.out and "ALARM" in screen.err


def test_configuration_is_reloaded_or_refused_while_it_trades(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder)
    step: list[int] = []

    def edit(day: TradingDay, now_ns: int) -> None:
        due_ns = TEN_NS + len(step) * 60_000_000_000
        if now_ns < due_ns:
            return
        step.append(now_ns)
        match len(step):
            case 1:
                off = [s | {"enabled": False} for s in CONFIG["strategies"]]
                path.write_text(
                    json.dumps(
                        CONFIG
                        | {"strategies": off, "risk": CONFIG["risk"] | {"max_trades_per_day": 7}}
                    )
                )
            case 2:
                assert not day.engine.strategy(0)["enabled"]
                path.write_text(json.dumps(CONFIG)[:100])
            case 3:
                assert not day.engine.strategy(1)["enabled"], "a broken file keeps the old one"
                path.write_text(
                    json.dumps(
                        CONFIG | {"mode": "live", "risk": CONFIG["risk"] | {"max_order_qty": 3}}
                    )
                )
            case 4:
                assert day.engine.strategy(1)["enabled"]
                codes = [notice.code for notice in day.board.since(0)]
                assert codes.count("CONFIG_CHANGED") == 2 and codes.count("CONFIG_REFUSED") == 1
                (waits,) = [n.text for n in day.board.since(0) if n.code == "CONFIG_WAITS"]
                assert waits.endswith("not in force before a restart: mode")
                assert day.engine.limits()["max_order_qty"] == 3
                day.shutdown.stop("test")

    on_beat(monkeypatch, edit)
    assert trade(path) == app.EXIT_OK
    assert len(step) == 4


@pytest.mark.parametrize(
    ("changes", "options", "error", "words"),
    [
        (
            {"instruments": [{"symbol": "NSE:INFI"}, *CONFIG["instruments"]]},
            {},
            InstrumentError,
            "NSE:INFI.*did you mean INFY",
        ),
        (
            {
                "instruments": [{"symbol": "NSE:NIFTY 50"}, *CONFIG["instruments"]],
                "strategies": [CONFIG["strategies"][0] | {"instrument": "NSE:NIFTY 50"}],
            },
            {},
            InstrumentError,
            "index.*FUT",
        ),
        ({"strategie": []}, {}, ConfigError, "strategie.*did you mean 'strategies'"),
        ({}, {"date": "2026-11-21"}, CalendarError, "2026-11-21 is no trading day .weekend."),
        ({}, {"date": "2026-11-10"}, CalendarError, "2026-11-10 is no trading day"),
        ({}, {"date": "21-11-2026"}, CalendarError, "YYYY-MM-DD"),
        ({}, {"date": "2031-01-01"}, CalendarError, "outside the known calendar"),
    ],
)
def test_what_cannot_be_traded_is_named(
    folder: Path,
    changes: dict[str, Any],
    options: dict[str, Any],
    error: type[OTradeError],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        trade(write(folder, **changes), **options)


def test_a_file_cut_in_half_and_a_price_file_with_a_wrong_price_are_named(folder: Path) -> None:
    config = write(folder)
    prices = folder / "bars.csv"
    prices.write_text(
        "time_ist,open,high,low,close\n2025-09-04 09:15:00,24970.3,twenty,24867.05,24876.6\n"
    )
    with pytest.raises(ConfigError, match=r"bars\.csv.*high"):
        trade(config, prices={"NFO:NIFTY.FUT": prices}, date=None)
    config.write_bytes(config.read_bytes()[:200])
    with pytest.raises(ConfigError, match=r"config\.json: line 1, column 201.*cut in half"):
        trade(config)


def test_a_port_in_use_and_a_second_engine_are_named(folder: Path) -> None:
    config = write(folder)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"port {port}.*web.port"):
            trade(config, page=True, port=port)
    with RunFile(folder / "var"), pytest.raises(StartError, match="already runs in var"):
        trade(config)


def test_a_live_run_without_keys_says_which(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTRADE_KITE_API_KEY", "OTRADE_KITE_API_SECRET", "OTRADE_KITE_ACCESS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("otrade.live.live_mode.date_of", lambda now_ns: dt.date(2026, 11, 20))
    with pytest.raises(ConfigError, match="OTRADE_KITE_API_KEY"):
        trade(write(folder, mode="live"))
