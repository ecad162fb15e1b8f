"""A run over price files is checked whole before its first day: every day a session, or a refusal
that names file, line and fix.
"""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from otrade.calendar import Calendar
from otrade.cli.main import main
from otrade.config.manager import default_bytes
from otrade.errors import ConfigError
from otrade.live.startup.price_days import checked
from otrade.simulator.base.config import SimConfig
from otrade.simulator.prices.price_source import PriceSource

CAL = Calendar.load()
FUTURE = "NFO:NIFTY.FUT"
CASES = Path(__file__).parents[4] / "shared/cases/config"


def file_of(
    folder: Path, days: Sequence[str], *, at: str = "09:15", n: int = 4, level: float = 24_900
) -> str:
    path = folder / "bars.csv"
    rows = [
        f"{day} {at[:3]}{int(at[3:]) + i:02d}:00,{level},{level + 5},{level - 5},{level}"
        for day in days
        for i in range(n)
    ]
    path.write_text("\n".join(["time_ist,open,high,low,close", *rows]) + "\n")
    return str(path)


def check(
    path: str, symbols: Sequence[str] = (FUTURE,), key: str = FUTURE
) -> tuple[Calendar, list[str]]:
    return checked(CAL, PriceSource(SimConfig(prices={key: path})), symbols)


def test_sessions_on_days_off_are_days_like_others(tmp_path: Path) -> None:
    days = ["2025-01-31", "2025-02-01", "2026-01-30", "2026-02-01", "2026-02-02"]
    assert check(file_of(tmp_path, days)) == (CAL, [])
    check(file_of(tmp_path, ["2025-10-20"]))
    check(file_of(tmp_path, ["2025-10-21"], at="13:45"))


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2026-11-22", "weekend"),
        ("2026-11-24", "holiday"),
        ("2027-01-05", "2027-01-05 is outside the known calendar"),
    ],
)
def test_a_day_without_a_session_refuses_the_whole_file(tmp_path: Path, day: str, why: str) -> None:
    path = file_of(tmp_path, ["2026-11-20", day])
    with pytest.raises(
        ConfigError, match="remove the day's lines, or correct the calendar"
    ) as caught:
        check(path)
    assert str(caught.value).startswith(
        f"{path}, line 6, column time_ist: {day} is no session of {FUTURE} ({why}"
    )


def test_days_before_the_calendars_reach_are_sessions_with_a_word(tmp_path: Path) -> None:
    """2024-01-20 was a Saturday with a full session; whoever has prices of a day knows that there
    was trading.
    """
    path = file_of(tmp_path, ["2024-01-19", "2024-01-20", "2025-01-01"])
    calendar, notes = check(path)
    assert notes == [
        f"{path}: 2 days (2024-01-19 to 2024-01-20) lie before the calendar's reach (2025-01-01). They count as sessions, with the hours "
        "of its first rule; holidays, shortened sessions and contracts of those days are not known"
    ]
    assert calendar.session("derivatives", dt.date(2024, 1, 20)) is not None


def test_a_day_on_which_no_instrument_trades_is_refused_at_once(tmp_path: Path) -> None:
    path = file_of(tmp_path, ["2026-11-20", "2026-02-19"][::-1])
    check(path)
    with pytest.raises(
        ConfigError, match=r"2026-02-19: .*none of the configured instruments trades"
    ):
        check(path, ["CDS:USDINR.FUT"])


def config_at(folder: Path, prices: dict[str, str]) -> Path:
    data = json.loads(default_bytes("paper.json"))
    data["sim"]["prices"] = prices
    path = folder / "mine.json"
    path.write_text(json.dumps(data))
    return path


def test_config_check_reads_the_price_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(prices: dict[str, str]) -> tuple[int, str]:
        rc = main(["config", "check", "--config", str(config_at(tmp_path, prices))])
        out = capsys.readouterr()
        return rc, out.out + out.err

    gone = tmp_path / "gone.csv"
    rc, words = told({FUTURE: str(gone)})
    assert rc == 5 and f"sim.prices['{FUTURE}']: {gone}: there is no such file" in words
    rc, words = told({FUTURE: file_of(tmp_path, ["2026-11-20", "2026-11-22"])})
    assert rc == 5 and "line 6" in words and "weekend" in words
    rc, words = told({FUTURE: file_of(tmp_path, ["2026-11-20"], at="03:45")})
    assert rc == 5 and "look like UTC" in words
    rc, words = told({FUTURE: file_of(tmp_path, ["2024-03-05", "2026-11-20"])})
    assert rc == 0 and "before the calendar's reach" in words and "good." in words


def test_a_run_refuses_before_its_first_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = file_of(tmp_path, ["2026-11-20", "2026-11-24"], n=40)
    config = config_at(tmp_path, {})
    assert (
        main(
            [
                "run",
                "--config",
                str(config),
                "--prices",
                f"{path}={FUTURE}",
                "--speed",
                "max",
                "--no-page",
            ]
        )
        == 5
    )
    out = capsys.readouterr()
    assert "line 42" in out.err and "trades" not in out.out


def test_the_configuration_that_names_no_file() -> None:
    path = CASES / "prices_in_cfg_missing.json"
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    assert main(["config", "check", "--config", str(path)]) == 5
