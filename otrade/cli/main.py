"""The `otrade` command. Each command imports what it needs when it runs, so that `otrade --help`
is instant.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from otrade import __version__
from otrade.brokers.registry import BROKERS, DEFAULT, NAMES
from otrade.cli.command_parser import PROGRAM, CommandParser
from otrade.cli.options import config_option, json_option, to_option, var_option
from otrade.errors import ConfigError, OTradeError

EXIT_CODES = """exit codes:
  0  done          2  wrong arguments            4  the broker or the machine stopped it
  1  fault of ours 3  no engine is running       5  bad configuration, instrument or calendar
  6  ended with open positions or orders (they are listed)
  130  interrupted before anything was begun"""
STOPPED, BAD_INPUT, LEFT_OPEN, INTERRUPTED = 4, 5, 6, 130
NIFTY_FUTURE = "NFO:NIFTY.FUT"


def _speed(text: str) -> float:
    if text == "max":
        return math.inf
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}: a number above 0, at most 1000000, or max")
    return value


def _prices(text: str) -> tuple[str, Path]:
    """CSV or CSV=SYMBOL. Without a symbol the bars are those of the nearest NIFTY future."""
    path, equals, symbol = text.rpartition("=")
    if not equals or Path(text).is_file():
        path, symbol = text, NIFTY_FUTURE
    if not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"{path}: there is no such file")
    if ":" not in symbol:
        raise argparse.ArgumentTypeError(f"{symbol!r}: a symbol like NSE:INFY or {NIFTY_FUTURE}")
    return symbol, Path(path)


def _date(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise argparse.ArgumentTypeError(f"{text!r}: write YYYY-MM-DD")
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: there is no such day") from None
    return text


def _hour_minute(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise argparse.ArgumentTypeError(f"{text!r}: write HH:MM, 00:00 to 23:59")
    return text


def _between(low: int, high: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not re.fullmatch(r"\d{1,10}", text, re.ASCII) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: a whole number from {low} to {high}")
        return int(text)

    return whole


_port = _between(0, 65_535)
_seed = _between(0, 2**31 - 1)


def _run(args: argparse.Namespace) -> int:
    from otrade.config.options import RunOptions
    from otrade.live.app import run

    return run(
        RunOptions(
            config=args.config,
            prices=dict(args.prices) if args.prices else None,
            speed=args.speed,
            seed=args.seed,
            date=args.date,
            port=args.port,
            page=not args.no_page,
            fresh=args.fresh,
        )
    )


def _serve(args: argparse.Namespace) -> int:
    shows_code = args.shows_code or (not args.for_engine and sys.stdout.isatty())
    if not args.for_engine:
        from otrade.cli.processes.serve import without_keys

        without_keys(args.config, args.port, shows_code=shows_code, env=os.environ)
    from otrade.server.app import ServeOptions, serve

    return serve(
        ServeOptions(
            config=args.config,
            port=args.port,
            for_engine=args.for_engine,
            shows_code=shows_code,
        )
    )


def _hooks(args: argparse.Namespace) -> int:
    from otrade.cli.processes.hooks import serve

    return serve(args.config)


def _init(args: argparse.Namespace) -> int:
    from otrade.config import manager

    try:
        written = manager.init(args.directory)
    except OSError as err:
        raise ConfigError(f"cannot be written: {err.strerror}", file=str(args.directory)) from None
    for path in written:
        print(f"wrote {path}")
    print(
        "nothing was missing"
        if not written
        else "edit the configuration, then: otrade config check"
    )
    return 0


def _config(args: argparse.Namespace) -> int:
    from otrade.config import manager

    if args.what == "schema":
        sys.stdout.write(manager.json_schema().decode())
        return 0
    config = manager.load(args.config)
    if args.what == "show":
        sys.stdout.write(manager.to_bytes(config).decode())
    else:
        from otrade.cli.commands.config_check import check

        for note in check(config, args.config):
            print(note)
        print(
            f"{args.config}: good. {config.mode}, {len(config.instruments)} instruments, "
            f"{len(config.strategies)} strategies\n"
            f"may change while trading: {manager.RELOADABLE_WORDS}"
        )
    return 0


def _sim(args: argparse.Namespace) -> int:
    from otrade.cli.commands.sim import serve

    return serve(args)


def _status(args: argparse.Namespace) -> int:
    from otrade.cli.engine.status import status

    return status(args.var, as_json=args.json)


def _kill(args: argparse.Namespace) -> int:
    from otrade.cli.engine.kill import kill

    return kill(args.var, flatten=args.flatten, direct=args.direct, config=args.config)


def _rearm(args: argparse.Namespace) -> int:
    from otrade.cli.engine.kill import rearm

    return rearm(args.var, yes=args.yes_i_mean_it)


def _watchdog(args: argparse.Namespace) -> int:
    from otrade.cli.engine.watchdog import watch

    return watch(args.config, once=args.once, flatten=args.flatten)


def _take_over(args: argparse.Namespace) -> int:
    from otrade.cli.engine.take_over import take_over

    return take_over(args.var, args.symbol)


def _journal(args: argparse.Namespace) -> int:
    from otrade.cli.commands import journal

    if args.what == "verify":
        return journal.verify(args.file)
    if args.what == "tail":
        return journal.tail(args.file, lines=args.lines, follow=args.follow, as_json=args.json)
    if args.what == "export":
        return journal.export(args.file, args.to, args.format, kinds=args.kind)
    return journal.show(
        args.file,
        kinds=args.kind,
        order=args.order,
        instrument=args.instrument,
        since=args.since,
        until=args.until,
        limit=args.limit,
        packets=args.packets,
        as_json=args.json,
    )


def _replay(args: argparse.Namespace) -> int:
    from otrade.cli.commands.journal import replay

    return replay(args.file)


def _drill(args: argparse.Namespace) -> int:
    from otrade.cli.commands.drill import run

    return run(
        args.seeds,
        args.seed,
        args.faults,
        args.strategy,
        args.jobs,
        args.broker,
        args.shard,
        args.report,
        keeps_going=args.keep_going,
    )


def _drill_report(args: argparse.Namespace) -> int:
    from otrade.cli.commands.drill import report

    return report(args.files)


def _login(args: argparse.Namespace) -> int:
    from otrade.cli.commands.login import login

    return login(
        args.config,
        args.broker,
        paste=args.paste,
        approve=args.approve,
        open_browser=args.open,
        wait_s=args.wait,
    )


def _instruments(args: argparse.Namespace) -> int:
    from otrade.cli.commands import instruments

    if args.what == "refresh":
        return instruments.refresh(args.config, args.broker)
    if args.what == "find":
        return instruments.find(args.config, args.broker, args.text, args.limit)
    return instruments.show(args.config, args.broker, args.symbol)


def _password(args: argparse.Namespace) -> int:
    from otrade.cli.commands import users

    if args.list:
        return users.show(args.var)
    if args.remove:
        return users.remove(args.var, args.user)
    if args.recovery:
        return users.make_recovery_codes(args.var, args.user)
    if args.totp or args.no_totp:
        return users.set_totp(args.var, args.user, on=args.totp)
    return users.set_password(args.var, args.user, args.role, from_stdin=args.stdin)


def _sessions(args: argparse.Namespace) -> int:
    from otrade.cli.engine.sessions import sessions

    return sessions(args.var, args.end or "", end_all_of=args.end_all_of or "")


def _token(args: argparse.Namespace) -> int:
    from otrade.cli.commands import users

    if args.what == "list":
        return users.show_tokens(args.var)
    if args.what == "revoke":
        return users.revoke_token(args.var, args.name)
    return users.make_token(args.var, args.name, tuple(dict.fromkeys(args.scope)), args.days)


def _account(args: argparse.Namespace) -> int:
    from otrade.cli.commands.account import account

    return account(args.config, as_json=args.json)


def _preflight(args: argparse.Namespace) -> int:
    from otrade.cli.commands.preflight import preflight

    return preflight(args.config, as_json=args.json)


def _alerts(args: argparse.Namespace) -> int:
    from otrade.cli.commands import alerts

    return alerts.test(args.config, args.target)


def _latency(args: argparse.Namespace) -> int:
    from otrade.cli.commands.latency import latency

    return latency(args.var, args.day or "", as_json=args.json)


def _data(args: argparse.Namespace) -> int:
    from otrade.cli.research.data import run

    return run(args)


def _backtest(args: argparse.Namespace) -> int:
    from otrade.cli.research.backtest import run

    return run(args)


def _report(args: argparse.Namespace) -> int:
    from otrade.cli.research.report import run

    return run(args)


def _parity(args: argparse.Namespace) -> int:
    from otrade.cli.research.parity import run

    return run(args)


def _version(_args: argparse.Namespace) -> int:
    print(f"otrade {__version__}")
    return 0


def _completion(args: argparse.Namespace) -> int:
    from otrade.cli.completion import script

    sys.stdout.write(script(args.shell, parser()))
    return 0


def _strategy(args: argparse.Namespace) -> int:
    from otrade.cli.commands import strategy

    if args.what == "new":
        return strategy.new(args.name)
    if args.what == "check":
        return strategy.check(args.files)
    if args.what == "build":
        return strategy.build(args.files, args.var)
    if args.what == "list":
        return strategy.listed(args.folder, args.var)
    return strategy.show(args.file, args.var)


def _doctor(args: argparse.Namespace) -> int:
    from otrade.cli.commands.doctor import doctor

    return doctor(args.config)


def parser(only: str = "") -> CommandParser:
    """The whole command line. With `only` the larger commands, which have files of their own, are left
    empty but for that one.
    """
    ap = CommandParser(
        prog=PROGRAM,
        description="A live trading engine for Indian markets: trade, rehearse, look back, prove.",
        epilog=EXIT_CODES,
    )
    ap.add_argument("--version", action="version", version=f"otrade {__version__}")
    commands = ap.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, what: str, run: Callable[[argparse.Namespace], int], former: str = ""
    ) -> CommandParser:
        """`former`: its name of the version before, which still works."""
        aliases = [former] if former else []
        sub = commands.add_parser(name, help=what, description=what, aliases=aliases)
        sub.set_defaults(run=run)
        return sub

    sub = add(
        "run",
        "trade: on the built-in simulated exchange (mode paper) or at the broker (mode live)",
        _run,
    )
    config_option(sub)
    sub.add_argument(
        "--prices",
        type=_prices,
        action="append",
        metavar="CSV[=SYMBOL]",
        help="paper: bars to trade on (time_ist,open,high,low,close[,volume], or minutes as Kite, TradingView and yfinance export them); "
        "several days are several sessions",
    )
    sub.add_argument(
        "--speed", type=_speed, metavar="N|max", help="paper: times real time; max does not wait"
    )
    sub.add_argument(
        "--seed", type=_seed, metavar="N", help="paper: seed of prices, latency and partial fills"
    )
    sub.add_argument("--date", type=_date, metavar="YYYY-MM-DD", help="paper: the day to simulate")
    sub.add_argument("--port", type=_port, metavar="N", help="port of the page (0: any free one)")
    sub.add_argument(
        "--no-page", action="store_true", help="do not serve the page; end with the last day"
    )
    sub.add_argument(
        "--fresh",
        action="store_true",
        help="paper: begin the day anew; else a day that was stopped or killed before its end goes on",
    )

    sub = add(
        "serve",
        "the page by itself, for the engine of a configuration, which may come later",
        _serve,
    )
    config_option(sub)
    sub.add_argument("--port", type=_port, metavar="N", help="port of the page (0: any free one)")
    sub.add_argument("--for-engine", action="store_true", help=argparse.SUPPRESS)
    sub.add_argument("--shows-code", action="store_true", help=argparse.SUPPRESS)

    sub = add(
        "hooks",
        "what brokers post, heard by itself for the engine of a configuration (`run` starts one)",
        _hooks,
    )
    config_option(sub)

    sub = add("init", "write the default configuration files that are missing", _init)
    sub.add_argument("directory", type=Path, nargs="?", default=Path("config"))

    sub = add("config", "check or show the configuration, or print its JSON Schema", _config)
    sub.add_argument("what", choices=("check", "show", "schema"))
    config_option(sub)

    titles = [row.title for row in BROKERS.values()]
    sub = add(
        "sim", f"the simulated exchange by itself, for any {' or '.join(titles)} client", _sim
    )
    sub.add_argument("what", choices=("serve",))
    sub.add_argument(
        "--broker",
        choices=(*NAMES, "both"),
        default=DEFAULT,
        help=f"whose protocols are spoken ({DEFAULT})",
    )
    sub.add_argument(
        "--listing",
        choices=("near", "whole"),
        default="near",
        help="near: about a hundred instruments; whole: five thousand, with weekly, far and BSE "
        "contracts and options on shares (near)",
    )
    for row in BROKERS.values():
        for name, port in row.simulator_ports.items():
            option = f"--{name.replace('_', '-')}"
            sub.add_argument(option, type=_port, default=port, metavar="N")
    sub.add_argument(
        "--date", type=_date, metavar="YYYY-MM-DD", help="default: the last trading day"
    )
    sub.add_argument("--seed", type=_seed, default=1, metavar="N")
    sub.add_argument("--speed", type=_speed, default=1.0, metavar="N")
    sub.add_argument(
        "--start",
        type=_hour_minute,
        default="09:14",
        metavar="HH:MM",
        help="Indian time at which the day begins (default 09:14)",
    )
    sub.add_argument("--prices", type=_prices, action="append", metavar="CSV[=SYMBOL]")

    sub = add("status", "ask the running engine how it is", _status)
    json_option(sub, "everything, for scripts")
    var_option(sub)

    sub = add("kill", "halt: no new entries, every stop stays at the exchange", _kill)
    var_option(sub)
    sub.add_argument("--flatten", action="store_true", help="close everything of ours too")
    sub.add_argument(
        "--direct",
        action="store_true",
        help="do not ask the engine: end it, and act at the broker (needs --config)",
    )
    sub.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the live engine's configuration, to act at the broker when no engine runs",
    )
    sub = add("rearm", "take the kill file away and let the engine trade again", _rearm)
    var_option(sub)
    sub.add_argument("--yes-i-mean-it", action="store_true", help="do not ask for the word")
    sub = add("watchdog", "protect what is open when the engine is dead or hung", _watchdog)
    config_option(sub)
    sub.add_argument("--once", action="store_true", help="look once, do what is needed, and end")
    sub.add_argument(
        "--flatten",
        action="store_true",
        help="close everything of ours rather than protect it",
    )
    sub = add(
        "take-over",
        "let the engine take over a position that another person has opened",
        _take_over,
        former="adopt",
    )
    sub.add_argument("symbol", help="as NSE:INFY")
    var_option(sub)
    journal = add("journal", "read a journal: every event and decision of an engine", _journal)
    whats = journal.add_subparsers(dest="what", required=True, metavar="verify|show|tail|export")

    def journal_command(name: str, what: str) -> CommandParser:
        sub = whats.add_parser(name, help=what, description=what)
        sub.add_argument(
            "file",
            type=Path,
            metavar="FILE",
            help="var/journal/YYYY-MM-DD.otj, compressed (.gz) or not",
        )
        return sub

    def kind_option(sub: CommandParser) -> None:
        sub.add_argument(
            "--kind",
            default="",
            metavar="A,B",
            help="only these kinds of records, as COMMAND,REPORT,NOTICE",
        )

    journal_command("verify", "is it whole? names every damaged place")
    sub = journal_command("show", "records in words")
    kind_option(sub)
    sub.add_argument(
        "--order",
        default="",
        metavar="TAG",
        help="only what names this ClOrdID or broker's order id",
    )
    sub.add_argument("--instrument", type=_between(0, 100_000), default=None, metavar="ID")
    sub.add_argument("--from", dest="since", default="", metavar="HH:MM[:SS]", help="Indian time")
    sub.add_argument("--until", default="", metavar="HH:MM[:SS]")
    sub.add_argument("--limit", type=_between(0, 1_000_000_000), default=0, metavar="N")
    sub.add_argument("--packets", action="store_true", help="decode the feed's frames too")
    json_option(sub)
    sub = journal_command("tail", "the last records, and with -f those that come")
    sub.add_argument("-n", dest="lines", type=_between(0, 100_000), default=20, metavar="N")
    sub.add_argument("-f", dest="follow", action="store_true")
    json_option(sub)
    sub = journal_command("export", "for other tools")
    kind_option(sub)
    sub.add_argument("--format", choices=("jsonl", "csv", "parquet"), default="jsonl")
    to_option(sub)

    sub = add(
        "replay", "feed a journal to a fresh core and compare every decision, bit for bit", _replay
    )
    sub.add_argument("file", type=Path, metavar="FILE")

    sub = add(
        "drill",
        "prove it: thousands of simulated sessions with everything going wrong, judged by the exchange's own books",
        _drill,
    )
    sub.add_argument(
        "--seeds",
        type=_between(1, 10_000_000),
        default=200,
        metavar="N",
        help="sessions (default 200)",
    )
    sub.add_argument(
        "--seed",
        type=_seed,
        default=0,
        metavar="K",
        help="the first one's seed; the same seed gives the same session",
    )
    sub.add_argument(
        "--faults",
        default="",
        metavar="A,B",
        help="only these kinds of faults; none: a calm market",
    )
    sub.add_argument(
        "--strategy",
        type=Path,
        metavar="FILE",
        help="drill the strategies of this configuration instead of random ones",
    )
    sub.add_argument(
        "--broker",
        choices=NAMES,
        default="",
        help="speak this broker's protocols only (default: both in turn)",
    )
    sub.add_argument(
        "--jobs",
        type=_between(1, 512),
        default=0,
        metavar="N",
        help="processes (default: one a core)",
    )
    sub.add_argument(
        "--shard",
        default="1/1",
        metavar="I/M",
        help="run the Ith of M parts of the seeds, for one of many machines",
    )
    sub.add_argument(
        "--keep-going",
        action="store_true",
        help="run on after a violation, and tell them all (default: stop at the first)",
    )
    sub.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write the results to this file, for otrade drill report",
    )
    parts = sub.add_subparsers(metavar="report")
    what = "one sheet of the reports of all parts of a drill"
    part = parts.add_parser("report", help=what, description=what)
    part.set_defaults(run=_drill_report)
    part.add_argument("files", type=Path, nargs="+", metavar="FILE")

    sub = add("login", "log in at the broker for today", _login)
    config_option(sub)
    sub.add_argument(
        "--broker",
        choices=NAMES,
        default="",
        help="another broker than the configured one (a second feed)",
    )
    sub.add_argument(
        "--paste",
        action="store_true",
        help="paste the address by hand instead of waiting for the browser",
    )
    sub.add_argument(
        "--approve",
        action="store_true",
        help="Upstox: approve in its app; the token comes to the web hook (hooks.port)",
    )
    sub.add_argument("--open", action="store_true", help="open the browser")
    sub.add_argument(
        "--wait",
        type=_between(1, 86_400),
        default=600,
        metavar="S",
        help="seconds to wait for the browser (default 600)",
    )

    names = add("instruments", "the day's instruments: fetch, look for, show", _instruments)
    whats = names.add_subparsers(dest="what", required=True, metavar="refresh|find|show")

    def names_command(name: str, what: str) -> CommandParser:
        sub = whats.add_parser(name, help=what, description=what)
        config_option(sub)
        sub.add_argument("--broker", choices=NAMES, default="", help="default: the configured one")
        return sub

    names_command("refresh", "fetch the broker's file and make today's table of it")
    sub = names_command("find", "symbols that hold a text")
    sub.add_argument("text", metavar="TEXT")
    sub.add_argument(
        "--limit",
        type=_between(1, 100_000),
        default=50,
        metavar="N",
        help="at most so many (default 50)",
    )
    sub = names_command(
        "show",
        "what a symbol of the configuration means today: NSE:INFY, NFO:NIFTY.FUT, NFO:NIFTY.ATM+1CE@M",
    )
    sub.add_argument("symbol", metavar="SYMBOL")

    sub = add(
        "preflight",
        "is everything ready for today? go or no-go, and the fix for each no",
        _preflight,
    )
    config_option(sub)
    json_option(sub)

    sub = add(
        "account",
        "positions, holdings and funds of the configured accounts, as their brokers tell them",
        _account,
    )
    config_option(sub)
    json_option(sub)

    sub = add(
        "alerts",
        "send a test alert to the configured targets, and say which of them took it",
        _alerts,
    )
    sub.add_argument("what", choices=("test",))
    config_option(sub)
    sub.add_argument("--target", default="", metavar="NAME", help="only this one")

    data = add("data", "prices of the past: bring in, fetch, list, check, give out", _data)
    if only in ("", "data"):
        from otrade.cli.data_parser import add_data

        add_data(data, _date)

    backtest = add(
        "backtest", "trade days of the past: the live core, at prices of the archive", _backtest
    )
    if only in ("", "backtest"):
        from otrade.cli.backtest_parser import add_backtest

        add_backtest(backtest, _date)

    sub = add(
        "parity",
        "a day's journal beside the backtest of the same prices: what differs, and why",
        _parity,
    )
    sub.add_argument(
        "what",
        metavar="DAY|JOURNAL|CONFIG",
        help="a day that has been traded (live, dry or paper), its journal, or a configuration to run a paper day",
    )
    config_option(sub)
    sub.add_argument(
        "--date", type=_date, default=None, metavar="YYYY-MM-DD", help="which day to run"
    )
    sub.add_argument(
        "--seed", type=_seed, default=None, metavar="N", help="of the simulated market"
    )
    sub.add_argument(
        "--prices",
        choices=("simulation", "packets"),
        default=None,
        help="of the backtest: the simulation's (default of paper days), or the packets in the journal",
    )
    sub.add_argument("--all", action="store_true", help="show every difference")
    sub.add_argument("--json", action="store_true", help="everything, for a script")
    report = add("report", "what a backtest, or days of trading, earned, and how", _report)
    if only in ("", "report"):
        from otrade.cli.report_parser import add_report

        add_report(report, _between)
    var_option(report)

    sub = add("latency", "how long each stage took on a day: p50, p99, p99.9 and max", _latency)
    sub.add_argument(
        "day",
        type=_date,
        nargs="?",
        default=None,
        metavar="YYYY-MM-DD",
        help="default: the last one that was kept",
    )
    var_option(sub)
    json_option(sub)

    sub = add(
        "password",
        "who may log in on the page: set or change a password (asks on the terminal)",
        _password,
    )
    sub.add_argument("--user", default="trader", metavar="NAME", help="default: trader")
    sub.add_argument(
        "--role",
        choices=("trader", "viewer"),
        help="a viewer changes nothing (default: trader, or as it was)",
    )
    which = sub.add_mutually_exclusive_group()
    which.add_argument(
        "--stdin", action="store_true", help="read the password from standard input, for scripts"
    )
    which.add_argument(
        "--totp",
        action="store_true",
        help="set up an authenticator (six-digit codes) beside the password",
    )
    which.add_argument("--no-totp", action="store_true", help="take the authenticator away")
    which.add_argument(
        "--recovery",
        action="store_true",
        help="print ten new recovery codes, each good once when the authenticator is lost",
    )
    which.add_argument("--remove", action="store_true", help="that person may no longer log in")
    which.add_argument("--list", action="store_true", help="who may log in")
    var_option(sub)

    sub = add("sessions", "who is logged in on the page; end a session", _sessions)
    which = sub.add_mutually_exclusive_group()
    which.add_argument("--end", metavar="ID", help="end this one")
    which.add_argument("--end-all-of", metavar="NAME", help="end every one of that person")
    var_option(sub)

    token = add("token", "tokens with which scripts use the API", _token)
    whats = token.add_subparsers(dest="what", required=True, metavar="new|list|revoke")
    sub = whats.add_parser(
        "new", help="make one; it is printed once", description="make one; it is printed once"
    )
    sub.add_argument("name", help="which script it is for; the journal says it")
    sub.add_argument(
        "--scope",
        action="append",
        required=True,
        choices=("read", "trade", "admin"),
        help="what it may do; repeat for several",
    )
    sub.add_argument(
        "--days",
        type=_between(1, 3_650),
        default=90,
        metavar="N",
        help="until it expires (default 90)",
    )
    var_option(sub)
    var_option(
        whats.add_parser(
            "list", help="names, scopes and ends", description="names, scopes and ends"
        )
    )
    sub = whats.add_parser("revoke", help="make one void", description="make one void")
    sub.add_argument("name")
    var_option(sub)

    strategy = add(
        "strategy", "a strategy is one Python file: begin, check, compile, list and show", _strategy
    )
    steps = strategy.add_subparsers(dest="what", required=True, metavar="new|check|build|list|show")

    def strategy_command(name: str, what: str) -> CommandParser:
        return steps.add_parser(name, help=what, description=what)

    sub = strategy_command("new", "write a file to begin with")
    sub.add_argument("name", help="like opening_range; it becomes strategies/opening_range.py")
    sub = strategy_command("check", "every fault of a file, with its line and what to write")
    sub.add_argument("files", type=Path, nargs="+", metavar="FILE")
    sub = strategy_command("build", "compile what has changed, ahead of a start")
    sub.add_argument("files", type=Path, nargs="+", metavar="FILE")
    var_option(sub)
    sub = strategy_command(
        "list", "the kinds that are built in, and the strategy files of a folder"
    )
    sub.add_argument("folder", type=Path, nargs="?", default=Path("strategies"))
    var_option(sub)
    sub = strategy_command("show", "parameters, fields, reasons and costs of one")
    sub.add_argument("file", type=Path, metavar="FILE", help="a file, or a kind that is built in")
    var_option(sub)

    sub = add("completion", "print the script that completes commands in a shell", _completion)
    sub.add_argument("shell", choices=("bash", "zsh", "fish"))

    add("version", "print the version", _version)
    config_option(add("doctor", "check this machine, and say how to mend what is wrong", _doctor))
    return ap


def _hear_stops(*, is_run: bool) -> None:
    """What has come while modules were loaded, and what comes from now on. Until an engine listens for
    itself a stop ends a run in words, whoever sends it; other commands end as any program does.
    """
    if is_run:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        # With nohup it is to outlive its terminal.
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    try:
        words = sys.argv[1:] if argv is None else argv
        args = parser(next(iter(words), "-")).parse_args(words)
        _hear_stops(is_run=args.run is _run)
        code: int = args.run(args)
        return code
    except OTradeError as err:
        from otrade.errors import BrokerError, StartError, StoppedError

        print(f"otrade: {err}", file=sys.stderr)
        if isinstance(err, StoppedError):
            return LEFT_OPEN if err.is_open else INTERRUPTED
        return STOPPED if isinstance(err, BrokerError | StartError) else BAD_INPUT
    except KeyboardInterrupt:
        print("otrade: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        return 0
