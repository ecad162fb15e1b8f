"""A start's instruments out of 200,000: from the table, beside reading every row of the file; each
in a process of its own.
"""

from __future__ import annotations

import datetime as dt
import json
import statistics
import subprocess
import sys
from pathlib import Path

from otrade.instruments.cache import build, table_path
from otrade.instruments.kite import COLUMNS, KiteInstrumentFile

TODAY = dt.date(2026, 11, 23)
ROWS = 200_000
ROUNDS = 5
MEASURE = """
import json, re, time
def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
open("/proc/self/clear_refs", "w").write("5")  # the peak so far is that of whoever started us
before = peak_kib()
start = time.perf_counter_ns()
{work}
print(json.dumps([time.perf_counter_ns() - start, peak_kib() - before, found]))
"""
FROM_TABLE = """
import datetime as dt
from pathlib import Path
from otrade.instruments.cache import open_table
today = dt.date({today})
table = open_table(Path({table!r}), "kite", today)
found = [table.find(s, today).token for s in ("NSE:S000007", "NSE:S019999", "NFO:U0100.FUT", "NFO:U0100.ATMCE@M")[:3]]
found.append(table.find("NFO:U0100.1500CE", today).token)
"""
FROM_CSV = """
import csv
wanted = {{"S000007", "S019999", "U010026DECFUT", "U010026DEC1500CE"}}
with open({dump!r}, newline="") as file:
    rows = {{row["tradingsymbol"]: row for row in csv.DictReader(file)}}
found = [int(rows[name]["instrument_token"]) for name in ("S000007", "S019999", "U010026DECFUT", "U010026DEC1500CE")]
"""


def dump(path: Path) -> None:
    """20,000 shares, and 180,000 contracts of 1,000 underlyings."""
    lines = [",".join(COLUMNS)]
    lines += [
        f"{i << 8 | 1},{i},S{i:06d},SHARE {i},0,,0,0.05,1,EQ,NSE,NSE" for i in range(1, 20_001)
    ]
    number = 30_000
    for under in range(1_000):
        name = f"U{under:04d}"
        for strike in range(180):
            number += 1
            kind = "FUT" if strike == 0 else "CE" if strike % 2 else "PE"
            px = 0 if kind == "FUT" else 1_000 + (strike // 2) * 10
            label = f"{name}26DEC{'' if kind == 'FUT' else px}{kind}"
            segment = "NFO-FUT" if kind == "FUT" else "NFO-OPT"
            lines.append(
                f"{number << 8 | 2},{number},{label},{name},0,2026-12-29,{px},0.05,50,{kind},{segment},NFO"
            )
    path.write_text("\n".join(lines) + "\n")


def measured(work: str) -> tuple[float, float, list[int]]:
    """(milliseconds, MiB of peak memory on top, what was found)."""
    out = subprocess.check_output(
        [sys.executable, "-c", MEASURE.format(work=work)], text=True, cwd=Path(__file__).parents[1]
    )
    took_ns, kib, found = json.loads(out)
    return took_ns / 1e6, kib / 1024, found


def test_a_start_from_the_table(tmp_path: Path, figures: list[tuple[str, ...]]) -> None:
    path = tmp_path / "dump.csv"
    dump(path)
    n = build(tmp_path, "kite", TODAY, KiteInstrumentFile(path.read_bytes()))
    assert n == ROWS
    table = table_path(tmp_path, "kite", TODAY)
    ours, plain = [], []
    for _ in range(ROUNDS):
        ours.append(measured(FROM_TABLE.format(table=str(table), today="2026, 11, 23")))
        plain.append(measured(FROM_CSV.format(dump=str(path))))
    assert ours[0][2] == plain[0][2], "both find the same instruments"
    for name, rows in (("from the table", ours), ("csv.DictReader of all", plain)):
        print(
            f"{name}: {statistics.median(r[0] for r in rows):.0f} ms, {statistics.median(r[1] for r in rows):.1f} MiB"
        )
    took, base = statistics.median(r[0] for r in ours), statistics.median(r[0] for r in plain)
    memory, base_memory = (
        statistics.median(r[1] for r in ours),
        statistics.median(r[1] for r in plain),
    )
    worst = max(r[0] for r in ours)
    figures.append(
        (
            "instruments of a start, 200,000 rows",
            f"{took:.0f} ms",
            f"{worst:.0f} ms (worst)",
            f"{base / took:.0f}x faster than csv.DictReader of all ({base:.0f} ms), {memory:.1f} against {base_memory:.0f} MiB",
            "-",
        )
    )
