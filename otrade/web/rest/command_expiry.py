"""Commands that come late: one that was given a minute ago, and has waited in a dead network since,
is not what its giver wants now.

A command may say when it was given (`Issued-At`). The page says so always, by the engine's clock,
which it knows from the answers before; a script may leave it out. The engine is the one that looks,
when the command has reached it.
"""

import re

from otrade.web.http import problems
from otrade.web.http.problems import ProblemError

ISSUED_HEADER = "Issued-At"
COMMAND_LIFE_S = 30.0
MOMENT = re.compile(r"[0-9]{1,15}")


def expires_ms(given: str | None, now_s: float) -> int | None:
    """After which UNIX time a command shall not be done any more; None where it does not say when it
    was given. ProblemError for what is no moment of the past. `now_s` is UNIX time.
    """
    if given is None:
        return None
    if not MOMENT.fullmatch(given):
        raise ProblemError(problems.wrong_moment(given))
    age_s = now_s - int(given) / 1000
    if age_s < -COMMAND_LIFE_S:
        raise ProblemError(problems.wrong_clock(-age_s))
    return int(given) + int(COMMAND_LIFE_S * 1000)
