"""The documentation as a site: `make docs` puts it into build/docs/site.

    python -m docs.site.make_site

The pages of docs/ are copied to build/docs/pages beside those that are made from the code (commands, configuration,
API, Python, alerts), and Zensical makes HTML of them. It ends with an error when a link or an anchor leads nowhere, when
a page is missing in the navigation, or when anything would be loaded from elsewhere.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from docs.site import alert_page, api_page, command_page, configuration_page, python_page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CONFIG = DOCS / "site" / "zensical.toml"
TARGET = ROOT / "build" / "docs"
AT_ROOT = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
    "SECURITY.md": "report-a-vulnerability.md",
}
"""Files that stand beside README.md, and their names on the site."""
MADE = {
    "commands.md": command_page.page,
    "api.md": api_page.page,
    "python.md": python_page.page,
    "alert-table.md": alert_page.page,
    "configuration-keys.md": configuration_page.page,
}
"""Pages that are made from the code."""
LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("source", "src")}


def kept_pages() -> list[str]:
    """The Markdown files of docs/, as the site names them."""
    found = (path.relative_to(DOCS) for path in DOCS.rglob("*.md"))
    return sorted(str(path) for path in found if path.parts[0] != "site")


def pages_in_navigation(rows: list[Any] | None = None) -> Iterator[str]:
    """Every page that the navigation names, in its order."""
    if rows is None:
        rows = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["project"]["nav"]
    for row in rows:
        for value in row.values():
            if isinstance(value, list):
                yield from pages_in_navigation(value)
            else:
                yield value


def stage(pages: Path) -> None:
    """All pages in one folder, beside the pictures and files that they show."""
    shutil.copytree(DOCS, pages, ignore=shutil.ignore_patterns("site", "*.py", "__pycache__"))
    for name, called in AT_ROOT.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        text = re.sub(r"\]\(docs/", "](", text)
        for other, other_called in AT_ROOT.items():
            text = text.replace(f"]({other})", f"]({other_called})")
        (pages / called).write_text(text, encoding="utf-8")
    for called, make in MADE.items():
        (pages / called).write_text(make(), encoding="utf-8")


class _Page(HTMLParser):
    """What a page of the site has anchors for, links to, and loads."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            if tag == "a" and name == "href" and value:
                self.links.append(value)
            if (tag, name) in LOADED and value and dict(attrs).get("rel") != "canonical":
                self.loads.append(value)


def faults(site: Path) -> list[str]:
    """Links and anchors of the HTML that lead nowhere, and what would come from elsewhere."""
    pages: dict[Path, _Page] = {}
    for path in sorted(site.rglob("*.html")):
        pages[path] = _Page()
        pages[path].feed(path.read_text(encoding="utf-8"))
    found: list[str] = []
    for path, page in pages.items():
        if path.name == "404.html":  # its links begin at the site's address
            continue
        here = path.relative_to(site)
        for address in (*page.links, *page.loads):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                if address in page.loads and parts.scheme != "data":
                    found.append(f"{here}: loads {address}")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                found.append(f"{here}: {address} leads nowhere")
            elif parts.fragment and target in pages:
                if unquote(parts.fragment) not in pages[target].anchors:
                    found.append(f"{here}: {address}: there is no such anchor")
    return found


def main() -> int:
    """Exit code 1 with a line for each fault."""
    shutil.rmtree(TARGET, ignore_errors=True)
    stage(TARGET / "pages")
    shutil.copy(CONFIG, TARGET)
    there = {str(path.relative_to(TARGET / "pages")) for path in (TARGET / "pages").rglob("*.md")}
    listed = list(pages_in_navigation())
    wrong = [f"{page}: not in the navigation" for page in sorted(there - set(listed))]
    wrong += [f"{page}: is not there" for page in sorted(set(listed) - there)]
    program = str(Path(sys.executable).with_name("zensical"))
    code = subprocess.call([program, "build", "--strict", "--clean"], cwd=TARGET)
    if code == 0:
        wrong += faults(TARGET / "site")
    for line in wrong:
        print(line, file=sys.stderr)
    if code or wrong:
        return 1
    print(f"{len(listed)} pages: {TARGET.relative_to(ROOT)}/site/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
