"""Options that several commands have: each stands here once."""

import argparse
from pathlib import Path

CONFIG = Path("config/paper.json")


def config_option(sub: argparse.ArgumentParser) -> None:
    """`--config FILE`."""
    sub.add_argument(
        "--config",
        type=Path,
        default=CONFIG,
        metavar="FILE",
        help=f"default: {CONFIG}",
    )


def var_option(sub: argparse.ArgumentParser) -> None:
    """`--var DIR`."""
    sub.add_argument(
        "--var",
        type=Path,
        default=Path("var"),
        metavar="DIR",
        help="the engine's directory (paths.var)",
    )


def json_option(sub: argparse.ArgumentParser, words: str = "as JSON") -> None:
    """`--json`."""
    sub.add_argument("--json", action="store_true", help=words)


def data_option(sub: argparse.ArgumentParser, words: str = "default var/data") -> None:
    """`--data DIR`: price history."""
    sub.add_argument(
        "--data",
        type=Path,
        default=None,
        metavar="DIR",
        help=f"the folder of price history ({words})",
    )


def to_option(sub: argparse.ArgumentParser) -> None:
    """`--to FILE`: where an export goes."""
    sub.add_argument(
        "--to", type=Path, default=None, metavar="FILE", help="default: standard output"
    )
