"""The handlers of queries (`otrade.contract.queries`): each reads the source once; nothing of it is
streamed.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from otrade.contract import queries
from otrade.contract.engine_source import QuerySource
from otrade.errors import JournalError
from otrade.web.auth.access_control import AccessControl
from otrade.web.auth.audit import Audit, address_of
from otrade.web.http import problems
from otrade.web.http.problems import ProblemError
from otrade.web.rest.dispatch import Call

T = TypeVar("T")
NOT_UP = "no trading day has begun here yet"


class QueryHandlers:
    """A handler for each route of `routes.QUERIES`, by its name."""

    def __init__(self, source: QuerySource, access: AccessControl, audit: Audit) -> None:
        self._source = source
        self._access = access
        self._audit = audit

    async def equity(self, call: Call) -> Sequence[queries.EquityPoint]:
        return await self._source.equity(call.query.since_ms)

    async def indicators(self, call: Call) -> Sequence[queries.IndicatorSeries]:
        return await self._source.indicators(call.query.instrument_id, call.query.since_ms)

    async def order_timeline(self, call: Call) -> queries.OrderTimelineView:
        return _found(
            await self._source.order_timeline(call.query.cl_ord_id),
            f"there is no order {call.query.cl_ord_id} of this day",
        )

    async def decision(self, call: Call) -> queries.DecisionView:
        return _found(
            await self._source.decision(call.query.signal_seq),
            f"signal {call.query.signal_seq} is not there, or too long ago",
        )

    async def latency(self, call: Call) -> Sequence[queries.LatencyStageView]:
        return await self._source.latency()

    async def limits(self, call: Call) -> queries.LimitsView:
        return _found(await self._source.limits(), NOT_UP)

    async def journals(self, call: Call) -> Sequence[queries.JournalFileView]:
        return self._source.journals()

    async def journal(self, call: Call) -> queries.JournalPage:
        q: queries.JournalQuery = call.query
        try:
            return await self._source.journal(
                q.name, kinds=q.kinds, text=q.text, offset=q.offset, limit=q.limit, is_tail=q.tail == "yes"
            )  # fmt: skip
        except JournalError as error:
            raise ProblemError(problems.refused(str(error))) from None

    async def replay(self, call: Call) -> queries.ReplayView:
        q: queries.ReplayQuery = call.query
        try:
            return await self._source.replay(q.name, q.ts_ms, curve=q.curve == "yes")
        except JournalError as error:
            raise ProblemError(problems.refused(str(error))) from None

    async def config(self, call: Call) -> queries.ConfigView:
        return _found(await self._source.config(), "this engine runs without a configuration file")

    async def configure(self, call: Call) -> queries.ConfigVerdict:
        """A session alone may look what a draft would do; to write takes its person's password."""
        draft: queries.ConfigDraft = call.body
        session = call.principal.session
        assert session is not None
        if draft.write:
            await self._access.require_password(
                session, draft.password, address_of(call.request), "password"
            )
        verdict = _found(
            await self._source.configure(msgspec.structs.replace(draft, password="")),
            "this engine runs without a configuration file",
        )
        if draft.write:
            what = ", ".join(change.path for change in verdict.changes) or "nothing"
            words = f"{what}: {verdict.words}" if verdict.ok else verdict.problem
            self._audit.write(call.principal, call.request, "page configure", words, ok=verdict.ok)
        return verdict


def _found(found: T | None, words: str) -> T:
    if found is None:
        raise ProblemError(problems.refused(words))
    return found
