"""Starlette without what only its debug pages and its client side use. To be imported before any
other part of it.
"""

import typing
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from otrade.lean import without


def _type_variable(name: str, *_: Any, **__: Any) -> Any:
    return typing.TypeVar(name)


def _deprecated(*_: Any, **__: Any) -> Callable[[Any], Any]:
    return lambda what: what


UNUSED: dict[str, dict[str, Any]] = {
    "html": {},
    "http.client": {"responses": {status.value: status.phrase for status in HTTPStatus}},
    # Annotations that a later Python has of its own. Nothing runs by them.
    "typing_extensions": {
        "TypeIs": typing.TypeGuard,
        "TypeVar": _type_variable,
        "deprecated": _deprecated,
        "Self": typing.Self,
        "TypeVarTuple": typing.TypeVarTuple,
        "Unpack": typing.Unpack,
    },
}

with without(UNUSED):
    import starlette.applications
    from starlette.responses import Response

__all__ = ["Response", "starlette"]
