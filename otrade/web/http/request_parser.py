"""What a request brings, checked against the types of its route: the query string and the JSON
body.

Nothing is ignored: an unknown name, a name given twice, a wrong type or a number out of range is a
problem that names the field and what is allowed.
"""

import asyncio
import functools
import operator
import re
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta
from starlette.requests import ClientDisconnect, Request

from otrade.contract.views import Row
from otrade.web.http import problems
from otrade.web.http.problems import ProblemError

JSON_DEPTH_MAX = 32
BODY_WITHIN_S = 10.0

_INTEGER = re.compile(r"-?[0-9]{1,16}", re.ASCII)
_ERROR_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_NAMED_FIELD = re.compile(r"(?:unknown|required) field `(?P<name>[^`]*)`")
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


# -------------------------------------------------------------------------------------------- query
def query_of(request: Request, kind: type[Row] | None) -> Row | None:
    """The query string as a `kind`; without a kind whatever is there is refused."""
    fields = (
        {} if kind is None else {field.encode_name: field for field in msgspec.structs.fields(kind)}
    )
    values: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        if name not in fields:
            raise ProblemError(problems.unknown_parameter(name, ", ".join(fields)))
        if name in values:
            raise ProblemError(
                problems.wrong_parameter(name, "given twice", allowed(fields[name].type))
            )
        values[name] = _number(text) if _is_integer(fields[name].type) else text
        if values[name] is None:
            raise ProblemError(problems.wrong_parameter(name, text, allowed(fields[name].type)))
    if kind is None:
        return None
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        name = _where(str(error))[0]
        found = request.query_params.get(name)
        raise ProblemError(
            problems.wrong_parameter(name, found, allowed(fields[name].type))
        ) from None


def _number(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _is_integer(kind: Any) -> bool:
    base = _unwrapped(kind)
    return base is int or (
        get_origin(base) is Literal and all(isinstance(word, int) for word in get_args(base))
    )


def _unwrapped(kind: Any) -> Any:
    """Without Annotated, and without "or null"."""
    if get_origin(kind) is Annotated:
        return _unwrapped(get_args(kind)[0])
    if type(None) in get_args(kind):
        return _unwrapped(_without_null(kind))
    return kind


# --------------------------------------------------------------------------------------------- body
async def body_of(request: Request, kind: type[Row], bytes_max: int) -> Row:
    """The JSON body as a `kind`. An empty body is an empty object, if the kind can be made of that."""
    body = await _read(request, bytes_max)
    if not body:
        body = b"{}"
    else:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise ProblemError(problems.not_json(media_type))
        if is_too_deep(body):
            raise ProblemError(problems.too_deep(JSON_DEPTH_MAX))
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        field, why = _where(str(error))
        raise ProblemError(problems.wrong_argument(field, why, arguments(kind))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError(problems.broken_json(str(error))) from None
    except RecursionError:
        raise ProblemError(problems.too_deep(JSON_DEPTH_MAX)) from None


async def _read(request: Request, bytes_max: int) -> bytes:
    """The whole body, never more than `bytes_max` of it in memory, and not for ever."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > bytes_max:
                    raise ProblemError(problems.body_too_large(bytes_max))
    except TimeoutError:
        raise ProblemError(problems.body_too_slow(BODY_WITHIN_S)) from None
    except ClientDisconnect:
        raise ProblemError(problems.body_cut()) from None
    return bytes(body)


def is_too_deep(body: bytes) -> bool:
    """Whether arrays and objects are nested more than `JSON_DEPTH_MAX` deep. Brackets in strings do
    not count.
    """
    if body.count(b"[") + body.count(b"{") <= JSON_DEPTH_MAX:
        return False
    depth = 0
    for found in _BRACKETS.finditer(body):
        if found[0] in (b"[", b"{"):
            depth += 1
            if depth > JSON_DEPTH_MAX:
                return True
        elif found[0] in (b"]", b"}"):
            depth -= 1
    return False


def _where(message: str) -> tuple[str, str]:
    """The field that msgspec complains about, and the complaint without its address."""
    why = _ERROR_PATH.sub("", message)
    at = _ERROR_PATH.search(message)
    path = at["path"] if at else ""
    named = _NAMED_FIELD.search(why)
    if named:
        return ".".join(part for part in (path, named["name"]) if part), why
    return path or "body", why


# -------------------------------------------------------------------------------------------- words
def arguments(kind: type[Row]) -> str:
    """All fields of a body, with what each may be."""
    return (
        ", ".join(
            f"{field.encode_name} ({allowed(field.type)})" for field in msgspec.structs.fields(kind)
        )
        or "none"
    )


def allowed(kind: Any) -> str:
    """What a field may be, in words."""
    if get_origin(kind) is Annotated:
        base, *metas = get_args(kind)
        meta = next((meta for meta in metas if isinstance(meta, Meta)), Meta())
        return allowed(base) + _bounds(meta)
    if type(None) in get_args(kind):
        return allowed(_without_null(kind)) + " or null"
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return words.get(kind, "a JSON value")


def _without_null(kind: Any) -> Any:
    return functools.reduce(operator.or_, [arg for arg in get_args(kind) if arg is not type(None)])


def _bounds(meta: Meta) -> str:
    if meta.description:
        return f": {meta.description}"
    if meta.ge is not None and meta.le is not None:
        return f" from {meta.ge} to {meta.le}"
    if meta.min_length is not None and meta.max_length is not None:
        return f" of {meta.min_length} to {meta.max_length} characters"
    return f" of at most {meta.max_length} characters" if meta.max_length is not None else ""
