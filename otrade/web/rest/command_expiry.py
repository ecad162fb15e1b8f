"""Commands that come late: one that was given a minute ago, and has waited in a dead network since,
is not what its giver wants now.

A command may say when it was given (`Issued-At`). The page says so always, by the engine's clock,
which it knows from the answers before; a script may leave it out. A kill is done whenever it comes:
late is better than not at all.
"""

import re

from otrade.web.http import problems
from otrade.web.http.problems import ProblemError

ISSUED_HEADER = "Issued-At"
COMMAND_LIFE_S = 30.0
MOMENT = re.compile(r"[0-9]{1,15}")


def require_fresh(given: str | None, now_s: float) -> None:
    """ProblemError for a command that has expired, and for what is no moment of the past. `now_s`
    is UNIX time.
    """
    if given is None:
        return
    if not MOMENT.fullmatch(given):
        raise ProblemError(problems.wrong_moment(given))
    age_s = now_s - int(given) / 1000
    if age_s < -COMMAND_LIFE_S:
        raise ProblemError(problems.wrong_clock(-age_s))
    if age_s > COMMAND_LIFE_S:
        raise ProblemError(problems.expired_command(age_s, COMMAND_LIFE_S))
