"""The API as an OpenAPI 3.1 document, made from the table of routes and the types of the contract;
nothing of it is written by hand.

    python -m otrade.web.rest.openapi        # prints it

`/api/v1/openapi.json` serves it, `/api/v1/docs` shows it.
"""

import functools
import sys
from typing import Any

import msgspec

from otrade import __version__
from otrade.contract import views
from otrade.contract.messages import KEY_PATTERN
from otrade.web.http.routes import QUERIES, RESULTS, ROUTES, SOCKET_PATH, ApiRoute
from otrade.web.rest.command_expiry import COMMAND_LIFE_S, ISSUED_HEADER

REF = "#/components/schemas/{name}"
PROBLEM = {
    "content": {"application/problem+json": {"schema": {"$ref": REF.format(name="Problem")}}}
}
STATUSES = {
    "400": "the body is no JSON, or too deep; a command without a key",
    "401": "nobody is known by what the request shows",
    "403": "known, but not allowed; or another page asks",
    "404": "there is no such thing",
    "408": "the body did not come in time",
    "409": "the engine refuses, in words; or the key is used up, or the command has expired",
    "413": "the body is too large",
    "415": "the body is not declared as JSON",
    "422": "a parameter or an argument is wrong",
    "429": "too many attempts",
    "500": "a fault of the engine; its log says more",
    "503": "nobody can log in: the file of passwords cannot be used; or not ready; or the engine does not answer",
}
ABOUT = """What the page and the command line use. Prices are ten-thousandths of a rupee (`_e4`), moments are milliseconds of the engine's
clock (`ts_*_ms`), quantities are units. A script sends `Authorization: Bearer TOKEN` with a token of `otrade token new`. The page has a
session: a cookie, and for every change the session's CSRF token in `X-CSRF-Token`. A command carries an `Idempotency-Key`: the same key
again gets the first answer and does nothing. It may say when it was given (`Issued-At`): one that comes late is refused."""


@functools.cache
def document_bytes() -> bytes:
    """The document as JSON."""
    return msgspec.json.encode(document())


def document() -> dict[str, Any]:
    """The whole document."""
    kinds = [
        kind for route in ROUTES for kind in (route.response, route.request) if kind is not None
    ]
    kinds += [views.Problem, views.ServerMessage, views.ClientMessage]
    shapes, components = msgspec.json.schema_components(kinds, ref_template=REF)
    shape_of = {id(kind): shape for kind, shape in zip(kinds, shapes, strict=True)}
    paths: dict[str, Any] = {}
    for route in ROUTES:
        operation = _operation(route, shape_of)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
        if route.former_path:
            former = {
                "operationId": f"{route.name}_former",
                "deprecated": True,
                "summary": f"Renamed: {route.path}",
            }
            paths[route.former_path] = {route.method.lower(): operation | former}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OTrade",
            "version": __version__,
            "description": ABOUT.replace("\n", " "),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "x-websocket": {
            "path": SOCKET_PATH,
            "scope": "read",
            "summary": "Everything first, then what changes; numbered, and a gap asks for a resync",
            "server": shape_of[id(views.ServerMessage)],
            "client": shape_of[id(views.ClientMessage)],
        },
        "components": {
            "schemas": components,
            "responses": {
                f"Problem{status}": {**PROBLEM, "description": words}
                for status, words in STATUSES.items()
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "of `otrade token new`, with scopes read, trade, admin",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "otrade_8000",
                    "description": "ends in the port; under TLS it begins with __Host-",
                },
                "csrf": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-CSRF-Token",
                    "description": "of the answer to the login",
                },
            },
        },
    }


def _operation(route: ApiRoute, shape_of: dict[int, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [_tag(route)],
        "summary": route.summary,
        "x-scope": route.scope,
        "security": _security(route),
        "responses": {
            "200": {
                "description": "done",
                "content": {route.media_type: {"schema": shape_of[id(route.response)]}},
            },
            **{
                status: {"$ref": f"#/components/responses/Problem{status}"}
                for status in _statuses(route)
            },
        },
    }
    parameters = _parameters(route)
    if parameters:
        operation["parameters"] = parameters
    if route.request is not None:
        needs_body = any(field.required for field in msgspec.structs.fields(route.request))
        operation["requestBody"] = {
            "required": needs_body,
            "content": {"application/json": {"schema": shape_of[id(route.request)]}},
        }
    return operation


def _tag(route: ApiRoute) -> str:
    if route.command is not None:
        return "commands"
    if route.scope == "public" or route.session_only:
        return "sessions and tools"
    return "data"


def _security(route: ApiRoute) -> list[dict[str, list[str]]]:
    if route.scope == "public":
        return []
    session: dict[str, list[str]] = (
        {"session": [], "csrf": []} if route.needs_csrf else {"session": []}
    )
    return [session] if route.session_only else [{"token": []}, session]


def _parameters(route: ApiRoute) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    if route.query is not None:
        (_,), components = msgspec.json.schema_components([route.query], ref_template=REF)
        for field in msgspec.structs.fields(route.query):
            shape = components[route.query.__name__]["properties"][field.encode_name]
            parameters.append(
                {
                    "name": field.encode_name,
                    "in": "query",
                    "required": field.required,
                    "schema": shape,
                }
            )
    if route.command is not None:
        shape = {"type": "string", "pattern": f"^{KEY_PATTERN}$"}
        words = "a random UUID for example; the same key again gets the first answer"
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": shape,
                "description": words,
            }
        )
        moment = {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}
        told = f"UNIX milliseconds: when it was given. After {COMMAND_LIFE_S:.0f} s it is void, a kill excepted; without this it never is"
        parameters.append(
            {
                "name": ISSUED_HEADER,
                "in": "header",
                "required": False,
                "schema": moment,
                "description": told,
            }
        )
    return parameters


def _statuses(route: ApiRoute) -> list[str]:
    found = {"403", "422", "500"}
    if route.scope != "public":
        found |= {"401", "503"}
    if route.request is not None:
        found |= {"400", "408", "413", "415"}
    if route.command is not None or route.name in (
        "accounts",
        "preflight",
        *(query.name for query in (*QUERIES, *RESULTS)),
    ):
        found |= {"409"}
    if route.command in ("flatten", "take-over") or route.name in ("candles", "end-session"):
        found |= {"404"}
    if route.command is not None or route.name == "configure":
        found |= {"429"}
    if route.name in ("login", "setup", "password"):
        found |= {"401", "409", "429", "503"}
    if route.name in ("session", "ready"):
        found |= {"401", "503"}
    return sorted(found)


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.format(document_bytes(), indent=2).decode() + "\n")
