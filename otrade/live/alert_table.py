"""What is worth waking somebody for: every code of a notice, and how loud its alert is. Nothing else decides that.

Only terminal facts are told: what has been filled, rejected, halted, lost or left in doubt; never what has merely been asked for.
A code that stands here with None is never an alert. A code that does not stand here is one when its notice is an ALARM: what is
new and loud must not be silent because a table is old.
"""

from enum import IntEnum

from otrade._core.types import Severity

from .notices import Notice


class Level(IntEnum):
    """How loud an alert is. The first four are the words of the configuration."""

    INFO = 0
    WARN = 1
    ERROR = 2
    ALARM = 3
    LOUDEST = 4
    """Goes out whatever hour it is, whatever was sent before, and before everything else that waits."""


class AsSaid:
    """As loud as the notice itself."""


AS_SAID = AsSaid()

ALERTS: dict[str, Level | AsSaid | None] = {
    # The core's own, see types.Note.
    "SIGNAL_TAKEN": None,
    "SIGNAL_REFUSED": None,
    "ENTRY_SENT": None,
    "ENTRY_WAITS": None,
    "ENTRY_DROPPED": None,
    "ENTRY_CUT": Level.WARN,
    "ENTRY_FILLED": Level.INFO,
    "STOP_PLACED": None,
    "STOP_MOVED": None,
    "TARGET_ARMED": None,
    "TARGET_DISARMED": None,
    "EXIT_SENT": None,
    "BRACKET_CLOSED": Level.INFO,
    "ORDER_REFUSED": Level.WARN,
    "ORDER_REJECTED": Level.WARN,
    "EXIT_REJECTED": Level.LOUDEST,
    "EXIT_CHASED": AS_SAID,  # an ALARM at the ladder's last step
    "EXIT_AT_BAND": Level.ALARM,
    "IN_DOUBT": Level.ERROR,
    "DOUBT_RESOLVED": Level.INFO,
    "PROVEN_ABSENT": Level.WARN,
    "LATE_FILL": Level.ALARM,
    "OVER_EXIT": Level.ALARM,
    "ILLEGAL_EVENT": Level.WARN,
    "UNKNOWN_STATUS": Level.ALARM,
    "FOREIGN_ORDER": Level.WARN,
    "HALT_CHANGED": AS_SAID,
    "LIMIT_TRIPPED": Level.ALARM,
    "SQUARE_OFF": None,
    "NAKED": Level.ALARM,
    "COVERED": Level.ALARM,  # who was told of the one is told of the other
    "PRICE_REFUSED": Level.ALARM,
    "PRICE_OLD": Level.ALARM,
    "PRICE_BACK": Level.ALARM,  # likewise
    "QUARANTINED": AS_SAID,  # INFO when released
    "BUDGET_WAIT": None,
    "READ_BACK": AS_SAID,
    "CAPACITY": Level.ALARM,
    "TARGET_REFUSED": Level.WARN,
    "AT_TARGET": None,
    "ENTRY_BRAKE": AS_SAID,  # an ALARM the first time
    "STOP_RENEWED": None,
    "TRAIL_WAITS": Level.ALARM,
    "ADOPTED": Level.WARN,
    "RESUMED": Level.WARN,
    "VALUE_UNKNOWN": Level.WARN,
    "VALUE_TAKEN": None,
    # The orchestrator's.
    "NOT_TRADING": Level.ALARM,
    "DAY_OPEN": Level.INFO,
    "DAY_END": AS_SAID,  # an ALARM when something is open
    "DAY_SUMMARY": Level.INFO,
    "STOPPING": Level.WARN,
    "PAUSED": Level.WARN,
    "REDUCING": Level.WARN,
    "FLATTEN": Level.WARN,
    "KILLED": Level.ALARM,
    "FAULT": Level.ALARM,
    "FAILED": Level.ERROR,
    "LISTENER": Level.ERROR,
    "FEED_DOWN": None,  # FEED_LOST comes when it stays down
    "FEED_UP": None,
    "FEED_LOST": Level.ERROR,
    "FEED_BACK": Level.ERROR,  # likewise
    "SECOND_FEED_DOWN": None,
    "SECOND_FEED_UP": None,
    "NO_SECOND_FEED": Level.ERROR,
    "NOT_JOINED": Level.WARN,
    "PUSH_DOWN": None,
    "BOOK_FAILED": AS_SAID,  # an ALARM of the watchdog
    "BOOK_LOST": Level.ALARM,
    "BOOK_BACK": Level.WARN,
    "TRADES_FAILED": None,
    "VALUES_OPEN": Level.ALARM,
    "QUOTE_FAILED": Level.WARN,
    "BROKER_MESSAGE": None,
    "REQUEST_REFUSED": None,  # the order's own notice says it
    "REQUEST_TIMEOUT": None,
    "TOKEN_DEAD": Level.ALARM,
    "TOKEN_NEW": Level.WARN,
    "TOKEN": Level.ERROR,
    "LOGGED_IN": Level.INFO,
    "HOOK_REFUSED": None,
    "NO_HOOKS": Level.ERROR,
    "NOT_VERIFIED": Level.ALARM,
    "VERIFIED": None,
    "UNEXPLAINED": Level.ALARM,
    "TAKEN_BACK": Level.WARN,
    "JOURNAL_FULL": Level.ALARM,
    "JOURNAL_BACK": Level.WARN,
    "JOURNAL_ASIDE": Level.ALARM,
    "JOURNAL_NOT_USED": Level.WARN,
    "JOURNAL_GONE": Level.ALARM,
    "NO_JOURNAL": Level.ALARM,
    "LOG": Level.ERROR,
    "NO_PAGE": Level.ERROR,
    "NO_RUN_FILE": Level.WARN,
    "MEMORY_NOT_LOCKED": Level.WARN,
    "CORE_NOT_TAKEN": Level.WARN,
    "ONE_CORE": Level.WARN,
    "NO_LOGIN": Level.WARN,
    "NO_LATENCY_FILE": None,
    "OLD_INSTRUMENTS": Level.ALARM,
    "INSTRUMENTS_DAMAGED": Level.WARN,
    "RESOLVED": None,
    "FREEZE": None,
    "TOKEN_REFUSED": None,  # TOKEN_DEAD has woken whoever it concerns
    "CLOCK_STEP": None,
    "CLOCK_BELIEVED": Level.WARN,
    "CLOCK_WRONG": Level.ALARM,
    "CLOCK_RIGHT": None,
    "RENAMED": Level.WARN,
    "NO_WATCHDOG": Level.ALARM,
    "CONFIG_REFUSED": Level.WARN,
    "CONFIG_CHANGED": Level.INFO,
    "REHEARSAL": None,
    "PRICE_FILE": None,
    # The watchdog's.
    "WATCHING": None,
    "ENDED": None,
    "NO_ENGINE": Level.ERROR,
    "TROUBLE": Level.ALARM,
    "STEPPING_IN": Level.ALARM,
    "FENCED": Level.ALARM,
    "GUARDED": Level.ALARM,
    "NOTHING_OPEN": Level.ERROR,
    "GIVEN_UP": Level.LOUDEST,
    "CLOSED_ELSEWHERE": AS_SAID,  # an ALARM when nobody says why, or nothing protects what is left
    "CLOSED_TWICE": Level.ALARM,
    "EXIT_AFTER_CUT_OFF": Level.ALARM,
    "SQUARE_OFF_MOVED": None,
    "STOP_PASSED": Level.ALARM,
    "NO_PRICE": Level.ALARM,
    "ABSENT": Level.WARN,
    "REQUEST": None,
    # Ours: alerts about alerts would never end.
    "ALERT_TEST": None,
    "ALERT_DELIVERED": None,
    "ALERT_FAILED": None,
    "ALERTS": None,
}

GOOD_NEWS = frozenset({"COVERED", "FEED_BACK", "BOOK_BACK", "PRICE_BACK", "TOKEN_NEW", "DOUBT_RESOLVED", "JOURNAL_BACK", "VERIFIED"})
"""As loud as what they end, and titled otherwise."""


def level_of(notice: Notice) -> Level | None:
    """How loud the alert of this notice is; None when it is none."""
    rule = ALERTS.get(notice.code, AS_SAID if notice.severity == Severity.ALARM else None)
    return Level(notice.severity) if isinstance(rule, AsSaid) else rule
