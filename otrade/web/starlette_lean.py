"""Starlette without what only its debug pages and its client side use. To be imported before any other part of it."""

from http import HTTPStatus
from typing import Any

from otrade.lean import without

UNUSED: dict[str, dict[str, Any]] = {
    "html": {},
    "http.client": {"responses": {status.value: status.phrase for status in HTTPStatus}},
}

with without(UNUSED):
    import starlette.applications
    from starlette.responses import Response

__all__ = ["Response", "starlette"]
