"""What is worth waking somebody for: every code of a notice, and how loud its alert is. Nothing
else decides that.

Only terminal facts are told: what has been filled, rejected, halted, lost or left in doubt; never
what has merely been asked for. A code that stands here with None is never an alert. A code that
does not stand here is one when its notice is an ALARM: what is new and loud must not be silent
because a table is old.
"""

from enum import IntEnum

from otrade._core.types import Severity
from otrade.live.notices.board import Notice


class AlertLevel(IntEnum):
    """How loud an alert is. The first four are the words of the configuration."""

    INFO = 0
    WARN = 1
    ERROR = 2
    ALARM = 3
    LOUDEST = 4
    """Goes out whatever hour it is, whatever was sent before, and before everything else that
    waits.
    """


class NoticeLevel:
    """As loud as the notice itself."""


AS_SAID = NoticeLevel()

ALERTS: dict[str, AlertLevel | NoticeLevel | None] = {
    # The core's own, see types.Note.
    "SIGNAL_TAKEN": None,
    "SIGNAL_REFUSED": None,
    "ENTRY_SENT": None,
    "ENTRY_WAITS": None,
    "ENTRY_DROPPED": None,
    "ENTRY_CUT": AlertLevel.WARN,
    "ENTRY_FILLED": AlertLevel.INFO,
    "STOP_PLACED": None,
    "STOP_MOVED": None,
    "TARGET_ARMED": None,
    "TARGET_DISARMED": None,
    "EXIT_SENT": None,
    "BRACKET_CLOSED": AlertLevel.INFO,
    "ORDER_REFUSED": AlertLevel.WARN,
    "ORDER_REJECTED": AlertLevel.WARN,
    "EXIT_REJECTED": AlertLevel.LOUDEST,
    "EXIT_CHASED": AS_SAID,  # an ALARM at the ladder's last step
    "EXIT_AT_BAND": AlertLevel.ALARM,
    "IN_DOUBT": AlertLevel.ERROR,
    "DOUBT_RESOLVED": AlertLevel.INFO,
    "PROVEN_ABSENT": AlertLevel.WARN,
    "LATE_FILL": AlertLevel.ALARM,
    "OVER_EXIT": AlertLevel.ALARM,
    "ILLEGAL_EVENT": AlertLevel.WARN,
    "UNKNOWN_STATUS": AlertLevel.ALARM,
    "HALT_CHANGED": AS_SAID,
    "LIMIT_TRIPPED": AlertLevel.ALARM,
    "SQUARE_OFF": None,
    "NAKED": AlertLevel.ALARM,
    "COVERED": AlertLevel.ALARM,  # who was told of the one is told of the other
    "PRICE_REFUSED": AlertLevel.ALARM,
    "PRICE_OLD": AlertLevel.ALARM,
    "PRICE_BACK": AlertLevel.ALARM,  # likewise
    "QUARANTINED": AS_SAID,  # INFO when released
    "BUDGET_WAIT": None,
    "READ_BACK": AS_SAID,
    "CAPACITY": AlertLevel.ALARM,
    "TARGET_REFUSED": AlertLevel.WARN,
    "AT_TARGET": None,
    "ENTRY_BRAKE": AS_SAID,  # an ALARM the first time
    "STOP_RENEWED": None,
    "TRAIL_WAITS": AlertLevel.ALARM,
    "ADOPTED": AlertLevel.WARN,
    "RESUMED": AlertLevel.WARN,
    "VALUE_UNKNOWN": AlertLevel.WARN,
    "VALUE_TAKEN": None,
    # The orchestrator's.
    "NOT_TRADING": AlertLevel.ALARM,
    "DAY_OPEN": AlertLevel.INFO,
    "DAY_END": AS_SAID,  # an ALARM when something is open
    "DAY_SUMMARY": AlertLevel.INFO,
    "STOPPING": AlertLevel.WARN,
    "PAUSED": AlertLevel.WARN,
    "REDUCING": AlertLevel.WARN,
    "FLATTEN": AlertLevel.WARN,
    "KILLED": AlertLevel.ALARM,
    "FAULT": AlertLevel.ALARM,
    "FAILED": AlertLevel.ERROR,
    "LISTENER": AlertLevel.ERROR,
    "FEED_DOWN": None,  # FEED_LOST comes when it stays down
    "FEED_UP": None,
    "FEED_LOST": AlertLevel.ERROR,
    "FEED_BACK": AlertLevel.ERROR,  # likewise
    "SECOND_FEED_DOWN": None,
    "SECOND_FEED_UP": None,
    "NO_SECOND_FEED": AlertLevel.ERROR,
    "NOT_JOINED": AlertLevel.WARN,
    "PUSH_DOWN": None,
    "BOOK_FAILED": AS_SAID,  # an ALARM of the watchdog
    "BOOK_LOST": AlertLevel.ALARM,
    "BOOK_BACK": AlertLevel.WARN,
    "TRADES_FAILED": None,
    "VALUES_OPEN": AlertLevel.ALARM,
    "QUOTE_FAILED": AlertLevel.WARN,
    "BROKER_MESSAGE": None,
    "REQUEST_REFUSED": None,  # the order's own notice says it
    "REQUEST_TIMEOUT": None,
    "TOKEN_DEAD": AlertLevel.ALARM,
    "TOKEN_NEW": AlertLevel.WARN,
    "TOKEN": AlertLevel.ERROR,
    "LOGGED_IN": AlertLevel.INFO,
    "HOOK_REFUSED": None,
    "NO_HOOKS": AlertLevel.ERROR,
    "HOOKS": AlertLevel.WARN,
    "HOOKS_ENDED": AlertLevel.ERROR,
    "PAGE_ENDED": AlertLevel.ERROR,
    "STRATEGY_CHANGED": AlertLevel.WARN,
    "NOT_VERIFIED": AlertLevel.ALARM,
    "VERIFIED": None,
    "UNEXPLAINED": AlertLevel.ALARM,
    "TAKEN_BACK": AlertLevel.WARN,
    "JOURNAL_FULL": AlertLevel.ALARM,
    "NO_RESULT": AlertLevel.WARN,
    "JOURNAL_BACK": AlertLevel.WARN,
    "JOURNAL_ASIDE": AlertLevel.ALARM,
    "JOURNAL_NOT_USED": AlertLevel.WARN,
    "JOURNAL_GONE": AlertLevel.ALARM,
    "NO_JOURNAL": AlertLevel.ALARM,
    "LOG": AlertLevel.ERROR,
    "LOOP_STALLED": AlertLevel.ERROR,
    "NO_PAGE": AlertLevel.ERROR,
    "PAGE_LOGIN": None,
    "NEW_BROWSER": AlertLevel.WARN,
    "PEOPLE_CHANGED": AlertLevel.WARN,
    "NO_RUN_FILE": AlertLevel.WARN,
    "MEMORY_NOT_LOCKED": AlertLevel.WARN,
    "CORE_NOT_TAKEN": AlertLevel.WARN,
    "ONE_CORE": AlertLevel.WARN,
    "NO_LATENCY_FILE": None,
    "OLD_INSTRUMENTS": AlertLevel.ALARM,
    "INSTRUMENTS_DAMAGED": AlertLevel.WARN,
    "RESOLVED": None,
    "FREEZE": None,
    "TOKEN_REFUSED": None,  # TOKEN_DEAD has woken whoever it concerns
    "CLOCK_STEP": None,
    "CLOCK_BELIEVED": AlertLevel.WARN,
    "CLOCK_WRONG": AlertLevel.ALARM,
    "CLOCK_RIGHT": None,
    "RENAMED": AlertLevel.WARN,
    "NO_WATCHDOG": AlertLevel.ALARM,
    "CONFIG_REFUSED": AlertLevel.WARN,
    "CONFIG_CHANGED": AlertLevel.INFO,
    "CONFIG_WAITS": AlertLevel.WARN,
    "REHEARSAL": None,
    "PRICE_FILE": None,
    "PRICES_MIXED": AlertLevel.WARN,
    "PAPER_ACCOUNT": None,
    "PAPER_GOES_ON": None,
    "EARLIER_PAPER_DAY": None,
    "NO_SESSION": AlertLevel.WARN,
    "LESS_THAN_A_LOT": AlertLevel.WARN,
    "START_WAITS": AlertLevel.WARN,
    "START_STOPPED": AlertLevel.WARN,
    "WARM_START": None,
    "COLD_START": AlertLevel.WARN,
    # The watchdog's.
    "WATCHING": None,
    "ENDED": None,
    "NO_ENGINE": AlertLevel.ERROR,
    "TROUBLE": AlertLevel.ALARM,
    "STEPPING_IN": AlertLevel.ALARM,
    "FENCED": AlertLevel.ALARM,
    "GUARDED": AlertLevel.ALARM,
    "NOTHING_OPEN": AlertLevel.ERROR,
    "GIVEN_UP": AlertLevel.LOUDEST,
    "CLOSED_ELSEWHERE": AS_SAID,  # an ALARM when nobody says why, or nothing protects what is left
    "CLOSED_TWICE": AlertLevel.ALARM,
    "EXIT_AFTER_CUT_OFF": AlertLevel.ALARM,
    "EXIT_MODES": None,
    "SQUARE_OFF_MOVED": None,
    "STOP_PASSED": AlertLevel.ALARM,
    "NO_PRICE": AlertLevel.ALARM,
    "ABSENT": AlertLevel.WARN,
    "REQUEST": None,
    # Ours: alerts about alerts would never end.
    "ALERT_TEST": None,
    "ALERT_DELIVERED": None,
    "ALERT_FAILED": None,
    "ALERTS": None,
}

GOOD_NEWS = frozenset(
    {
        "COVERED",
        "FEED_BACK",
        "BOOK_BACK",
        "PRICE_BACK",
        "TOKEN_NEW",
        "DOUBT_RESOLVED",
        "JOURNAL_BACK",
        "VERIFIED",
    }
)
"""As loud as what they end, and titled otherwise."""


def level_of(notice: Notice) -> AlertLevel | None:
    """How loud the alert of this notice is; None when it is none."""
    rule = ALERTS.get(notice.code, AS_SAID if notice.severity == Severity.ALARM else None)
    return AlertLevel(notice.severity) if isinstance(rule, NoticeLevel) else rule
