"""`otrade sessions`: who is logged in on the page, and ending one's session."""

from __future__ import annotations

import datetime as dt
import http.client
import sys
from pathlib import Path
from typing import Any

from otrade.cli.engine.page_client import API, NO_ANSWER, call
from otrade.live.runtime.server_file import running_server

ANSWER_S_MAX = 5.0
DONE, REFUSED, NO_ENGINE, STOPPED = 0, 1, 3, 4
IST = dt.timezone(dt.timedelta(hours=5, minutes=30))


def sessions(var: Path, end: str, *, end_all_of: str) -> int:
    """Print the open ones; first end that of an id, or all of a person. Exit code 1 when there is
    none such, 3 or 4 when no server answers.
    """
    info = running_server(var)
    if info is None:
        print(f"no page is served in {var}", file=sys.stderr)
        return NO_ENGINE
    try:
        status, rows = call(info, "GET", f"{API}/sessions", None, ANSWER_S_MAX)
        ids = [end] if end else []
        if end_all_of and status == http.client.OK:
            ids = [row["id"] for row in rows if row["name"] == end_all_of]
            if not ids:
                print(f"{end_all_of} is not logged in", file=sys.stderr)
                return REFUSED
        for id in ids:
            status, rows = call(info, "POST", f"{API}/end-session", {"id": id}, ANSWER_S_MAX)
    except NO_ANSWER as error:
        print(
            f"the page's server {info.pid} does not answer ({error or type(error).__name__})",
            file=sys.stderr,
        )
        return STOPPED
    if status != http.client.OK:
        print(rows.get("detail") or rows.get("title"), file=sys.stderr)
        return REFUSED
    for row in rows:
        print(line_of(row))
    if not rows:
        print("no user is logged in", file=sys.stderr)
    return DONE


def line_of(row: dict[str, Any]) -> str:
    """One session on one line. What a browser calls itself is a stranger's word: no control sign of
    it reaches the terminal.
    """
    began, seen = (
        dt.datetime.fromtimestamp(row[name] / 1000, IST).strftime("%d %b %H:%M")
        for name in ("began_ms", "seen_ms")
    )
    browser = "".join(sign if sign.isprintable() else "?" for sign in row["browser"])
    return (
        f"{row['id']}  {row['name']} ({row['role']}) from {row['address']}, since {began}, "
        f"seen {seen}, ends in {row['ends_in_s'] // 60} min  {browser}"
    )
