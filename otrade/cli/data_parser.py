"""The command line of `otrade data`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from otrade.brokers.registry import NAMES
from otrade.cli.options import config_option, data_option, json_option, to_option

LENGTHS = ("tick", "1m", "2m", "3m", "5m", "10m", "15m", "30m", "1h", "1d")
SEGMENTS = ("cash", "cash_with_derivatives", "derivatives", "index", "currency", "commodity")


def _mapping(text: str) -> dict[str, str]:
    """`time=Stamp,open=o`."""
    found = {}
    for part in text.split(","):
        field, equals, column = part.partition("=")
        if not equals or not field.strip() or not column.strip():
            raise argparse.ArgumentTypeError(f"{part!r}: write FIELD=COLUMN, as time=Stamp,open=o")
        found[field.strip()] = column.strip()
    return found


def add_data(data: argparse.ArgumentParser, date: Callable[[str], str]) -> None:
    """`data` is the command; `date` reads YYYY-MM-DD."""
    whats = data.add_subparsers(
        dest="what", required=True, metavar="import|fetch|list|check|export"
    )

    def add(name: str, what: str) -> argparse.ArgumentParser:
        sub = whats.add_parser(name, help=what, description=what)
        data_option(sub, "default var/data; fetched from a simulated broker: var/paper-data")
        return sub

    def days(sub: argparse.ArgumentParser, what: str) -> None:
        sub.add_argument(
            "--from", dest="since", type=date, metavar="YYYY-MM-DD", help=f"{what} from this day on"
        )
        sub.add_argument(
            "--until", type=date, metavar="YYYY-MM-DD", help="to this day, it included"
        )

    def calendar(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--calendar",
            type=Path,
            default=None,
            metavar="FILE",
            help="sessions and holidays (default: the calendar that comes with OTrade)",
        )

    def conflict(sub: argparse.ArgumentParser) -> None:
        which = sub.add_mutually_exclusive_group()
        which.add_argument(
            "--replace",
            action="store_true",
            help="where a bar is here already with other values, take the new one (default: nothing is written)",
        )
        which.add_argument("--keep", action="store_true", help="keep the old one")

    def length(sub: argparse.ArgumentParser, text: str) -> None:
        sub.add_argument("--length", choices=LENGTHS, default="", help=text)

    def nature(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--segment",
            choices=SEGMENTS,
            default="",
            help="whose hours it has (default: by its exchange; a share with derivatives closes earlier since August 2026)",
        )
        sub.add_argument(
            "--tick",
            default="",
            metavar="RUPEES",
            help="prices that are no multiple of it are named (default: the least tick that anything has)",
        )

    sub = add("import", "bring in prices: files of bars, or our own journals (ticks with depth)")
    sub.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="CSV, or a journal (.otj, .otj.gz)"
    )
    sub.add_argument(
        "--symbol",
        default="",
        help="whose prices these are, as NSE:INFY; of a journal: only this one",
    )
    length(sub, "of the bars (default: as far apart as they mostly are)")
    sub.add_argument(
        "--map",
        type=_mapping,
        default={},
        metavar="FIELD=COLUMN,...",
        help="columns with names of their own: time, open, high, low, close, volume, oi, symbol",
    )
    sub.add_argument(
        "--time-format",
        default="",
        metavar="FORMAT",
        help="of times that are not ISO, as %%d/%%m/%%Y %%H:%%M",
    )
    sub.add_argument(
        "--zone",
        default="",
        metavar="ZONE",
        help="of times that name none, as UTC (default: Indian time)",
    )
    sub.add_argument(
        "--stamped",
        choices=("open", "close"),
        default="",
        help="a time is its bar's beginning (default) or end",
    )
    sub.add_argument(
        "--only",
        default="",
        metavar="NAME",
        help="the rows of one symbol, of a file that holds several",
    )
    sub.add_argument(
        "--skip-bad-lines",
        action="store_true",
        help="leave out lines that cannot be used, each named (default: nothing is written)",
    )
    nature(sub)
    calendar(sub)
    conflict(sub)

    sub = add(
        "fetch", "ask the configured broker for minutes; asked again it goes on where it ended"
    )
    sub.add_argument("symbols", nargs="+", metavar="SYMBOL", help="as NSE:INFY")
    config_option(sub)
    sub.add_argument("--broker", choices=NAMES, default="", help="default: the configured one")
    days(sub, "sessions")
    conflict(sub)

    sub = add("list", "what is there: symbols, lengths, days, bars, and where they come from")
    json_option(sub)

    sub = add(
        "check",
        "what is wrong with it: damage, holes, missing sessions, splits; mends nothing. Exit code 0: nothing, 1: damage, 3: other",
    )
    sub.add_argument("symbols", nargs="*", metavar="SYMBOL", help="default: all")
    length(sub, "only this one")
    nature(sub)
    calendar(sub)
    days(sub, "bars")
    sub.add_argument(
        "--all", action="store_true", help="every finding (default: the first of each kind)"
    )
    json_option(sub, "every finding, as JSON")

    sub = add(
        "export",
        "give it out again: CSV in rupees that `otrade run --prices` reads, or Parquet in rupees",
    )
    sub.add_argument("symbol", metavar="SYMBOL")
    length(sub, "default: 1m")
    days(sub, "rows")
    sub.add_argument("--format", choices=("csv", "parquet"), default="csv")
    to_option(sub)
