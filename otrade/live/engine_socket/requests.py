"""What peers ask of the engine, and what they have it do."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from otrade.contract import queries, views
from otrade.contract.messages import (
    COMMAND_ARGS,
    Acted,
    ActRequest,
    FinishLogin,
    PersonRecord,
    QueryAnswer,
    QueryName,
    QueryRequest,
    RunningConfig,
)
from otrade.errors import OTradeError
from otrade.live.api.engine_source import LiveEngineSource
from otrade.live.control.command_keys import CommandKeys, KeyRefusedError
from otrade.live.persistence.actor import Actor

log = logging.getLogger("otrade")

FAILED = "failed inside the engine; its log says why"
RECORDS_PER_MIN = 240
"""Of what people do on the page besides commands."""
NOTHING = msgspec.Raw(msgspec.msgpack.encode(None))


class Requests:
    """Answers the requests of all peers. `running_config` is JSON; `now_s` a
    monotonic clock.
    """

    def __init__(
        self,
        source: LiveEngineSource,
        keys: CommandKeys,
        running_config: Callable[[], bytes],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._keys = keys
        self._running_config = running_config
        self._now_s = now_s
        self._minute_s = float("-inf")
        self._n_records = 0
        self._encode = msgspec.msgpack.Encoder().encode

    async def answer(self, ask: QueryRequest) -> QueryAnswer:
        """A query's answer, or in `trouble` why there is none."""
        try:
            found = await self._find(ask.name, ask.args)
        except (msgspec.ValidationError, OTradeError) as error:
            return QueryAnswer(id=ask.id, found=NOTHING, trouble=str(error))
        except Exception:
            log.exception("a peer's question %s failed", ask.name)
            return QueryAnswer(id=ask.id, found=NOTHING, trouble=FAILED)
        return QueryAnswer(id=ask.id, found=msgspec.Raw(self._encode(found)))

    async def _find(self, name: QueryName, args: Mapping[str, Any]) -> object:
        match name:
            case "accounts":
                return await self._source.accounts()
            case "preflight":
                return await self._source.preflight()
            case "running_config":
                return RunningConfig(self._running_config())
            case "instruments":
                return list(self._source.instruments())
            case "status":
                return self._source.status()
            case "metrics":
                return self._source.metrics()
        if name == "candles":
            candles = msgspec.convert(args, type=views.CandlesQuery)
            return self._source.candles(candles.instrument_id, candles.interval_s)
        asked = self._source.queries
        match name:
            case "equity":
                return asked.equity(msgspec.convert(args, type=queries.EquityQuery).since_ms)
            case "indicators":
                wanted = msgspec.convert(args, type=queries.IndicatorsQuery)
                return asked.indicators(wanted.instrument_id, wanted.since_ms)
            case "order_timeline":
                return asked.order_timeline(
                    msgspec.convert(args, type=queries.OrderTimelineQuery).cl_ord_id
                )
            case "decision":
                return asked.decision(msgspec.convert(args, type=queries.DecisionQuery).signal_seq)
            case "latency":
                return asked.latency()
            case "limits":
                return asked.limits()

    async def act(self, act: ActRequest) -> Acted:
        """A command, once; in `refusal` why it was not looked at."""
        try:
            args = msgspec.structs.asdict(msgspec.convert(act.args, type=COMMAND_ARGS[act.name]))
        except msgspec.ValidationError as error:
            return Acted(id=act.id, result=views.CommandResult(ok=False, words=str(error)))
        who = Actor(act.actor, act.via, act.key)
        try:
            result, is_again = await self._keys.once(
                act.key,
                act.actor,
                act.name,
                args,
                lambda: self._source.command(act.name, who, **args),
                act.expires_ms,
            )
        except KeyRefusedError as error:
            return Acted(id=act.id, result=None, refusal=error.refusal)
        except Exception:
            log.exception("command %s failed", act.name)
            return Acted(id=act.id, result=None, refusal="failed")
        return Acted(id=act.id, result=result, is_again=is_again)

    def record(self, record: PersonRecord) -> None:
        """So many a minute: no server floods the journal."""
        now_s = self._now_s()
        if now_s - self._minute_s >= 60:
            self._minute_s, self._n_records = now_s, 0
        self._n_records += 1
        if self._n_records <= RECORDS_PER_MIN:
            self._source.record(record.who, record.what, record.words)

    async def finish_login(self, request: FinishLogin) -> Acted:
        """The broker has sent a person's browser back."""
        result = await self._source.finish_login(request.redirected_to)
        return Acted(id=request.id, result=result)
