"""The page needs nothing and nobody: no script, no network, and no word of somebody's becomes markup."""

from __future__ import annotations

import datetime as dt
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from otrade.price_files.bars import FileBar
from otrade.research.report.page import html_page
from otrade.research.report.report import Report, report_of
from otrade.research.report.source import ReportSource, TradeRow
from otrade.research.report.tables import csv_of
from otrade.research.report.words import screen
from otrade.research.results.facts import ResultStrategy
from otrade.research.results.reader import Result
from otrade.research.results.writer import ResultWriter
from tests.research.results.rows import DAY, at_ns, facts, money, point, trade

EVIL = "\"'><script>alert(1)</script><img src=http://x.example/a onerror=b&amp;"
TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "table", "tr", "td", "th", "div",
    "svg", "path", "rect", "line", "text", "circle", "g",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "viewbox", "role", "aria-label", "d", "x", "y", "x1",
    "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "fill-opacity", "text-anchor",
}  # fmt: skip


class PageWalker(HTMLParser):
    """Tags, attributes and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def page_of(report: Report, bars: list[FileBar] | None = None) -> tuple[str, PageWalker]:
    def bars_of(_trade: TradeRow) -> list[FileBar]:
        return bars or []

    text = html_page(report, bars_of)
    walker = PageWalker()
    walker.feed(text)
    walker.close()
    return text, walker


def evil_report(folder: Path) -> Report:
    rows = [
        trade(strategy=EVIL, symbol=EVIL, exit_reason=EVIL, product=EVIL),
        trade(trade_id=2, **money(-300, None)),
    ]
    with ResultWriter(folder) as writer:
        writer.add_day(DAY, trades=rows, equity=[point(at_ns(DAY, 30), 100, 10)], note=EVIL)
        told = facts(
            name=EVIL, broker=EVIL, engine_version=EVIL, models={EVIL: EVIL},
            strategies=[ResultStrategy(id=EVIL, kind=EVIL, file=EVIL, sha256=EVIL)],
        )  # fmt: skip
        return report_of(ReportSource([Result.open(writer.finish(told))]))


def test_no_word_becomes_markup(tmp_path: Path) -> None:
    text, walker = page_of(evil_report(tmp_path / "r"))
    assert walker.tags <= TAGS and walker.attributes <= ATTRIBUTES
    said = "".join(walker.said)
    assert said.count("<script>alert(1)</script>") >= 8, "it is shown as what it is"
    assert "<script" not in text and "<img" not in text


def test_the_page_asks_for_nothing(tmp_path: Path) -> None:
    text, _ = page_of(evil_report(tmp_path / "r"))
    shown = text.replace("http://x.example", "")
    for pattern in ("https?:", r"\bsrc=", r"\bhref=", r"url\(", "@import", r"\bon\w+="):
        bare = re.sub(r">[^<]*<", "><", shown) if "=" in pattern else shown
        inside = [m for m in re.findall(r"<[^>]+>", bare) if re.search(pattern, m)]
        assert not [tag for tag in inside if "aria-label" not in tag], pattern
    assert "default-src 'none'" in text


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    _, walker = page_of(evil_report(tmp_path / "r"))
    said = "".join(walker.said)
    assert "charges of 1 of 2 trades are not known" in said
    assert "Profit netnot known" in said and "Equity (gross: charges are not known, rupees)" in said


def test_each_svg_is_well_formed(tmp_path: Path) -> None:
    bars = [
        FileBar(at_ns(DAY, n), 1_000_000, 1_010_000, 990_000, 1_005_000 - n, 5) for n in range(60)
    ]
    text, walker = page_of(evil_report(tmp_path / "r"), bars)
    pictures = re.findall(r"<svg.*?</svg>", text, re.S)
    assert len(pictures) >= 5
    for picture in pictures:
        ElementTree.fromstring(picture)
        assert "nan" not in picture and "inf" not in picture
    assert text.count('class="up"') + text.count('class="down"') == 2 * len(bars)
    assert "no minutes of it" not in "".join(walker.said)


def test_a_screen_and_a_sheet_are_not_moved_by_words(tmp_path: Path) -> None:
    rows = [trade(strategy="=cmd()", symbol="\x1b[2JX", exit_reason="@now")]
    with ResultWriter(tmp_path / "r") as writer:
        writer.add_day(DAY, trades=rows)
        report = report_of(ReportSource([Result.open(writer.finish(facts(name="a\x1b]0;b")))]))
    assert "\x1b" not in screen(report)
    for line in csv_of(report).splitlines():
        assert not [cell for cell in line.split(",") if cell.startswith(("=", "@"))]


def test_an_empty_result_has_a_page(tmp_path: Path) -> None:
    with ResultWriter(tmp_path / "r") as writer:
        report = report_of(ReportSource([Result.open(writer.finish(facts()))]))
    _, walker = page_of(report)
    assert "0 trading days" in "".join(walker.said)


@pytest.mark.parametrize("n", [1, 7, 3_000])
def test_charts_of_any_length(tmp_path: Path, n: int) -> None:
    with ResultWriter(tmp_path / "r") as writer:
        for k in range(3):
            day = DAY + dt.timedelta(days=k)
            points = [point(at_ns(day) + m, (m * 7_919) % 1_000, 0, day=day) for m in range(n)]
            rows = [
                trade(day, trade_id=k * n + m, **money((m * 97) % 400 - 200, 1)) for m in range(n)
            ]
            writer.add_day(day, trades=rows, equity=points)
        report = report_of(ReportSource([Result.open(writer.finish(facts()))]))
    assert len(report.curve.points) <= 4 * 501
    text, walker = page_of(report)
    assert len(text) < 6_000_000 and ("more trades" in "".join(walker.said)) == (n == 3_000)
