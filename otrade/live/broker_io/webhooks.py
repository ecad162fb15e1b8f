"""What brokers post to us: Kite's order postbacks, and the token of a login that was approved in
Upstox's app.

Anybody can post to a public address. So nothing here answers with more than yes or no, what is
refused is counted and said at most once a minute, and no more is read in a second than a broker
would send.
"""

import logging
from collections.abc import Callable

from otrade._core.types import Severity
from otrade.brokers.adapter import BrokerAdapter
from otrade.brokers.session import OrderReport
from otrade.clock import NS_PER_S, Clock
from otrade.errors import OTradeError
from otrade.live.notices.board import NoticeBoard
from otrade.live.notices.json_log import LOGGER_NAME
from otrade.live.startup.login_flow import LoginFlow, login_notice

log = logging.getLogger(LOGGER_NAME)

SAID_EVERY_NS = 60 * NS_PER_S
PER_S = 20
"""Bodies read in a second: twice the order rate that a broker allows."""


class WebhookReceiver:
    """Takes what comes. True: it was the broker's and is done. `on_report` is the way that every
    order push takes.
    """

    def __init__(
        self,
        adapter: BrokerAdapter,
        login: LoginFlow,
        board: NoticeBoard,
        clock: Clock,
        on_report: Callable[[OrderReport], None],
    ) -> None:
        self._adapter = adapter
        self._login = login
        self._board = board
        self._clock = clock
        self._on_report = on_report
        self._second = 0
        self._n_in_second = 0
        self._said_ns = -SAID_EVERY_NS
        self.n_taken = 0
        self.n_refused = 0

    def is_flooded(self) -> bool:
        """Count one body; whether it is more than a second may bring."""
        second = self._clock.now_ns() // NS_PER_S
        if second != self._second:
            self._second, self._n_in_second = second, 0
        self._n_in_second += 1
        return self._n_in_second > PER_S

    def order(self, body: bytes) -> bool:
        """An order postback."""
        try:
            report = self._adapter.postback(body, self._clock.now_ns())
        except OTradeError as error:
            return self._refuse(error)
        self.n_taken += 1
        self._on_report(report)
        return True

    async def token(self, body: bytes) -> bool:
        """The notice of an approved login."""
        try:
            session = await self._login.approved(body)
        except OTradeError as error:
            return self._refuse(error)
        self.n_taken += 1
        self._board.say(login_notice(session)[0], "LOGGED_IN", login_notice(session)[1])
        return True

    def _refuse(self, error: OTradeError) -> bool:
        self.n_refused += 1
        now_ns = self._clock.now_ns()
        if now_ns - self._said_ns >= SAID_EVERY_NS:
            self._said_ns = now_ns
            self._board.say(
                Severity.WARN,
                "HOOK_REFUSED",
                f"a web hook was refused ({self.n_refused} so far): {error}",
            )
        return False
