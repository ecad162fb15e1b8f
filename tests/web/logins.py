"""Logging in, for tests: users whose passwords are known, a login, fresh keys."""

import functools
import itertools
from pathlib import Path

from argon2 import PasswordHasher
from starlette.testclient import TestClient

from otrade.web.auth.users import User, UsersFile

TOKEN = "t" * 43
BASE_URL = "http://127.0.0.1:8500"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
COOKIE = "otrade_8500"

PASSWORD = "four wooden ships"
TOTP_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""RFC 6238's: the twenty bytes 12345678901234567890."""
USERS = {"trader": "trader", "viewer": "viewer", "careful": "trader"}

_keys = itertools.count()


class Time:
    """A clock that a test moves."""

    def __init__(self, s: float = 1_756_698_300.0) -> None:
        self.s = s

    def __call__(self) -> float:
        return self.s


@functools.cache
def password_hash() -> str:
    """Cheaply made: what is costly about a real one is tested where it is made."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def write_users(directory: Path) -> UsersFile:
    """`USERS`, all with `PASSWORD`; the careful one has an authenticator too."""
    file = UsersFile(directory)
    for name, role in USERS.items():
        user = User(name, role, password_hash(), TOTP_SECRET if name == "careful" else "")
        file.change(lambda users, user=user: users.with_user(user))
    return file


def key() -> dict[str, str]:
    """A key that no other command has."""
    return {"Idempotency-Key": f"test-key-{next(_keys)}"}


def log_in(client: TestClient, name: str = "trader", **more: str) -> dict[str, str]:
    """Log in; the client keeps the cookie. Returns the headers with which a page changes something."""
    response = client.post(
        "/api/v1/login",
        json={"name": name, "password": PASSWORD, **more},
        headers={"Origin": BASE_URL},
    )
    assert response.status_code == 200, response.text
    return {"Origin": BASE_URL, "X-CSRF-Token": response.json()["csrf"]}
