"""What Upstox answers instead of a result: HTTP status, a UDAPI code, and the field that is meant."""

from typing import Any

import orjson

from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.net.http_server import HttpReply

BAD_INPUT = "UDAPI100036"
BAD_TOKEN = "UDAPI100050"
BAD_KEY = "UDAPI100011"
NO_ORDER = "UDAPI100010"
NO_ROUTE = "UDAPI10000"
SERVER = "UDAPI100500"
STATIC_IP = "UDAPI1154"
TOO_MANY = "UDAPI10005"

# what the model refused -> (code, field)
_OF_WHAT: dict[str, tuple[str, str | None]] = {
    "instrument": (BAD_KEY, "instrument_token"),
    "order_type": ("UDAPI1056", "order_type"),
    "validity": ("UDAPI1055", "validity"),
    "no_quantity": ("UDAPI1052", "quantity"),
    "quantity": (BAD_INPUT, "quantity"),
    "disclosed": ("UDAPI1039", "disclosed_quantity"),
    "no_protection": ("UDAPI1158", "market_protection"),
    "protection": ("UDAPI1177", "market_protection"),
    "price": ("UDAPI1029", "price"),
    "trigger": ("UDAPI1036", "trigger_price"),
    "product": (BAD_INPUT, "product"),
    "slices": ("UDAPI1118", "quantity"),
    "order": (NO_ORDER, "order_id"),
    "final_cancelled": ("UDAPI100040", "order_id"),
    "final_modified": ("UDAPI100041", "order_id"),
    "closed": ("UDAPI100074", None),
}
_OF_STATUS = {401: BAD_TOKEN, 403: STATIC_IP, 404: NO_ROUTE, 405: NO_ROUTE, 429: TOO_MANY}


class UpstoxError(RequestRefused):
    """One refused request, in Upstox's words."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        path: str | None = None,
        value: Any = None,
    ) -> None:
        """`path` names the field that is wrong, `value` is what it held."""
        super().__init__(status, code, message)
        self.path = path
        self.value = value


def translated(error: RequestRefused) -> UpstoxError:
    """The model's refusal as Upstox would put it. A kind that is a UDAPI code is taken as it is."""
    if isinstance(error, UpstoxError):
        return error
    if error.kind.startswith("UDAPI"):
        return UpstoxError(error.kind, error.message, status=error.status)
    if error.kind == "token":
        return bad_token()
    if error.what in _OF_WHAT:
        code, path = _OF_WHAT[error.what]
        return UpstoxError(code, error.message, status=error.status, path=path)
    fallback = SERVER if error.status >= 500 else BAD_INPUT
    return UpstoxError(_OF_STATUS.get(error.status, fallback), error.message, status=error.status)


def row(error: RequestRefused) -> dict[str, Any]:
    """One element of `errors`, under both spellings of its keys."""
    wrong = translated(error)
    return {
        "errorCode": wrong.kind,
        "message": wrong.message,
        "propertyPath": wrong.path,
        "invalidValue": wrong.value,
        "error_code": wrong.kind,
        "property_path": wrong.path,
        "invalid_value": wrong.value,
    }


def error_reply(error: RequestRefused) -> HttpReply:
    """The answer to a refused request."""
    wrong = translated(error)
    return HttpReply(wrong.status, orjson.dumps({"status": "error", "errors": [row(wrong)]}))


def bad_field(path: str, message: str, code: str = BAD_INPUT, value: Any = None) -> UpstoxError:
    return UpstoxError(code, message, path=path, value=value)


def bad_key(key: str, path: str = "instrument_key") -> UpstoxError:
    return UpstoxError(BAD_KEY, "Invalid Instrument key", path=path, value=key)


def bad_token() -> UpstoxError:
    return UpstoxError(BAD_TOKEN, "Invalid token used to access API", status=401)


def too_many() -> UpstoxError:
    return UpstoxError(TOO_MANY, "Too Many Request Sent", status=429)
