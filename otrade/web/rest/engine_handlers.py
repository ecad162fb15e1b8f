"""The handlers of the engine's process: how it is, and its start. Its stop is a command (`handlers.py`)."""

import msgspec
from starlette.responses import Response

from otrade.contract.engine_source import EngineSource
from otrade.contract.queries import EngineProcessView
from otrade.web.auth.access_control import AccessControl
from otrade.web.auth.audit import Audit, address_of
from otrade.web.http import problems
from otrade.web.http.problems import problem_response
from otrade.web.rest.dispatch import Call, journal_name


class EngineHandlers:
    """A session alone may start one, with its person's password; what is started is not said here."""

    def __init__(self, source: EngineSource, access: AccessControl, audit: Audit) -> None:
        self._source = source
        self._access = access
        self._audit = audit

    async def engine_process(self, call: Call) -> EngineProcessView:
        return await self._source.engine_process()

    async def start_engine(self, call: Call) -> Response:
        who, request = call.principal, call.request
        assert who.session is not None
        await self._access.require_password(
            who.session, call.body.password, address_of(request), "password"
        )
        result = await self._source.start_engine(who.who)
        self._audit.write(who, request, journal_name(call.route), result.words, ok=result.ok)
        if not result.ok:
            return problem_response(problems.refused(result.words))
        return Response(msgspec.json.encode(result), media_type="application/json")
