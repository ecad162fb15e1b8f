"""How long until the page shows something, and until it shows the engine's figures, in real
Chromium, in turns with a page of one word.

    python -m bench.first_paint [--rounds N]

Somebody who is logged in opens the page of a trading engine; the one word comes from the same
server in a process beside it. In each round both are opened in the same browser: the word, ours
with nothing in the browser's cache, ours once more with everything in it. The paint is the
browser's own mark (`first-contentful-paint`). The kill switch is painted first, on purpose; what a
person waits for is the figures, so the frame in which they stand is measured too. Kept in
build/first_paint.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, sync_playwright

from tests.page.browser import chromium
from tests.page.conftest import engine, enter

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "build" / "first_paint.json"
FIGURES = "dd.clock"
"""The engine's own time: it stands where the first snapshot has been rendered."""
WATCH = f"""
  window.figures = new Promise((done) => {{
    const watch = new MutationObserver(() => {{
      if (!document.querySelector("{FIGURES}")) return;
      watch.disconnect();
      requestAnimationFrame(() => setTimeout(() => done(performance.now())));
    }});
    watch.observe(document, {{childList: true, subtree: true}});
  }})
"""
PAINT = """
  new Promise((done) => new PerformanceObserver((list) => {
    for (const row of list.getEntriesByName("first-contentful-paint")) done(row.startTime);
  }).observe({type: "paint", buffered: true}))
"""


@dataclass
class Seen:
    """Milliseconds since the navigation, one of each a round."""

    paint_ms: list[float] = field(default_factory=list)
    figures_ms: list[float] = field(default_factory=list)


@contextmanager
def empty_page() -> Iterator[str]:
    command = [sys.executable, "-m", "bench.empty_page"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def look(context: BrowserContext, url: str, seen: Seen, *, figures: bool, cold: bool) -> None:
    """Open it in a tab of its own, as a person would."""
    page = context.new_page()
    if cold:
        page.context.new_cdp_session(page).send("Network.clearBrowserCache")
    page.add_init_script(WATCH)
    page.goto(url)
    seen.paint_ms.append(page.evaluate(PAINT))
    if figures:
        seen.figures_ms.append(page.evaluate("window.figures"))
    page.close()


def measure(rounds: int, path: str) -> dict[str, Seen]:
    empty, cold, warm = Seen(), Seen(), Seen()
    with (
        tempfile.TemporaryDirectory() as folder,
        engine(Path(folder), "--speed", "60") as running,
        empty_page() as nothing,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        context = browser.new_context(viewport={"width": 1500, "height": 950})
        enter(context, running.url).close()
        turns = [
            (nothing, empty, False, False),
            (running.url, cold, True, True),
            (running.url, warm, True, False),
        ]
        for (
            url,
            _,
            figures,
            cold_cache,
        ) in turns:  # everything is compiled and mapped before it counts
            look(context, url, Seen(), figures=figures, cold=cold_cache)
        for _ in range(rounds):
            for url, seen, figures, cold_cache in turns:
                look(context, url, seen, figures=figures, cold=cold_cache)
        browser.close()
    return {"one word": empty, "the page, nothing cached": cold, "the page, cached": warm}


def p99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]


def table(found: dict[str, Seen]) -> str:
    floor = found["one word"].paint_ms
    lines = [
        "| opened | first paint, median | p99 | beside one word | figures on the screen, median | p99 |",
        "|---|---|---|---|---|---|",
    ]
    for name, seen in found.items():
        ratio = statistics.median(a / b for a, b in zip(seen.paint_ms, floor, strict=True))
        later = (
            f"{statistics.median(seen.figures_ms):.0f} ms | {p99(seen.figures_ms):.0f} ms"
            if seen.figures_ms
            else "- | -"
        )
        lines.append(
            f"| {name} | {statistics.median(seen.paint_ms):.0f} ms | {p99(seen.paint_ms):.0f} ms | {ratio:.2f}x | {later} |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.first_paint")
    parser.add_argument("--rounds", type=int, default=100)
    rounds = max(1, parser.parse_args().rounds)
    path = chromium()
    if not path:
        print(
            "SKIPPED: the time to first paint is NOT measured: there is no Chromium here (`make test` says how to get one)"
        )
        return 0
    found = measure(rounds, path)
    print(f"{rounds} rounds\n\n{table(found)}")
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps({name: vars(seen) for name, seen in found.items()}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
