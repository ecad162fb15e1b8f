"""Recovery codes: ten a person, each good once, in the place of the authenticator's code. They are
shown when they are made and kept as SHA-256: a code is 80 random bits, nothing can be tried.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence

CODES = 10
LETTERS = 16
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 of them; none that a person takes for another."""


def new_codes() -> tuple[list[str], tuple[str, ...]]:
    """What is shown once, and what is kept."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LETTERS)) for _ in range(CODES)]
    shown = ["-".join(code[at : at + 4] for at in range(0, LETTERS, 4)) for code in codes]
    return shown, tuple(_sha256(code) for code in codes)


def find_code(kept: Sequence[str], given: str) -> str:
    """Which of the kept ones a person has typed, however spaced; empty when none."""
    code = "".join(letter for letter in given.upper() if letter.isalnum())
    if len(code) != LETTERS:
        return ""
    digest, found = _sha256(code), ""
    for one in kept:
        if hmac.compare_digest(one, digest):
            found = one
    return found


def _sha256(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
