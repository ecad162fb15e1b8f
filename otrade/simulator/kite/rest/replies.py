"""Answers as Kite writes them: an envelope around the data, and errors with Kite's words."""

from typing import Any

import orjson

from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.net.http_server import HttpReply

ERROR_TYPES = {
    "input": "InputException",
    "order": "OrderException",
    "margin": "MarginException",
    "token": "TokenException",
    "network": "NetworkException",
    "general": "GeneralException",
}


def error_type(error: RequestRefused) -> str:
    """Kite's word for the kind; one that is none of the model's is Kite's already."""
    return ERROR_TYPES.get(error.kind, error.kind)


def bad_token(message: str = "Incorrect `api_key` or `access_token`.") -> RequestRefused:
    return RequestRefused(403, "token", message)


def json_reply(data: Any) -> HttpReply:
    return HttpReply(200, orjson.dumps({"status": "success", "data": data}))


def error_reply(error: RequestRefused) -> HttpReply:
    body = {
        "status": "error",
        "message": error.message,
        "error_type": error_type(error),
        "data": None,
    }
    return HttpReply(error.status, orjson.dumps(body))
