"""The handlers of what is asked for when somebody looks (`queries.py`): each reads the source once;
nothing of it is streamed.
"""

from collections.abc import Sequence
from typing import TypeVar

from otrade.contract import queries
from otrade.contract.engine_source import ReadSource
from otrade.errors import JournalError
from otrade.web.auth.audit import Audit
from otrade.web.http import problems
from otrade.web.http.problems import ProblemError
from otrade.web.rest.dispatch import Call

T = TypeVar("T")
NOT_UP = "no trading day has begun here yet"


class QueryHandlers:
    """A handler for each route of `routes.LOOKS`, by its name."""

    def __init__(self, source: ReadSource, audit: Audit) -> None:
        self._source = source
        self._audit = audit

    async def equity(self, call: Call) -> Sequence[queries.EquityPoint]:
        return self._source.equity(call.query.since_ms)

    async def lines(self, call: Call) -> Sequence[queries.StrategyLine]:
        return self._source.lines(call.query.instrument_id)

    async def story(self, call: Call) -> queries.OrderStory:
        return _there(
            self._source.story(call.query.cl_ord_id),
            f"there is no order {call.query.cl_ord_id} of this day",
        )

    async def why(self, call: Call) -> queries.WhyView:
        return _there(
            self._source.why(call.query.signal_seq),
            f"signal {call.query.signal_seq} is not there, or too long ago",
        )

    async def latency(self, call: Call) -> Sequence[queries.StageView]:
        return self._source.latency()

    async def limits(self, call: Call) -> queries.LimitsView:
        return _there(self._source.limits(), NOT_UP)

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

    async def moment(self, call: Call) -> queries.Moment:
        q: queries.MomentQuery = call.query
        try:
            return await self._source.moment(q.name, q.ts_ms, curve=q.curve == "yes")
        except JournalError as error:
            raise ProblemError(problems.refused(str(error))) from None

    async def config(self, call: Call) -> queries.ConfigView:
        return _there(self._source.config(), "this engine runs without a configuration file")

    async def configure(self, call: Call) -> queries.ConfigVerdict:
        draft: queries.ConfigDraft = call.body
        verdict = _there(
            self._source.configure(draft), "this engine runs without a configuration file"
        )
        if draft.write:
            what = ", ".join(change.path for change in verdict.changes) or "nothing"
            words = f"{what}: {verdict.words}" if verdict.ok else verdict.problem
            self._audit.write(call.principal, call.request, "page configure", words, ok=verdict.ok)
        return verdict


def _there(found: T | None, words: str) -> T:
    if found is None:
        raise ProblemError(problems.refused(words))
    return found
