"""Where the browser is that the page's tests drive. `python -m tests.page.browser` prints it, and
ends with 1 when there is none.
"""

import os
import shutil
import subprocess

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str:
    """The system's browser, or Playwright's own; empty when there is none that starts."""
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return next(
        (path for path in (*filter(None, map(shutil.which, NAMES)), own) if _starts(path)), ""
    )


def _starts(path: str) -> bool:
    if not os.path.exists(path):
        return False
    try:
        return (
            subprocess.run(
                [path, "--version"], capture_output=True, timeout=60, check=False
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    print(found := chromium())
    raise SystemExit(not found)
