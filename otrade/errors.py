"""Everything that OTrade raises on purpose. The tree:

    OTradeError
     +- ConfigError          a configuration or secrets file, the path in it, what is allowed
     +- CalendarError        a date on which nobody knows the hours
     +- InstrumentError      a symbol, or an instrument file
     +- StrategyError        a strategy file, line and column, and what to write instead
     +- EngineError          a limit of the core, or a wrong call at set-up
     +- JournalError         a journal that cannot be read or replayed, or not any further
     +- HistoryError         prices of the past that cannot be brought in, read or found
     +- ResultError          a result folder that cannot be written or read; a report that cannot be made of it
     +- StartError           the machine: a port, a lock, a directory
     +- StoppedError         a person stopped the start before anything was begun
     +- EngineGoneError      the engine does not answer
     +- BrokerError          what a broker said
         +- TokenError       log in again
         +- RateLimitError   asked too often; nothing was done
         +- NetworkError     no answer, or none that can be read: the outcome is unknown

Each message names the thing and the fix, and never holds a secret. Set-up raises; the hot path
returns `types.Reason` codes.
"""

from __future__ import annotations


class OTradeError(Exception):
    """Base of all: catching it means "a person can act on this message"."""


class ConfigError(OTradeError):
    """A configuration that cannot be used. `file` and `path` say where, `allowed` what would be
    right.
    """

    def __init__(self, message: str, *, file: str = "", path: str = "", allowed: str = "") -> None:
        self.file = file
        self.path = path
        self.allowed = allowed
        where = ": ".join(part for part in (file, path) if part)
        text = f"{where}: {message}" if where else message
        super().__init__(f"{text} (allowed: {allowed})" if allowed else text)


class CalendarError(OTradeError):
    """A date outside the known calendar, or a calendar file that cannot be read."""


class InstrumentError(OTradeError):
    """A symbol that does not exist, or an instrument file that is cut short or malformed."""


class StrategyError(OTradeError):
    """A strategy file that is refused, or what was built from it: a line for each fault."""


class EngineError(OTradeError):
    """A limit of the core is too small, or it was set up wrongly."""


class JournalError(OTradeError):
    """A journal of another format, day, account or engine, or one that is damaged; says where."""


class HistoryError(OTradeError):
    """Prices of the past that cannot be brought in, read or found; says where, and what to do."""


class BacktestError(OTradeError):
    """A backtest that cannot be run as it was asked for; says what is in the way, and what to do."""


class ResultError(OTradeError):
    """A result that cannot be written, or one of another version, cut short or changed; says where."""


class StartError(OTradeError):
    """The machine is in the way: a port in use, a second engine, a directory that cannot be
    written.
    """


class StoppedError(OTradeError):
    """A person stopped the start, and it was given up. `is_open`: the journal knows of positions that
    an earlier run has left.
    """

    def __init__(self, message: str, *, is_open: bool = False) -> None:
        self.is_open = is_open
        super().__init__(message)


class EngineGoneError(OTradeError):
    """The engine does not answer on its socket. What was asked of it may have been done or not."""


class BrokerError(OTradeError):
    """A broker refused or failed; the message holds its own words, secrets removed."""


class TokenError(BrokerError):
    """The access token is missing, expired or revoked: log in again."""


class NoSuchOrderError(BrokerError):
    """The broker, asked for one order, knows none with that id."""


class RateLimitError(BrokerError):
    """Asked too often (HTTP 429). Nothing was done; it may be asked again later."""


class NetworkError(BrokerError):
    """No answer, or none that can be read. Whether anything was done is unknown."""
