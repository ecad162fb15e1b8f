"""The simulated account over the runs of one day: a run that was stopped or killed before the day's end
is gone on with, at its time, with its orders and positions, under the same name of the world, so
that the day's journal is this account's.
"""

import datetime as dt
import secrets
import zlib
from pathlib import Path

import otrade
from otrade._core.types import Severity
from otrade.clock import NS_PER_S
from otrade.errors import StartError
from otrade.live.day.trading_day import TradingDay
from otrade.live.notices.board import NoticeBoard
from otrade.simulator.base.config import SimConfig
from otrade.simulator.exchange.account_record import AccountRecord
from otrade.simulator.simulator import Simulator
from otrade.units import ist_hms

OTHER_WORLD = (
    "not shown: the account of a paper run that began with other options than the configuration has "
    "(--date, --seed, --prices); to look at it, write them into `sim`"
)


class PaperAccount:
    """Restores what there is into a simulator that has just been made, and keeps it from then on."""

    def __init__(self, sim: Simulator, var_dir: Path, board: NoticeBoard, *, fresh: bool) -> None:
        """StartError when nothing can be written."""
        self._sim = sim

        def lost(why: str) -> None:
            board.say(
                Severity.WARN,
                "PAPER_ACCOUNT",
                f"{why}: after a restart this paper day begins anew",
            )

        self._record = AccountRecord(var_dir / "paper", identity_of(sim.cfg), lost)
        saved = None if fresh else self._record.saved()
        self.is_going_on = saved is not None
        self.words = ""
        try:
            if saved is None:
                self.world = f"paper-{secrets.token_hex(6)}"
                self._record.begin(self.world, sim.exchange, sim.clock)
            else:
                self.world = saved.world
                orders = sim.restore(saved)
                self._record.go_on(sim.exchange, sim.clock)
                self._record.restored(orders, sim.exchange.ledger.fees_e4)
                # Time has passed: the next run's number is the second in which it begins.
                sim.clock.advance((saved.ts_ns // NS_PER_S + 1) * NS_PER_S)
                self.words = (
                    f"the paper day {saved.date} goes on at {ist_hms(sim.clock.now_ns())}, where the last run has left it "
                    f"({len(orders)} orders, {len(sim.exchange.net_qty())} open positions); --fresh begins it anew"
                )
                board.say(Severity.INFO, "PAPER_GOES_ON", self.words)
        except OSError as error:
            raise StartError(
                f"{var_dir / 'paper'} cannot be written ({error.strerror}): make it writable, or choose another directory (paths.var)"
            ) from None
        self._from = saved.date if saved is not None else dt.date.min

    def days_left(self) -> list[dt.date]:
        """The run's days, without those that were over before it was cut off."""
        return [date for date in self._sim.dates() if date >= self._from]

    def day_over(self, day: TradingDay | None) -> None:
        """A day was traded. Stopped by somebody it goes on with the next run."""
        if day is not None and not day.shutdown.is_stopping:
            self._record.end()

    def close(self) -> None:
        self._record.close()


def restore_last(sim: Simulator, var_dir: Path) -> str:
    """The account of a run that was cut off, or of one that is running, into a simulator that has
    just been made, to be looked at. In words what is there and is not this one.
    """
    record = AccountRecord(var_dir / "paper", identity_of(sim.cfg), lambda why: None)
    if (saved := record.saved()) is not None:
        sim.restore(saved)
    return OTHER_WORLD if record.is_of_another_world() else ""


def identity_of(cfg: SimConfig) -> dict[str, object]:
    """What the prices and the account of a simulated world depend on."""
    return {
        "otrade": otrade.__version__,
        "seed": cfg.seed,
        "broker": cfg.broker,
        "listing": cfg.listing,
        "dates": [str(date) for date in cfg.dates],
        "tick_interval_ms": cfg.tick_interval_ms,
        "bar_ticks": cfg.bar_ticks,
        "book_percent": cfg.book_percent,
        "funds_rupees": cfg.funds_rupees,
        "prices": {key: zlib.crc32(Path(path).read_bytes()) for key, path in cfg.prices.items()},
    }
