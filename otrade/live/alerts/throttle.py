"""What goes out to one target now, and what is held back: severity, repetition, quiet hours, rate.
Pure: the time is handed in.

Nothing that is held back is lost. It is counted by code with its last words, and told in one digest
as soon as the throttle may.
"""

from collections import OrderedDict

import msgspec

from otrade.config.schema import AlertTargetConfig
from otrade.live.alerts.rules import AlertLevel
from otrade.units import NS_PER_DAY, NS_PER_MINUTE, NS_PER_S, ist_hms, ist_midnight_ns

LOUDEST_REPEAT_NS = 30 * NS_PER_S
"""A rejected exit that is rejected again is said again sooner than anything else."""
REMEMBERED_MAX = 1_000
HELD_CODES_MAX = 100
LEVELS = {
    "info": AlertLevel.INFO,
    "warn": AlertLevel.WARN,
    "error": AlertLevel.ERROR,
    "alarm": AlertLevel.ALARM,
}


class Alert(msgspec.Struct, frozen=True):
    """One thing to be told. Two with the same `key` are the same thing again."""

    level: AlertLevel
    code: str
    text: str
    ts_ns: int
    """When it happened, engine time."""
    key: tuple[object, ...]
    is_summary: bool = False


class _HeldAlert(msgspec.Struct):
    n: int
    level: AlertLevel
    text: str


class AlertThrottle:
    """The throttle before one target. Times are nanoseconds since the epoch; a clock that steps back
    forgets what lies in its future.
    """

    def __init__(self, target: AlertTargetConfig, *, repeat_s: float, max_per_min: int) -> None:
        self.name = target.name
        self._min = LEVELS[target.min_severity]
        self._wants_summary = target.day_summary
        self._quiet = [
            (_minutes(quiet.start), _minutes(quiet.until), LEVELS[quiet.min_severity])
            for quiet in target.quiet
        ]
        self._repeat_ns = round(repeat_s * NS_PER_S)
        self._per_min = max_per_min
        self._sent: OrderedDict[tuple[object, ...], int] = OrderedDict()
        self._tokens = float(max_per_min)
        self._ts_tokens_ns = 0
        self._held: dict[str, _HeldAlert] = {}
        self._held_since_ns = 0
        self.n_held = 0
        """Alerts held back so far, whether a digest has told of them or not."""

    def offer(self, alert: Alert, now_ns: int) -> bool:
        """True: send it now. Otherwise it was not wanted, or is held back for the digest."""
        if alert.is_summary:
            return self._wants_summary
        if alert.level < self._min:
            return False
        if (
            self._is_repeated(alert, now_ns)
            or alert.level < self._quiet_level(now_ns)
            or not self._may_send(alert.level, now_ns)
        ):
            self._hold(alert.code, alert.level, alert.text, now_ns)
            return False
        self._sent[alert.key] = now_ns
        self._sent.move_to_end(alert.key)
        while len(self._sent) > REMEMBERED_MAX:
            self._sent.popitem(last=False)
        return True

    def give_back(self, alert: Alert, now_ns: int) -> None:
        """It could not be handed on after all: it is held back like the others."""
        self._sent.pop(alert.key, None)
        self._hold(alert.code, alert.level, alert.text, now_ns)

    def digest(self, now_ns: int, *, at_once: bool = False) -> Alert | None:
        """One alert about everything held back, when there is something, it is old enough, it is
        not quiet and the rate allows it. `at_once`: there will be no later.
        """
        if not self._held:
            return None
        level = max(held.level for held in self._held.values())
        waited_ns = now_ns - self._held_since_ns
        if not at_once and (
            0 <= waited_ns < self._repeat_ns
            or level < self._quiet_level(now_ns)
            or not self._may_send(level, now_ns)
        ):
            return None
        n = sum(held.n for held in self._held.values())
        rows = sorted(self._held.items(), key=lambda item: (-item[1].level, item[0]))
        lines = [
            f"{held.n} x {code}: {held.text}" if held.n > 1 else f"{code}: {held.text}"
            for code, held in rows
        ]
        text = "\n".join([f"{n} held back since {ist_hms(self._held_since_ns)} IST:", *lines])
        self._held.clear()
        return Alert(level, "DIGEST", text, now_ns, ("DIGEST",))

    def _hold(self, code: str, level: AlertLevel, text: str, now_ns: int) -> None:
        self.n_held += 1
        if not self._held:
            self._held_since_ns = now_ns
        if code not in self._held and len(self._held) >= HELD_CODES_MAX:
            code = "OTHERS"
        held = self._held.setdefault(code, _HeldAlert(0, level, text))
        held.n, held.level, held.text = held.n + 1, max(held.level, level), text

    def _is_repeated(self, alert: Alert, now_ns: int) -> bool:
        sent_ns = self._sent.get(alert.key)
        window_ns = (
            min(LOUDEST_REPEAT_NS, self._repeat_ns)
            if alert.level == AlertLevel.LOUDEST
            else self._repeat_ns
        )
        return sent_ns is not None and 0 <= now_ns - sent_ns < window_ns

    def _quiet_level(self, now_ns: int) -> AlertLevel:
        """What goes out at this hour, at least. A rejected exit always does."""
        minute = (now_ns - ist_midnight_ns(now_ns)) % NS_PER_DAY // NS_PER_MINUTE
        levels = [level for start, until, level in self._quiet if _is_between(minute, start, until)]
        return max(levels, default=AlertLevel.INFO)

    def _may_send(self, level: AlertLevel, now_ns: int) -> bool:
        """Take from the rate. The loudest needs none, and takes all the same."""
        gone_ns = max(now_ns - self._ts_tokens_ns, 0)
        self._tokens = min(
            self._tokens + self._per_min * gone_ns / NS_PER_MINUTE, float(self._per_min)
        )
        self._ts_tokens_ns = now_ns
        if self._tokens < 1 and level < AlertLevel.LOUDEST:
            return False
        self._tokens = max(self._tokens - 1, 0.0)
        return True


def _minutes(hour_minute: str) -> int:
    hours, minutes = hour_minute.split(":")
    return int(hours) * 60 + int(minutes)


def _is_between(minute: int, start: int, until: int) -> bool:
    return start <= minute < until if start < until else minute >= start or minute < until
