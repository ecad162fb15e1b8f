"""Is the engine ready to trade? In words: everything that would keep an entry out now, whichever
strategy asked for it.
"""

from typing import TYPE_CHECKING

from otrade._core.types import Halt, PauseBy, Phase
from otrade.live.notices.messages import HALT_WORDS, reason_words

if TYPE_CHECKING:
    from otrade.live.day.trading_day import TradingDay

PAUSERS = {
    PauseBy.PERSON: "a person has paused entries",
    PauseBy.START: "what the broker shows is still being explained",
    PauseBy.STOP: "the engine is stopping",
    PauseBy.BOOK: "no whole order book has come for a minute",
}


def why_not_ready(day: "TradingDay | None", lifecycle: str) -> list[str]:
    """Empty when it is ready."""
    if day is None:
        return [
            "the engine is starting" if lifecycle == "starting" else f"the engine is {lifecycle}"
        ]
    if day.ended.is_set():
        return ["the trading day has ended"]
    risk = day.engine.risk()
    why = []
    if lifecycle != "running":
        why.append(f"the engine is {lifecycle}")
    if risk["halt"] != Halt.ACTIVE:
        reason = reason_words(risk["halt_reason"]) if risk["halt_reason"] else "by command"
        why.append(f"it is {HALT_WORDS[Halt(risk['halt'])]}: {reason}")
    why += [words for pauser, words in PAUSERS.items() if risk["paused_by"] & pauser]
    if not risk["feed_alive"]:
        why.append("the feed is down")
    if day.is_token_dead:
        why.append("the broker's access token is dead")
    if day.journal is None and day.options.needs_journal:
        why.append("there is no journal")
    if day.journal is not None and day.journal.trouble:
        why.append(f"the journal is failing: {day.journal.trouble}")
    return why or _no_instrument(day)


def _no_instrument(day: "TradingDay") -> list[str]:
    """Looks at instruments until one may be traded: of thousands it is the first."""
    is_open = False
    for instrument_id in range(day.engine.n_instruments):
        row = day.engine.instrument(instrument_id)
        if row["phase"] == Phase.ENTRY:
            is_open = True
            if not row["quarantined"]:
                return []
    return [
        "every instrument that is open is quarantined"
        if is_open
        else "it is outside the entry hours of every instrument"
    ]
