"""One line about the running day on stderr: rewritten in place on a terminal, written now and then
into a file.
"""

import sys
from typing import TextIO

from otrade.units import ist_hms, rupees

CLEAR_LINE = "\r\x1b[2K"


class Progress:
    """Shows where the day is. `say` puts a lasting line above the moving one."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._is_tty = self._stream.isatty()
        self._open_line = False

    @property
    def is_tty(self) -> bool:
        return self._is_tty

    def update(
        self,
        *,
        day: str,
        ts_ns: int,
        gross_e4: int,
        net_e4: int | None,
        n_trades: int,
        n_open: int,
    ) -> None:
        """`net_e4` None: charges are not known, and the profit is told gross."""
        pnl = f"net {rupees(net_e4)}" if net_e4 is not None else f"gross {rupees(gross_e4)}"
        text = f"{day} {ist_hms(ts_ns)}  P&L {pnl}  trades {n_trades}  open {n_open}"
        if self._is_tty:
            self._write(CLEAR_LINE + text)
            self._open_line = True
        else:
            self._write(text + "\n")

    def say(self, text: str) -> None:
        self.end()
        self._write(text + "\n")

    def end(self) -> None:
        """Leave no moving line behind."""
        if self._open_line:
            self._write(CLEAR_LINE)
            self._open_line = False

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # The reader of our stderr went away (`otrade run 2>&1 | head`), or the terminal: that is
            # no reason to stop trading.
            self._write = self._silent  # type: ignore[method-assign]

    @staticmethod
    def _silent(text: str) -> None:
        """Nobody reads."""
