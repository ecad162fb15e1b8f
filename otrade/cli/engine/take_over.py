"""`otrade take-over`: hand a position that another person has opened over to the engine."""

from __future__ import annotations

import sys
from pathlib import Path

from otrade.cli.engine.client import ANSWER_S_MAX, running
from otrade.engine_link.call import EngineCall, NoAnswerError

DONE, REFUSED, NO_ENGINE, STOPPED = 0, 1, 3, 4


def take_over(var: Path, symbol: str) -> int:
    """Exit code 0 when the engine has taken it over, 1 when it says why not, 3 or 4 when it cannot
    be asked.
    """
    info = running(var)
    if info is None:
        print(f"no engine runs in {var}", file=sys.stderr)
        return NO_ENGINE
    try:
        with EngineCall(var, ANSWER_S_MAX) as engine:
            rows = engine.ask("instruments")
            found = [row["id"] for row in rows if row["symbol"] == symbol]
            if not found:
                traded = ", ".join(row["symbol"] for row in rows)
                print(f"the engine does not trade {symbol}; it trades {traded}", file=sys.stderr)
                return REFUSED
            ok, words = engine.act("take-over", {"instrument_id": found[0]})
    except NoAnswerError as error:
        print(f"engine {info.pid} does not answer ({error})", file=sys.stderr)
        return STOPPED
    print(words, file=sys.stdout if ok else sys.stderr)
    return DONE if ok else REFUSED
