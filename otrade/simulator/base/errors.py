"""Why a request is refused, in no broker's spelling. Each broker's servers write it in their own."""

from typing import Literal

Kind = Literal["input", "order", "margin", "token", "network", "general"]
"""What was wrong: a parameter, the order's state or rules, money, the login, the way, or the rest."""


class RequestRefused(Exception):
    """One refused request."""

    def __init__(self, status: int, kind: Kind | str, message: str, what: str = "") -> None:
        """`status` is HTTP's. `kind` may also be a broker's own word, which is written as it is.
        `what`: which part of the request was refused; may be empty.
        """
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.what = what


def bad_input(message: str, what: str = "") -> RequestRefused:
    return RequestRefused(400, "input", message, what)


def bad_order(message: str, what: str = "") -> RequestRefused:
    return RequestRefused(400, "order", message, what)


def no_margin(message: str) -> RequestRefused:
    return RequestRefused(400, "margin", message, "margin")


def too_many(message: str = "Too many requests") -> RequestRefused:
    return RequestRefused(429, "network", message)


def not_found(message: str = "Route not found") -> RequestRefused:
    return RequestRefused(404, "general", message)
