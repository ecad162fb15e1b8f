"""The handlers of what is asked for when somebody looks (`asked.py`): each reads the source once; nothing of it is streamed."""

from collections.abc import Sequence
from typing import TypeVar

from otrade.errors import JournalError

from . import asked, problems
from .audit import Audit
from .dispatch import Call
from .problems import ProblemError
from .source import ReadSource

T = TypeVar("T")
NOT_UP = "no trading day has begun here yet"


class Looks:
    """A handler for each route of `routes.LOOKS`, by its name."""

    def __init__(self, source: ReadSource, audit: Audit) -> None:
        self._source = source
        self._audit = audit

    async def equity(self, call: Call) -> Sequence[asked.EquityPoint]:
        return self._source.equity(call.query.since_ms)

    async def lines(self, call: Call) -> Sequence[asked.StrategyLine]:
        return self._source.lines(call.query.instrument_id)

    async def story(self, call: Call) -> asked.OrderStory:
        return _there(self._source.story(call.query.cl_ord_id), f"there is no order {call.query.cl_ord_id} of this day")

    async def why(self, call: Call) -> asked.WhyView:
        return _there(self._source.why(call.query.signal_seq), f"signal {call.query.signal_seq} is not there, or too long ago")

    async def latency(self, call: Call) -> Sequence[asked.StageView]:
        return self._source.latency()

    async def limits(self, call: Call) -> asked.LimitsView:
        return _there(self._source.limits(), NOT_UP)

    async def journals(self, call: Call) -> Sequence[asked.JournalFileView]:
        return self._source.journals()

    async def journal(self, call: Call) -> asked.JournalPage:
        q: asked.JournalQuery = call.query
        try:
            return await self._source.journal(
                q.name, kinds=q.kinds, text=q.text, offset=q.offset, limit=q.limit, is_tail=q.tail == "yes"
            )  # fmt: skip
        except JournalError as error:
            raise ProblemError(problems.refused(str(error))) from None

    async def moment(self, call: Call) -> asked.Moment:
        q: asked.MomentQuery = call.query
        try:
            return await self._source.moment(q.name, q.ts_ms, curve=q.curve == "yes")
        except JournalError as error:
            raise ProblemError(problems.refused(str(error))) from None

    async def config(self, call: Call) -> asked.ConfigView:
        return _there(self._source.config(), "this engine runs without a configuration file")

    async def configure(self, call: Call) -> asked.ConfigVerdict:
        draft: asked.ConfigDraft = call.body
        verdict = _there(self._source.configure(draft), "this engine runs without a configuration file")
        if draft.write:
            what = ", ".join(change.path for change in verdict.changes) or "nothing"
            words = f"{what}: {verdict.words}" if verdict.ok else verdict.problem
            self._audit.write(call.principal, call.request, "page configure", words, ok=verdict.ok)
        return verdict


def _there(found: T | None, words: str) -> T:
    if found is None:
        raise ProblemError(problems.refused(words))
    return found
