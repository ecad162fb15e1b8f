"""The picture of README and docs: `make picture` opens the page of a paper day in Chromium and writes docs/page.png,
as soon as a position of the NIFTY future is open in the second half of the morning.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.harness.waiting import attempts
from tests.page.browser import chromium
from tests.page.conftest import Running, ask, engine, go, person

PICTURE = Path(__file__).parents[2] / "docs" / "page.png"
SYMBOL = "NFO:NIFTY"
FROM_MIN, IST_MIN = 11 * 60, 330
SIZE = {"width": 1640, "height": 1000}
DAY = ("--date", "2026-11-20", "--speed", "400")
PATIENCE_S = 600
SETTLES_MS = 1_000


def is_held(running: Running) -> bool:
    """A position of it is open, and the chart has a morning to show."""
    named = {one["id"] for one in ask(running, "instruments") if one["symbol"].startswith(SYMBOL)}
    now_ms = ask(running, "limits")["ts_ms"]
    held = {one["instrument_id"] for one in ask(running, "brackets") if one["state"] == "OPEN"}
    return (now_ms // 60_000 + IST_MIN) % 1_440 >= FROM_MIN and bool(named & held)


def main() -> int:
    """Exit code 1 where there is no browser."""
    path = chromium()
    if not path:
        print("no browser here", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        with engine(Path(folder), *DAY) as running:
            chrome = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            with person(chrome, running.url, viewport=SIZE) as page:
                go(page, "Instrument")
                page.get_by_text(SYMBOL).first.click()
                for _ in attempts("a position to show", patience_s=PATIENCE_S, pause_s=0.5):
                    if is_held(running):
                        break
                page.wait_for_timeout(SETTLES_MS)
                page.screenshot(path=PICTURE)
            chrome.close()
    print(f"wrote {PICTURE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
