"""Alerts: notices that are worth it go to people's phones, each with a word of whether it arrived.

The dispatcher listens to the notices, adds what is told only when it lasts (a feed that stays down), asks
each target's throttle, and hands alerts to the sender. It never waits. Whether a target took an alert
comes back as a notice; alerts about alerts there are none.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from otrade._core.types import NONE_ID, Severity
from otrade.config.schema import AlertsConfig
from otrade.live.alerts.retry_queue import DeliveryOutcome, PendingAlert
from otrade.live.alerts.rules import GOOD_NEWS, AlertLevel, level_of
from otrade.live.alerts.throttle import Alert, AlertThrottle
from otrade.live.notices.board import Notice
from otrade.units import NS_PER_S, ist_hms, ns_of_s

BODY_CHARS_MAX = 3_000
"""What even short-spoken services take in a few messages."""
TITLE_WORDS = {
    AlertLevel.INFO: "info",
    AlertLevel.WARN: "warning",
    AlertLevel.ERROR: "ERROR",
    AlertLevel.ALARM: "ALARM",
    AlertLevel.LOUDEST: "ACT NOW",
}
TEST_S = 20.0
DOWN = {"FEED_DOWN": "the feed", "SECOND_FEED_DOWN": "the second feed"}
UP = {"FEED_UP": "the feed", "SECOND_FEED_UP": "the second feed"}
"""Notices that say so: a feed is told about when it stays down."""

Say = Callable[[Severity, str, str], object]


class AlertSender(Protocol):
    """Takes alerts (`AlertSenderClient`)."""

    def send(self, target: str, pending: PendingAlert) -> bool: ...


class AlertDispatcher:
    """`who` opens every title: the engine's name and mode. `wall_ns` is the time of repetition,
    quiet hours and rates, whatever clock the engine trades by.
    """

    def __init__(
        self, config: AlertsConfig, who: str, *, say: Say, wall_ns: Callable[[], int]
    ) -> None:
        self._who = who
        self._say = say
        self._wall_ns = wall_ns
        self._throttles = [
            AlertThrottle(target, repeat_s=config.repeat_s, max_per_min=config.max_per_min)
            for target in config.targets
        ]
        self._feed_down_ns = ns_of_s(config.feed_down_s)
        self._down_since_ns: dict[str, int] = {}
        self._lost: set[str] = set()
        """Feeds that have been down for so long that it was told."""
        self._n_sent = 0
        self._codes: dict[int, str] = {}
        """What each alert is about, until its fate is known."""
        self._tests: dict[tuple[int, str], asyncio.Future[DeliveryOutcome]] = {}
        self.sender: AlertSender | None = None
        self.n_delivered = dict.fromkeys((throttle.name for throttle in self._throttles), 0)
        self.n_failed = dict.fromkeys((throttle.name for throttle in self._throttles), 0)

    @property
    def n_held(self) -> dict[str, int]:
        """Alerts held back so far, by target."""
        return {throttle.name: throttle.n_held for throttle in self._throttles}

    # ----------------------------------------------------------------------------------- what comes
    def hear(self, notice: Notice) -> None:
        """A listener of notices."""
        if notice.code in DOWN:
            self._down_since_ns.setdefault(DOWN[notice.code], notice.ts_ns)
        elif notice.code in UP:
            self._feed_up(UP[notice.code], notice.ts_ns)
        level = level_of(notice)
        if level is not None:
            subject = (
                (notice.instrument_id, notice.bracket_id)
                if notice.instrument_id != NONE_ID
                else (notice.text,)
            )
            self._tell(
                Alert(level, notice.code, notice.text, notice.ts_ns, (notice.code, *subject))
            )

    def on_beat(self, now_ns: int) -> None:
        """On the beat, with engine time: what has lasted, and what was held back."""
        for feed, since_ns in self._down_since_ns.items():
            if feed not in self._lost and now_ns - since_ns >= self._feed_down_ns:
                self._lost.add(feed)
                gone_s = (now_ns - since_ns) // NS_PER_S
                self._say(
                    Severity.ERROR,
                    "FEED_LOST",
                    f"{feed} has been down for {gone_s} s, since {ist_hms(since_ns)} IST",
                )
        self._digest(at_once=False)

    def _feed_up(self, feed: str, now_ns: int) -> None:
        since_ns = self._down_since_ns.pop(feed, now_ns)
        if feed in self._lost:
            self._lost.discard(feed)
            self._say(
                Severity.WARN,
                "FEED_BACK",
                f"{feed} is back after {(now_ns - since_ns) // NS_PER_S} s",
            )

    def day_over(self, summary: str, now_ns: int) -> None:
        """The day's result, and whatever was held back: there is no later."""
        self._down_since_ns.clear()
        self._lost.clear()
        self._tell(
            Alert(
                AlertLevel.INFO,
                "DAY_SUMMARY",
                summary,
                now_ns,
                ("DAY_SUMMARY", summary),
                is_summary=True,
            )
        )
        self._digest(at_once=True)

    async def test(self, within_s: float = TEST_S) -> list[DeliveryOutcome]:
        """Send a test to every target, past all throttles, and wait for what becomes of it. Who has not
        answered in time is not in the list as delivered, but as not known.
        """
        loop = asyncio.get_running_loop()
        now_ns = self._wall_ns()
        waiting: dict[str, asyncio.Future[DeliveryOutcome]] = {}
        done: list[DeliveryOutcome] = []
        for throttle in self._throttles:
            alert = Alert(
                AlertLevel.INFO,
                "ALERT_TEST",
                "This is a test. Alerts reach you here.",
                now_ns,
                ("ALERT_TEST",),
            )
            id = self._send(throttle, alert)
            if id is None:
                done.append(
                    DeliveryOutcome(
                        0,
                        throttle.name,
                        False,
                        0,
                        "too many alerts wait, or their process is not running",
                    )
                )
            else:
                waiting[throttle.name] = self._tests[id, throttle.name] = loop.create_future()
        if waiting:
            await asyncio.wait(waiting.values(), timeout=within_s)
        for name, future in waiting.items():
            unknown = DeliveryOutcome(
                0, name, False, 0, f"no answer within {within_s:.0f} s; it goes on trying"
            )
            done.append(future.result() if future.done() else unknown)
        self._tests = {
            key: future
            for key, future in self._tests.items()
            if not future.done() and future not in waiting.values()
        }
        return done

    # ---------------------------------------------------------------------------------- what leaves
    def _tell(self, alert: Alert) -> None:
        now_ns = self._wall_ns()
        for throttle in self._throttles:
            if throttle.offer(alert, now_ns) and self._send(throttle, alert) is None:
                throttle.give_back(alert, now_ns)

    def _digest(self, *, at_once: bool) -> None:
        now_ns = self._wall_ns()
        for throttle in self._throttles:
            alert = throttle.digest(now_ns, at_once=at_once)
            if alert is not None and self._send(throttle, alert) is None:
                throttle.give_back(alert, now_ns)

    def _send(self, throttle: AlertThrottle, alert: Alert) -> int | None:
        """The alert's number; None when nobody took it."""
        self._n_sent += 1
        words = alert.code.replace("_", " ")
        mood = "resolved" if alert.code in GOOD_NEWS else TITLE_WORDS[alert.level]
        title = f"{self._who}: {words}" if alert.is_summary else f"{self._who}: {mood}, {words}"
        body = f"{ist_hms(alert.ts_ns)} IST  {alert.text}"
        if len(body) > BODY_CHARS_MAX:
            body = body[:BODY_CHARS_MAX] + "..."
        pending = PendingAlert(self._n_sent, int(alert.level), title, body)
        if self.sender is None or not self.sender.send(throttle.name, pending):
            return None
        self._codes[pending.id] = alert.code
        return pending.id

    # ---------------------------------------------------------------------------- what became of it
    def on_outcome(self, outcome: DeliveryOutcome) -> None:
        """From the sender, in the loop."""
        code = self._codes.pop(outcome.id, "?")
        counts = self.n_delivered if outcome.ok else self.n_failed
        counts[outcome.target] = counts.get(outcome.target, 0) + 1
        future = self._tests.pop((outcome.id, outcome.target), None)
        if future is not None and not future.done():
            future.set_result(outcome)
        tries = "at once" if outcome.n_tries == 1 else f"at try {outcome.n_tries}"
        if outcome.ok:
            self._say(
                Severity.INFO, "ALERT_DELIVERED", f"{outcome.target} took the alert {code} {tries}"
            )
        else:
            n = (
                f"after {outcome.n_tries} {'try' if outcome.n_tries == 1 else 'tries'}"
                if outcome.n_tries
                else "without a try"
            )
            self._say(
                Severity.ERROR,
                "ALERT_FAILED",
                f"{outcome.target} did not get the alert {code}, {n}: {outcome.why}",
            )

    def on_trouble(self, text: str) -> None:
        """From the sender: something is wrong with all alerts, or with one target's."""
        self._say(Severity.ERROR, "ALERTS", text)


def words_of_test(outcomes: list[DeliveryOutcome]) -> tuple[bool, str]:
    """A test's result for people."""
    words = [
        f"{one.target}: delivered" if one.ok else f"{one.target}: NOT delivered ({one.why})"
        for one in outcomes
    ]
    return all(one.ok for one in outcomes), "; ".join(words)
