"""The one door through which trouble enters: rules that answer in the place of the broker, and
extra delay.

The REST server asks `take` for every request before it looks at it, and adds `delay_ns` to each
answer.
"""

from dataclasses import dataclass, field

from .errors import KiteError


@dataclass(slots=True)
class Rule:
    """Answer the next `count` matching requests with this error."""

    error: KiteError
    count: int = 1
    method: str = ""
    path_prefix: str = ""


@dataclass(slots=True)
class Faults:
    """What shall go wrong. Empty by default."""

    rules: list[Rule] = field(default_factory=list)
    delay_ns: int = 0
    """Added to every answer."""

    def fail_next(
        self,
        status: int,
        error_type: str,
        message: str,
        *,
        count: int = 1,
        method: str = "",
        path_prefix: str = "",
    ) -> None:
        """The next `count` requests with that method and path are refused like this."""
        self.rules.append(Rule(KiteError(status, error_type, message), count, method, path_prefix))

    def take(self, method: str, path: str) -> KiteError | None:
        """The error for this request, None to serve it."""
        for rule in self.rules:
            if (not rule.method or rule.method == method) and path.startswith(rule.path_prefix):
                rule.count -= 1
                if rule.count <= 0:
                    self.rules.remove(rule)
                return rule.error
        return None
