"""What the broker answers instead of a result: HTTP status, error type and message, as Kite spells
them. Another broker's face goes by `what`.
"""


class KiteError(Exception):
    """One refused request."""

    def __init__(self, status: int, error_type: str, message: str, what: str = "") -> None:
        """`what`: a word of the model for what was refused, in no broker's spelling; may be empty."""
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message
        self.what = what


def bad_input(message: str, what: str = "") -> KiteError:
    return KiteError(400, "InputException", message, what)


def bad_order(message: str, what: str = "") -> KiteError:
    return KiteError(400, "OrderException", message, what)


def no_margin(message: str) -> KiteError:
    return KiteError(400, "MarginException", message, "margin")


def bad_token(message: str = "Incorrect `api_key` or `access_token`.") -> KiteError:
    return KiteError(403, "TokenException", message)


def too_many(message: str = "Too many requests") -> KiteError:
    return KiteError(429, "NetworkException", message)


def not_found(message: str = "Route not found") -> KiteError:
    return KiteError(404, "GeneralException", message)
