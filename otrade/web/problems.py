"""Errors as the web layer tells them: problem details (RFC 9457) that name field and fix."""

import msgspec
from starlette.responses import Response

from .schema import Problem

PROBLEM_JSON = "application/problem+json"


class ProblemError(Exception):
    """Raised by a route; the application turns it into its response."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=PROBLEM_JSON,
        headers=headers,
    )


# ------------------------------------------------------------------------------------- who asks
def foreign_host(host: str) -> Problem:
    return Problem(
        title="Not this computer",
        status=403,
        code="foreign_host",
        field="Host",
        detail=f"The request was made to {host!r}, which is not this computer's loopback.",
        fix="Open the page as http://127.0.0.1:PORT/ or http://localhost:PORT/.",
    )


def foreign_origin(origin: str) -> Problem:
    return Problem(
        title="Another page asks",
        status=403,
        code="foreign_origin",
        field="Origin",
        detail=f"The request comes from a page of {origin!r}, not from this engine's own page.",
        fix="Use the page that this engine serves.",
    )


def wrong_token() -> Problem:
    return Problem(
        title="Token missing or wrong",
        status=401,
        code="wrong_token",
        field="Authorization",
        detail="Whatever changes the engine needs the token of this start of the engine.",
        fix="Reload the page. A program sends 'Authorization: Bearer TOKEN' from the run-file.",
    )


# -------------------------------------------------------------------------------- what is asked
def unknown_route(path: str) -> Problem:
    return Problem(
        title="Nothing here",
        status=404,
        code="unknown_route",
        field="path",
        detail=f"There is nothing at {path[:200]!r}.",
        fix="Open / for the page; the data is below /api/.",
    )


def wrong_method(method: str, path: str) -> Problem:
    return Problem(
        title="Method not allowed",
        status=405,
        code="wrong_method",
        field="method",
        detail=f"{method[:20]} is not possible at {path[:200]!r}.",
        fix="Data is read with GET; commands are given with POST /api/commands/NAME.",
    )


def wrong_parameter(name: str, found: str | None, allowed: str) -> Problem:
    what = "is missing" if found is None else f"is {found[:80]!r}"
    return Problem(
        title="Wrong parameter",
        status=422,
        code="wrong_parameter",
        field=name,
        detail=f"The parameter {name!r} {what}.",
        fix=f"Give {name} as {allowed}.",
    )


def unknown_instrument(instrument_id: int) -> Problem:
    return Problem(
        title="Unknown instrument",
        status=404,
        code="unknown_instrument",
        field="instrument_id",
        detail=f"There is no instrument {instrument_id}.",
        fix="Take an id from /api/instruments.",
    )


def unknown_command(name: str, known: str) -> Problem:
    return Problem(
        title="Unknown command",
        status=404,
        code="unknown_command",
        field="name",
        detail=f"There is no command {name[:80]!r}.",
        fix=f"Use one of {known}.",
    )


# ------------------------------------------------------------------------------------- its body
def body_too_large(limit_bytes: int) -> Problem:
    return Problem(
        title="Body too large",
        status=413,
        code="body_too_large",
        field="body",
        detail=f"The body is larger than {limit_bytes} bytes.",
        fix="Send only the command's arguments.",
    )


def not_json(media_type: str) -> Problem:
    return Problem(
        title="Not JSON",
        status=415,
        code="not_json",
        field="Content-Type",
        detail=f"The body's type is {media_type[:80]!r}.",
        fix="Send JSON with 'Content-Type: application/json'.",
    )


def broken_json(why: str) -> Problem:
    return Problem(
        title="Broken JSON",
        status=400,
        code="broken_json",
        field="body",
        detail=f"The body cannot be read as JSON: {why}.",
        fix="Send one JSON object in UTF-8, or no body at all.",
    )


def wrong_argument(field: str, why: str, allowed: str) -> Problem:
    return Problem(
        title="Wrong argument",
        status=422,
        code="wrong_argument",
        field=field,
        detail=f"{why}.",
        fix=f"The arguments of this command are {allowed}.",
    )


# ----------------------------------------------------------------------------------- the engine
def refused(words: str) -> Problem:
    return Problem(
        title="Refused by the engine",
        status=409,
        code="refused",
        detail=words,
        fix="Look at the engine's state and notices, then try again.",
    )


def not_ready(why: list[str]) -> Problem:
    return Problem(
        title="Not ready to trade",
        status=503,
        code="not_ready",
        detail="; ".join(why),
        fix="Nothing is wrong with the request. /healthz says whether the engine lives, /api/status what it does.",
    )


def internal() -> Problem:
    return Problem(
        title="Error of the engine",
        status=500,
        code="internal",
        detail="The request failed inside the engine; its log says why. Trading is not affected.",
        fix="Try again; when it stays, report it with the log.",
    )
