"""Files of bars with something told beside them: names of columns, zones, forms of times, one symbol of
many, ends for beginnings; and every wrong line named when the reading goes on.
"""

import datetime as dt
import zoneinfo
from pathlib import Path

import pytest

from otrade.price_files.bars import PriceFileError
from otrade.price_files.reader import read
from otrade.price_files.rules import ReadingRules

IST = dt.timezone(dt.timedelta(hours=5, minutes=30))
OURS = "time_ist,open,high,low,close,volume"


def file(folder: Path, *lines: str) -> str:
    path = folder / "bars.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def times(path: str, rules: ReadingRules) -> list[str]:
    """HH:MM:SS of every bar, Indian time."""
    return [
        f"{dt.datetime.fromtimestamp(bar.ts_ns // 10**9, IST):%H:%M:%S}"
        for bars in read(path, rules).days.values()
        for bar in bars
    ]


def test_columns_by_their_own_names(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        "Stamp,o,h,l,c,v,open",
        "20/11/2026 09:15,10,12.5,9.5,11,700,x",
        "20/11/2026 09:16,11,11,10,10.05,800,x",
    )
    columns = dict(time="Stamp", open="O", high="h", low="l", close="c", volume="v")
    rules = ReadingRules(columns=columns, time_format="%d/%m/%Y %H:%M")
    (bars,) = read(path, rules).days.values()
    assert [(b.open_e4, b.high_e4, b.low_e4, b.close_e4, b.volume) for b in bars] == [
        (100_000, 125_000, 95_000, 110_000, 700),
        (110_000, 110_000, 100_000, 100_500, 800),
    ]
    assert times(path, rules) == ["09:15:00", "09:16:00"]
    with pytest.raises(PriceFileError, match="line 1, column w: missing, and was named as volume"):
        read(path, ReadingRules(columns=columns | {"volume": "w"}))
    with pytest.raises(PriceFileError, match="column vol: no such field; fields are time, open"):
        read(path, ReadingRules(columns={"vol": "v"}))
    with pytest.raises(PriceFileError, match="line 2, .* is not a time of the form '%Y'"):
        read(path, ReadingRules(columns=columns, time_format="%Y"))


@pytest.mark.parametrize(
    ("zone", "text"),
    [(dt.UTC, "2026-11-20 03:45"), (zoneinfo.ZoneInfo("Asia/Singapore"), "2026-11-20 11:45")],
)
def test_a_zone_that_is_told_holds_for_times_that_say_none(
    tmp_path: Path, zone: dt.tzinfo, text: str
) -> None:
    path = file(tmp_path, OURS, f"{text}:00,1,1,1,1,1", "2026-11-20 09:16:00+05:30,1,1,1,1,1")
    assert times(path, ReadingRules(zone=zone)) == ["09:15:00", "09:16:00"]
    assert read(path, ReadingRules(zone=zone)).n_without_zone == 1


def test_the_nse_writes_months_by_name_and_groups_digits(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        '"Date ","series ","OPEN ","HIGH ","LOW ","PREV. CLOSE ","ltp ","close ","VOLUME "',
        '"04-Sep-2025","EQ","1,505.40","1,512.00","1,499.95","1,500.00","1,510.00","1,510.10","12,34,567"',
    )
    (bars,) = read(path, ReadingRules(may_be_daily=True)).days.values()
    assert (bars[0].open_e4, bars[0].close_e4, bars[0].volume) == (
        15_054_000,
        15_101_000,
        1_234_567,
    )


@pytest.mark.parametrize("price", ["1,505", "24.970,30", "1,50", "1e400", "0.00001", "-3", "nan"])
def test_a_price_that_may_be_another_one_is_none(tmp_path: Path, price: str) -> None:
    path = file(tmp_path, OURS, f'2026-11-20 09:15:00,"{price}",2000,0.01,1,1')
    with pytest.raises(PriceFileError, match="line 2, column open"):
        read(path)


def test_ends_of_bars_become_their_beginnings(tmp_path: Path) -> None:
    """09:15:59 and 09:16:00 are both the end of the minute that began at 09:15."""
    rules = ReadingRules(is_stamped_at_close=True)
    for stamps in (("09:16:00", "09:17:00"), ("09:15:59", "09:16:59")):
        path = file(tmp_path, OURS, *(f"2026-11-20 {at},1,1,1,1,1" for at in stamps))
        assert times(path, rules) == ["09:15:00", "09:16:00"]
        assert sorted(read(path, rules).lines.values()) == [2, 3]
    path = file(tmp_path, OURS, *(f"2026-11-20 {at}:00,1,1,1,1,1" for at in ("10:15", "11:15")))
    with pytest.raises(PriceFileError, match="bars of 3600 seconds cannot be read by their end"):
        read(path, rules)


def test_newest_first_is_an_order_where_it_may_be(tmp_path: Path) -> None:
    lines = [f"2026-11-20 09:{minute}:00,1,1,1,1,{minute}" for minute in (18, 17, 16)]
    path = file(tmp_path, OURS, *lines)
    found = read(path, ReadingRules(may_be_newest_first=True))
    assert found.is_newest_first and [b.volume for bars in found.days.values() for b in bars] == [
        16,
        17,
        18,
    ]
    assert [found.lines[bar.ts_ns] for bars in found.days.values() for bar in bars] == [4, 3, 2]
    path = file(tmp_path, OURS, *lines, "2026-11-20 09:19:00,1,1,1,1,1")
    with pytest.raises(PriceFileError, match="line 3, .* is not after the line before"):
        read(path, ReadingRules(may_be_newest_first=True))


def test_two_symbols_are_refused_until_one_is_named(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        f"symbol,{OURS}",
        "INFY,2026-11-20 09:15:00,1,1,1,1,1",
        "TCS,2026-11-20 09:15:00,2,2,2,2,2",
    )
    with pytest.raises(PriceFileError, match=r"column symbol: 2 symbols \(INFY, TCS\)"):
        read(path, ReadingRules(keeps_going=True))
    (bars,) = read(path, ReadingRules(only="TCS")).days.values()
    assert [bar.open_e4 for bar in bars] == [20_000]
    with pytest.raises(PriceFileError, match="no row of SBIN; it has INFY, TCS"):
        read(path, ReadingRules(only="SBIN"))


def test_every_wrong_line_is_named_and_left_out(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        OURS,
        "2026-11-20 09:15:00,1,1,1,1,1",
        "2026-11-20 09:15:00,1,1,1,1,1",
        "2026-11-20 09:15:00,2,2,2,2,1",
        "2026-11-20 09:16:00,1,0.5,1,1,1",
        "2026-11-20 09:17:00,1,1,1,1",
        "noon,1,1,1,1,1",
        "2026-11-20 09:18:00,1,1,1,1,-4",
        "2026-11-20 09:14:00,1,1,1,1,1",
        "2026-11-20 09:19:00,1.00001,2,1,1,1",
    )
    found = read(path, ReadingRules(keeps_going=True))
    assert [b.ts_ns // 60_000_000_000 % 60 for bars in found.days.values() for b in bars] == [
        45,
        49,
    ]
    words = [line.partition(" line ")[2].partition(":")[0] for line in found.bad_lines]
    assert words == [
        "5, column high", "6, column volume", "7, column time_ist", "8, column volume",
        "4, column time_ist", "9, column time_ist",
    ]  # fmt: skip
    assert "and they differ" in found.bad_lines[4]
    assert [line.partition(", ")[2] for line in found.same_lines] == [
        "line 3: says what line 2 has said, to the last digit"
    ]
    assert found.rounded == [10], "a price finer than a ten-thousandth"
