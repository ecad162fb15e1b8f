"""The commands in the groups in which `otrade --help` shows them, and examples for the help of each. Plain
data: every start reads it.
"""

from collections.abc import Mapping

GROUPS: Mapping[str, tuple[str, ...]] = {
    "trade": ("run", "serve", "hooks", "watchdog", "sim"),
    "the running engine": ("status", "kill", "rearm", "take-over"),
    "the broker": ("login", "preflight", "account", "instruments"),
    "strategies and the past": ("strategy", "data", "backtest", "report", "parity"),
    "what happened": ("journal", "replay", "latency"),
    "proof": ("drill",),
    "set up": ("init", "config", "doctor", "alerts", "completion", "version"),
    "who may look and act": ("password", "sessions", "token"),
}

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "": ("run --speed max --no-page", "strategy new my_first", "drill --seeds 200"),
    "run": (
        "run",
        "run --speed max --no-page",
        "run --seed 7 --date 2026-11-20",
        "run --config config/my-live.json",
    ),
    "serve": ("serve --config config/my-live.json", "serve --port 8010"),
    "hooks": ("hooks --config config/my-live.json",),
    "watchdog": ("watchdog --config config/my-live.json", "watchdog --once"),
    "sim": ("sim serve", "sim serve --broker both --listing whole"),
    "status": ("status", "status --json"),
    "kill": ("kill", "kill --flatten", "kill --direct --config config/my-live.json"),
    "rearm": ("rearm", "rearm --yes-i-mean-it"),
    "take-over": ("take-over NSE:INFY",),
    "login": ("login --config config/my-live.json", "login --paste", "login --broker upstox"),
    "preflight": ("preflight --config config/my-live.json",),
    "account": ("account --config config/my-live.json", "account --json"),
    "instruments": ("instruments find NIFTY", "instruments show NFO:NIFTY.FUT"),
    "instruments refresh": ("instruments refresh --config config/my-live.json",),
    "instruments find": ("instruments find INFY", "instruments find NIFTY --limit 200"),
    "instruments show": ("instruments show NSE:INFY", "instruments show NFO:NIFTY.ATM+1CE@M"),
    "strategy": ("strategy new my_first", "strategy check strategies/my_first.py"),
    "strategy new": ("strategy new my_first",),
    "strategy check": ("strategy check strategies/my_first.py",),
    "strategy build": ("strategy build strategies/my_first.py",),
    "strategy list": ("strategy list", "strategy list my-strategies"),
    "strategy show": ("strategy show strategies/ema_crossover.py",),
    "data": ("data list", "data import infy.csv --symbol NSE:INFY", "data check"),
    "data import": (
        "data import infy.csv --symbol NSE:INFY",
        "data import bars.csv --symbol NSE:INFY --map time=Stamp,open=o,close=c",
        "data import var/journal/2026-11-20.otj",
    ),
    "data fetch": (
        "data fetch NSE:INFY --from 2026-01-01 --config config/my-live.json",
        "data fetch NSE:INFY NSE:TCS --from 2026-01-01",
    ),
    "data list": ("data list", "data list --json"),
    "data check": ("data check", "data check NSE:INFY --all"),
    "data export": (
        "data export NSE:INFY --to infy.csv",
        "data export NSE:INFY --format parquet --to infy.parquet",
    ),
    "backtest": (
        "backtest --from 2025-09-01 --to 2025-09-30",
        "backtest config/paper.json --from 2025-09-01 --to 2025-09-30 --slippage 1.5bps --out september",
    ),
    "report": ("report var/results/september", "report 2026-11-16..2026-11-20 --capital 500000"),
    "parity": ("parity config/paper.json", "parity 2026-11-20"),
    "journal": (
        "journal show var/journal/2026-11-20.otj --kind COMMAND,NOTICE",
        "journal tail var/journal/2026-11-20.otj -f",
    ),
    "journal verify": ("journal verify var/journal/2026-11-20.otj",),
    "journal show": (
        "journal show var/journal/2026-11-20.otj --kind COMMAND,NOTICE",
        "journal show var/journal/2026-11-20.otj --from 10:00 --until 10:05 --packets",
    ),
    "journal tail": ("journal tail var/journal/2026-11-20.otj -f",),
    "journal export": ("journal export var/journal/2026-11-20.otj --format csv --to day.csv",),
    "replay": ("replay var/journal/2026-11-20.otj",),
    "latency": ("latency", "latency 2026-11-20 --json"),
    "drill": (
        "drill --seeds 1000",
        "drill --seeds 200 --faults token,half_open,kill",
        "drill --seeds 1 --seed 4711",
    ),
    "drill report": ("drill report part-1.json part-2.json",),
    "init": ("init", "init my-config"),
    "config": ("config check --config config/my-live.json", "config show", "config schema"),
    "doctor": ("doctor", "doctor --config config/my-live.json"),
    "alerts": ("alerts test --config config/my-live.json", "alerts test --target phone"),
    "completion": ("completion bash", "completion zsh", "completion fish"),
    "version": ("version",),
    "password": ("password", "password --user asha --role viewer", "password --recovery"),
    "sessions": ("sessions", "sessions --end-all-of asha"),
    "token": ("token new robot --scope read", "token list", "token revoke robot"),
    "token new": ("token new robot --scope read --days 30",),
    "token list": ("token list",),
    "token revoke": ("token revoke robot",),
}
"""By command, without `otrade`; of the whole command line by the empty text."""
