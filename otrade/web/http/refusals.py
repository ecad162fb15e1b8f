"""What the guard says in the page's name: problems, with the headers of every answer."""

import msgspec

from otrade.guard.limits import Limits
from otrade.guard.refusals import Refusals
from otrade.web.http import problems
from otrade.web.http.page import SECURITY_HEADERS
from otrade.web.http.problems import PROBLEM_JSON


def page_refusals(limits: Limits) -> Refusals:
    """An answer for each status with which the guard hangs up."""
    made = (
        problems.bad_request(),
        problems.head_too_slow(limits.head_s),
        problems.no_length(),
        problems.body_too_large(limits.request_bytes),
        problems.head_too_large(limits.head_bytes),
        problems.too_busy(),
    )
    headers = {**SECURITY_HEADERS, "Content-Type": PROBLEM_JSON, "Cache-Control": "no-store"}
    return Refusals(headers, {problem.status: msgspec.json.encode(problem) for problem in made})
