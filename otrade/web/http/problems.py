"""Errors as the web layer tells them: problem details (RFC 9457) that name field and fix."""

import msgspec
from starlette.responses import Response

from otrade.contract.views import Problem

PROBLEM_JSON = "application/problem+json"


class ProblemError(Exception):
    """Raised by a route; the application turns it into its response."""

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.headers = headers


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
        title="Not this engine's name",
        status=403,
        code="foreign_host",
        field="Host",
        detail=f"The request was made to {host!r}, which is neither this computer's loopback nor in web.names.",
        fix="Open the page as http://127.0.0.1:PORT/ or http://localhost:PORT/, or by a name of web.names.",
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
        title="Token wrong or expired",
        status=401,
        code="wrong_token",
        field="Authorization",
        detail="There is no such token, or it has expired or was revoked.",
        fix="Send 'Authorization: Bearer TOKEN' with a token of `otrade token new`.",
    )


def not_logged_in() -> Problem:
    return Problem(
        title="Not logged in",
        status=401,
        code="not_signed_in",
        detail="This needs a session or a token, and the request shows none that is open.",
        fix="Log in on the page. A program sends 'Authorization: Bearer TOKEN' with a token of `otrade token new`.",
    )


def wrong_csrf() -> Problem:
    return Problem(
        title="CSRF token missing or wrong",
        status=403,
        code="wrong_csrf",
        field="X-CSRF-Token",
        detail="A change that is asked for with a session's cookie needs that session's CSRF token.",
        fix="Log in again on the page.",
    )


def no_right(right: str) -> Problem:
    return Problem(
        title="Not allowed",
        status=403,
        code="no_right",
        detail=f"This needs the right {right!r}, which you do not have.",
        fix="Log in as a trader, or use a token with that scope.",
    )


def session_only() -> Problem:
    return Problem(
        title="For people only",
        status=403,
        code="only_person",
        detail="This belongs to a session; a token has none.",
        fix="Log in on the page.",
    )


def wrong_login() -> Problem:
    return Problem(
        title="Not logged in",
        status=401,
        code="wrong_login",
        field="password",
        detail="Name, password or code is wrong.",
        fix="Try again; `otrade password` on the engine's machine sets a new password.",
    )


def wrong_own_password(field: str) -> Problem:
    return Problem(
        title="Wrong password",
        status=403,
        code="wrong_old_password",
        field=field,
        detail="The present password is wrong.",
        fix="Try again; `otrade password` on the engine's machine sets a new one without it.",
    )


def weak_password(field: str, why: str) -> Problem:
    return Problem(
        title="Password too weak",
        status=422,
        code="weak_password",
        field=field,
        detail=f"It will not do: {why}.",
        fix="Choose a longer one, of several words for example.",
    )


def wrong_code() -> Problem:
    return Problem(
        title="Wrong code",
        status=401,
        code="wrong_code",
        field="code",
        detail="That is not the one-time code that the engine's terminal shows, or it is too old.",
        fix="Take the code from the terminal, or set a password with `otrade password` on the engine's machine.",
    )


def not_first_run() -> Problem:
    return Problem(
        title="A password is set already",
        status=409,
        code="not_first_run",
        detail="Somebody has a password already: the one-time code is void.",
        fix="Log in; `otrade password` on the engine's machine sets a new password.",
    )


def too_many_attempts(wait_s: float) -> Problem:
    return Problem(
        title="Too many attempts",
        status=429,
        code="too_many_attempts",
        detail=f"There were too many attempts to log in. The next one may begin in {int(wait_s) + 1} s.",
        fix="Wait. The engine can be halted without the page: `otrade kill`.",
    )


def too_many_commands(wait_s: float) -> Problem:
    return Problem(
        title="Too many commands",
        status=429,
        code="too_many_commands",
        detail=f"There were too many commands of yours. The next one may come in {int(wait_s) + 1} s.",
        fix="Wait. Kill, flatten, stop-entries and pause are taken however many came before.",
    )


def unknown_session(id: str) -> Problem:
    return Problem(
        title="No such session",
        status=404,
        code="unknown_session",
        field="id",
        detail=f"No session {id} of yours is open.",
        fix="Ask /api/v1/sessions which there are: it may have ended by itself.",
    )


def users_unreadable() -> Problem:
    return Problem(
        title="Nobody can log in",
        status=503,
        code="no_people",
        detail="The file of passwords cannot be used.",
        fix="The engine's log says why, and so does `otrade password --list` on its machine. `otrade kill` works without it.",
    )


# ------------------------------------------------------------------------------ commands twice
def wrong_key(found: str | None) -> Problem:
    return Problem(
        title="No idempotency key",
        status=400,
        code="wrong_key",
        field="Idempotency-Key",
        detail="A command needs a key of its own, so that sending it twice does not do it twice; "
        + ("there is none." if found is None else "this is none."),
        fix="Send 'Idempotency-Key' with 8 to 128 visible ASCII characters, a random UUID for example.",
    )


def foreign_key() -> Problem:
    return Problem(
        title="Another's key",
        status=403,
        code="foreign_key",
        field="Idempotency-Key",
        detail="Somebody else has used that key.",
        fix="Send a key of your own, a random UUID for example.",
    )


def reused_key() -> Problem:
    return Problem(
        title="Key used for something else",
        status=409,
        code="reused_key",
        field="Idempotency-Key",
        detail="That key came with another command, or with other arguments.",
        fix="Send a new key with each command.",
    )


def expired_key(kept_s: float) -> Problem:
    return Problem(
        title="Key used up",
        status=409,
        code="expired_key",
        field="Idempotency-Key",
        detail=f"A command with that key was begun before; its result is not known, or older than {kept_s:.0f} s. Nothing was done now.",
        fix="Look at the engine's state; if it is still wanted, give the command again with a new key.",
    )


# ------------------------------------------------------------------------------- commands late
def wrong_moment(found: str) -> Problem:
    return Problem(
        title="Not a moment",
        status=422,
        code="wrong_moment",
        field="Issued-At",
        detail=f"{found[:40]!r} is no moment at which a command can have been given. Nothing was done.",
        fix="Send UNIX milliseconds, or leave the header out.",
    )


def wrong_clock(ahead_s: float) -> Problem:
    return Problem(
        title="Two clocks differ",
        status=409,
        code="wrong_clock",
        field="Issued-At",
        detail=f"By the engine's clock it will be given in {ahead_s:.0f} s: one of the two clocks is wrong. Nothing was done.",
        fix="Set the clock, or leave the header out.",
    )


def expired_command(age_s: float, life_s: float) -> Problem:
    return Problem(
        title="Command expired",
        status=409,
        code="expired_command",
        field="Issued-At",
        detail=f"It was given {age_s:.0f} s ago and came only now; after {life_s:.0f} s a command is void. Nothing was done.",
        fix="Look at the engine's state; if it is still wanted, give the command again.",
    )


# -------------------------------------------------------------------------------- what is asked
def unknown_route(path: str) -> Problem:
    return Problem(
        title="Nothing here",
        status=404,
        code="unknown_route",
        field="path",
        detail=f"There is nothing at {path[:200]!r}.",
        fix="Open / for the page; /api/v1/docs tells what there is.",
    )


def wrong_method(method: str, path: str) -> Problem:
    return Problem(
        title="Method not allowed",
        status=405,
        code="wrong_method",
        field="method",
        detail=f"{method[:20]} is not possible at {path[:200]!r}.",
        fix="Data is read with GET; commands are given with POST /api/v1/commands/NAME.",
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


def bad_request() -> Problem:
    return Problem(
        title="Not HTTP",
        status=400,
        code="bad_request",
        detail="What came is no HTTP/1.1 request.",
        fix="Speak HTTP/1.1; https:// where the page is served by TLS.",
    )


def head_too_large(limit_bytes: int) -> Problem:
    return Problem(
        title="Headers too large",
        status=431,
        code="head_too_large",
        field="headers",
        detail=f"Address and headers are larger than {limit_bytes} bytes.",
        fix="Send fewer and shorter ones; clear this host's cookies.",
    )


def head_too_slow(within_s: float) -> Problem:
    return Problem(
        title="Headers too slow",
        status=408,
        code="head_too_slow",
        field="headers",
        detail=f"No request came within {within_s:.0f} s.",
        fix="Send it at once.",
    )


def body_cut() -> Problem:
    """Nobody is there to read it; the record of what strangers try has it."""
    return Problem(
        title="Body cut off",
        status=400,
        code="body_cut",
        field="body",
        detail="The connection ended before the body did.",
        fix="Send it again.",
    )


def no_length() -> Problem:
    return Problem(
        title="Length required",
        status=411,
        code="no_length",
        field="Content-Length",
        detail="The body comes in chunks and does not say how long it is.",
        fix="Send Content-Length, without Transfer-Encoding.",
    )


def too_busy() -> Problem:
    return Problem(
        title="Too many connections",
        status=503,
        code="too_busy",
        detail="The page serves as many connections as it may.",
        fix="Close some, or wait. The engine can be halted without the page: `otrade kill`.",
    )


def unknown_parameter(name: str, known: str) -> Problem:
    return Problem(
        title="Unknown parameter",
        status=422,
        code="wrong_parameter",
        field=name[:80],
        detail=f"There is no parameter {name[:80]!r} here.",
        fix=f"Leave it out. Parameters are {known}."
        if known
        else "Leave it out: there are no parameters here.",
    )


def unknown_instrument(instrument_id: int) -> Problem:
    return Problem(
        title="Unknown instrument",
        status=404,
        code="unknown_instrument",
        field="instrument_id",
        detail=f"There is no instrument {instrument_id}.",
        fix="Take an id from /api/v1/instruments.",
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
        fix="Send only the arguments.",
    )


def body_too_slow(within_s: float) -> Problem:
    return Problem(
        title="Body too slow",
        status=408,
        code="body_too_slow",
        field="body",
        detail=f"The body did not come within {within_s:.0f} s.",
        fix="Send it at once.",
    )


def too_deep(depth: int) -> Problem:
    return Problem(
        title="JSON too deep",
        status=400,
        code="too_deep",
        field="body",
        detail=f"The body's arrays and objects are nested more than {depth} deep.",
        fix="Send only the arguments.",
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
        fix=f"The arguments are {allowed}.",
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
        fix="Nothing is wrong with the request. /healthz says whether the engine lives, /api/v1/status what it does.",
    )


def engine_gone(words: str) -> Problem:
    return Problem(
        title="The engine does not answer",
        status=503,
        code="engine_gone",
        detail=words,
        fix="Look whether it runs: `otrade status`. Without it nothing is traded; stops that rest at the exchange stay there.",
    )


def failed_in_engine() -> Problem:
    return Problem(
        title="Error of the engine",
        status=500,
        code="internal",
        detail="The command failed inside the engine; its log says why. What came of it is not known.",
        fix="Look at the engine's state; if it is still wanted, give the command again with a new key.",
    )


def internal() -> Problem:
    return Problem(
        title="Error of the server",
        status=500,
        code="internal",
        detail="The request failed inside the page's server; its log says why. Trading is not affected.",
        fix="Try again; when it stays, report it with the log.",
    )
