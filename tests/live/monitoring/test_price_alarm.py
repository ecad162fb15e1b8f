"""An alarm stands while the price of something open is refused or old, is said once, and its end is
told.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from otrade._core.types import Severity
from otrade.live.alerts.rules import ALERTS, GOOD_NEWS
from otrade.live.monitoring.price_alarm import PriceAlarm
from otrade.live.notices.board import Notice, NoticeBoard
from tests.harness.simulated_day import SECOND

OPEN_NS, CLOSE_NS = 1_000 * SECOND, 9_000 * SECOND


class WatchedDay:
    """As much of a day as the watch looks at."""

    def __init__(self) -> None:
        self.open_qty = 10
        self.market = {
            "ltp_e4": 1_000_000,
            "ts_recv_ns": OPEN_NS,
            "n_absurd": 0,
            "absurd_px_e4": 0,
            "absurd_since_ns": 0,
        }
        self.board = NoticeBoard(lambda: 0)
        bracket = {"instrument_id": 3, "open_qty": 0}
        self.engine = SimpleNamespace(
            live_brackets=lambda: [7],
            bracket=lambda i: {**bracket, "open_qty": self.open_qty},
            instrument=lambda i: {"open_ns": OPEN_NS, "close_ns": CLOSE_NS},
            market=lambda i: self.market,
        )
        self.plan = SimpleNamespace(symbol_of=lambda i: f"NFO:X{i}")

    @property
    def said(self) -> list[Notice]:
        return self.board.since(0)


def looked(day: Any, from_s: int, until_s: int, stale_s: int = 10) -> PriceAlarm:
    watch = PriceAlarm(day, stale_s * SECOND)
    look(watch, from_s, until_s)
    return watch


def look(watch: PriceAlarm, from_s: int, until_s: int) -> None:
    for at_s in range(from_s, until_s):
        watch.on_beat(at_s * SECOND)
        watch.on_beat(at_s * SECOND + SECOND // 10)


def test_an_old_price_is_an_alarm_and_its_return_is_told() -> None:
    day = WatchedDay()
    watch = looked(day, 1_000, 1_030)
    assert day.said == [], "a thin contract is quiet for seconds"
    look(watch, 1_030, 1_100)
    (notice,) = day.said
    assert (notice.severity, notice.code, notice.instrument_id) == (Severity.ALARM, "PRICE_OLD", 3)
    assert notice.text.startswith(
        "NFO:X3: nothing has been heard of it since its price of 100.00, for 30 s, while 10 units are open;"
    )
    day.market["ts_recv_ns"] = 1_100 * SECOND
    look(watch, 1_100, 1_102)
    assert [(n.severity, n.code) for n in day.said[1:]] == [(Severity.INFO, "PRICE_BACK")]
    assert "after 100 s" in day.said[1].text


def test_a_refused_price_that_nothing_settles_is_an_alarm() -> None:
    day = WatchedDay()
    day.market |= {"n_absurd": 1, "absurd_px_e4": 1_500_000, "absurd_since_ns": 1_005 * SECOND}
    looked(day, 1_005, 1_008)
    assert day.said == [], "packets settle it at once, mostly"
    watch = looked(day, 1_008, 1_020)
    assert [n.code for n in day.said] == ["PRICE_REFUSED"]
    assert "a price of 150.00 was refused, the last one believed is 100.00" in day.said[0].text
    day.market |= {"n_absurd": 0, "ts_recv_ns": 1_020 * SECOND}
    look(watch, 1_020, 1_022)
    assert day.said[-1].code == "PRICE_BACK"


def test_without_a_position_and_outside_the_session_nothing_is_said() -> None:
    day = WatchedDay()
    day.open_qty = 0
    looked(day, 1_000, 1_200)
    day.open_qty = 10
    looked(day, 0, 1_000)
    looked(day, 9_000, 9_100)
    assert day.said == []


def test_the_alarm_ends_with_the_position() -> None:
    day = WatchedDay()
    watch = looked(day, 1_000, 1_050)
    day.open_qty = 0
    look(watch, 1_050, 1_060)
    assert [n.code for n in day.said] == ["PRICE_OLD", "PRICE_BACK"]
    assert "nothing is open any more" in day.said[1].text


def test_never_a_price_counts_from_the_open_and_a_longer_limit_of_the_users_counts() -> None:
    day = WatchedDay()
    day.market |= {"ltp_e4": 0, "ts_recv_ns": 0}
    watch = looked(day, 1_000, 1_060, stale_s=60)
    assert day.said == []
    look(watch, 1_060, 1_062)
    assert "it has had no price, for 60 s" in day.said[0].text


def test_both_are_alerts_and_the_end_is_good_news() -> None:
    assert ALERTS["PRICE_OLD"] == ALERTS["PRICE_REFUSED"] == ALERTS["PRICE_BACK"]
    assert "PRICE_BACK" in GOOD_NEWS
