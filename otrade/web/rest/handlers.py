"""The handlers of the data and of the commands: each reads the source once."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from otrade.contract.engine_source import CommandOrder, EngineSource
from otrade.contract.messages import KEY_KEPT_S, ActRefusal, CommandArgs
from otrade.contract.views import (
    AccountView,
    Candle,
    CandlesQuery,
    CommandName,
    FlattenArgs,
    NoticeView,
    PreflightView,
    Problem,
    RearmArgs,
    ResumeArgs,
    SignalView,
    StopEngineArgs,
    StopEngineRequest,
    TakeOverArgs,
)
from otrade.errors import EngineGoneError
from otrade.web.auth.audit import Audit, address_of, named
from otrade.web.auth.authenticator import Authenticator
from otrade.web.auth.login_throttle import AttemptCount
from otrade.web.http import problems
from otrade.web.http.problems import ProblemError, problem_response
from otrade.web.rest.command_expiry import COMMAND_LIFE_S, ISSUED_HEADER, expires_ms
from otrade.web.rest.dispatch import Call

log = logging.getLogger("otrade.web")

BROKER_WITHIN_S = 20
KEY_HEADER = "idempotency-key"
COMMANDS_PER_MIN = ((60.0, 120),)
"""Of one person or script."""
NEVER_TOO_MANY = ("kill", "flatten", "stop-entries", "pause")
"""What makes the account safer is never refused for having been asked too often."""


class DataHandlers:
    """A handler for each route that is not a plain method of the source."""

    def __init__(
        self,
        source: EngineSource,
        authenticator: Authenticator,
        audit: Audit,
        *,
        now_s: Callable[[], float],
        wall_s: Callable[[], float],
    ) -> None:
        self._source = source
        self._authenticator = authenticator
        self._audit = audit
        self._now_s = now_s
        self._wall_s = wall_s
        self._commands = AttemptCount(COMMANDS_PER_MIN)

    # -------------------------------------------------------------------------------------- reading
    async def health(self, call: Call) -> str:
        self._source.status()
        return "ok\n"

    async def ready(self, call: Call) -> str:
        """Whether an entry would be taken now, for monitors; a stranger is not told why it would
        not.
        """
        if why := self._source.status().not_ready:
            principal = self._authenticator.known(call.request)
            may_read = principal is not None and "read" in principal.scopes
            raise ProblemError(problems.not_ready(list(why) if may_read else ["log in to see why"]))
        return "ready\n"

    async def metrics(self, call: Call) -> Response:
        content, content_type = await self._source.metrics()
        return Response(content, headers={"Content-Type": content_type})

    async def signals(self, call: Call) -> Sequence[SignalView]:
        return self._source.signals(call.query.since_seq)

    async def notices(self, call: Call) -> Sequence[NoticeView]:
        return self._source.notices(call.query.since_seq)

    async def candles(self, call: Call) -> Sequence[Candle]:
        query: CandlesQuery = call.query
        self._must_exist(query.instrument_id)
        candles = await self._source.candles(query.instrument_id, query.interval_s)
        return [candle for candle in candles if candle.ts_ms >= query.since_ms]

    async def accounts(self, call: Call) -> Sequence[AccountView]:
        async with _broker_time():
            return await self._source.accounts()

    async def preflight(self, call: Call) -> PreflightView:
        async with _broker_time():
            checks = await self._source.preflight()
        if checks is None:
            raise ProblemError(
                problems.refused("the engine is not up yet: there are no preflight checks to show")
            )
        return checks

    def _must_exist(self, instrument_id: int) -> None:
        if not any(row.id == instrument_id for row in self._source.instruments()):
            raise ProblemError(problems.unknown_instrument(instrument_id))

    # ------------------------------------------------------------------------------------- changing
    async def command(self, call: Call) -> Response:
        """One command, once: the same key again gets the first answer."""
        name, args = _renamed(call)
        if isinstance(args, FlattenArgs | TakeOverArgs) and args.instrument_id is not None:
            self._must_exist(args.instrument_id)
        who, headers = call.principal, call.request.headers
        key = headers.get(KEY_HEADER)
        if key is None:
            raise ProblemError(problems.wrong_key(None))
        if name not in NEVER_TOO_MANY:
            self._count(who.who)
        if isinstance(call.body, StopEngineRequest) and who.session is not None:
            await self._authenticator.access.require_password(
                who.session, call.body.password, address_of(call.request), "password"
            )
        log.info("%s: command %s", named(who, call.request), name)
        order = CommandOrder(
            who.who,
            address_of(call.request),
            key,
            expires_ms(headers.get(ISSUED_HEADER), self._wall_s()) if name != "kill" else None,
        )
        done = await self._source.command(name, args, order)
        if done.result is None:
            raise ProblemError(self._refused(done.refusal, order))
        result = done.result
        replayed = {"Idempotency-Replayed": "true"} if done.is_again else {}
        if done.is_again:
            self._audit.write(who, call.request, f"{name} again", result.words, ok=result.ok)
        if not result.ok:
            return problem_response(problems.refused(result.words), replayed)
        return Response(
            msgspec.json.encode(result), media_type="application/json", headers=replayed
        )

    def _refused(self, refusal: ActRefusal, order: CommandOrder) -> Problem:
        """Why the engine has not even looked at a command."""
        match refusal:
            case "foreign_key":
                return problems.foreign_key()
            case "reused_key":
                return problems.reused_key()
            case "expired_key":
                return problems.expired_key(KEY_KEPT_S)
            case "expired":
                given_s = (order.expires_ms or 0) / 1000 - COMMAND_LIFE_S
                return problems.expired_command(self._wall_s() - given_s, COMMAND_LIFE_S)
            case "failed":
                return problems.failed_in_engine()
            case _:
                return problems.wrong_key(order.key)

    def _count(self, who: str) -> None:
        """Each command is a record of the journal, which has an end."""
        now_s = self._now_s()
        wait_s = self._commands.wait_s(who, now_s)
        if wait_s > 0:
            raise ProblemError(
                problems.too_many_commands(wait_s), {"Retry-After": str(int(wait_s) + 1)}
            )
        self._commands.add(who, now_s)

    async def login_callback(self, request: Request) -> Response:
        """The broker sends the browser here. The request comes from another site and carries
        nothing of ours but the state.
        """
        try:
            result = await self._source.finish_login(str(request.url))
        except EngineGoneError as error:
            raise ProblemError(problems.engine_gone(str(error))) from None
        if not result.ok:
            raise ProblemError(problems.refused(result.words))
        return Response(
            f"OTrade: {result.words}. Close this page.\n",
            media_type="text/plain",
            headers={"Cache-Control": "no-store"},
        )


def _renamed(call: Call) -> tuple[CommandName, CommandArgs]:
    """Name and arguments of a command. Before 0.2.0 `resume` lifted a halt too."""
    name = call.route.command
    assert name is not None
    if isinstance(call.body, ResumeArgs):
        return ("rearm" if call.body.rearm else name), RearmArgs()
    if isinstance(call.body, StopEngineRequest):
        return name, StopEngineArgs()
    args: CommandArgs = call.body
    return name, args


@contextlib.asynccontextmanager
async def _broker_time() -> AsyncIterator[None]:
    """A broker that says nothing, or whose simulated day is over, must not keep a page waiting for
    ever.
    """
    try:
        async with asyncio.timeout(BROKER_WITHIN_S):
            yield
    except TimeoutError:
        raise ProblemError(problems.refused("the broker has not answered")) from None
