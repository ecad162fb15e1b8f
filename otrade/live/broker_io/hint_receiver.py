"""What the engine does with what brokers have posted: an order's hint makes it read the book, the
notice of an approved login is given to the login that waits for it.

Anybody can post a notice: what is refused is counted, and said at most once a minute.
"""

from collections.abc import Callable

from otrade._core.types import Severity
from otrade.clock import NS_PER_S, Clock
from otrade.contract.hints import OrderHint
from otrade.errors import OTradeError
from otrade.live.notices.board import NoticeBoard
from otrade.live.startup.login_flow import LoginFlow, login_notice

SAID_EVERY_NS = 60 * NS_PER_S


class HintReceiver:
    """`want_book`: read the broker's book soon."""

    def __init__(
        self, login: LoginFlow, board: NoticeBoard, clock: Clock, want_book: Callable[[], None]
    ) -> None:
        self._login = login
        self._board = board
        self._clock = clock
        self._want_book = want_book
        self._said_ns = -SAID_EVERY_NS
        self.n_refused = 0

    def order(self, hint: OrderHint) -> None:
        """Nothing of it is believed but that there may be news."""
        self._want_book()

    async def token(self, broker: str, body: bytes) -> None:
        try:
            session = await self._login.approved(body)
        except OTradeError as error:
            self._refuse(broker, error)
            return
        severity, words = login_notice(session)
        self._board.say(severity, "LOGGED_IN", words)

    def _refuse(self, broker: str, error: OTradeError) -> None:
        self.n_refused += 1
        now_ns = self._clock.now_ns()
        if now_ns - self._said_ns >= SAID_EVERY_NS:
            self._said_ns = now_ns
            self._board.say(
                Severity.WARN,
                "HOOK_REFUSED",
                f"a token notice at {broker}'s web hook was refused ({self.n_refused} so far): {error}",
            )
