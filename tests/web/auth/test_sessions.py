"""Sessions, passwords and one-time codes by themselves. Time is a number that the test moves."""

import pytest

from otrade.web.auth.common_passwords import WORDS, is_common
from otrade.web.auth.passwords import (
    NOBODYS,
    Codes,
    hashed,
    is_password,
    new_totp_secret,
    totp_address,
    totp_step,
    weakness,
)
from otrade.web.auth.sessions import SESSIONS_MAX, UserSessions
from otrade.web.auth.users import User
from tests.web.logins import TOTP_SECRET, Time

PERSON = User("anand", "trader", "hash")
OTHER = User("meera", "viewer", "hash")


def sessions(time: Time, life_s: float = 1000, idle_s: float = 100) -> UserSessions:
    return UserSessions(life_s=life_s, idle_s=idle_s, now_s=time)


# ------------------------------------------------------------------------------------------
# sessions
def test_a_session_is_found_by_its_cookie_alone() -> None:
    held = sessions(Time())
    cookie, session = held.begin(PERSON)
    assert held.find(cookie) is session
    assert held.find(cookie + "x") is None and held.find("") is None
    assert cookie not in repr(held.__dict__), "only its hash is kept"
    assert session.csrf not in repr(session) and session.csrf != cookie and len(cookie) >= 43


def test_silence_ends_it_and_being_heard_does_not() -> None:
    time = Time()
    held = sessions(time)
    cookie, session = held.begin(PERSON)
    for _ in range(5):
        time.s += 99
        assert held.find(cookie) is session
    time.s += 101
    assert held.find(cookie) is None and len(held) == 0


def test_its_life_is_bounded_however_busy_it_is() -> None:
    time = Time()
    held = sessions(time)
    cookie, session = held.begin(PERSON)
    for _ in range(999):
        time.s += 1
        assert held.keep(session)
    assert held.ends_in_s(session) == 1
    time.s += 1
    assert not held.keep(session) and held.find(cookie) is None


def test_every_login_is_another_session() -> None:
    held = sessions(Time())
    cookies = {held.begin(PERSON)[0] for _ in range(10)}
    assert len(cookies) == len(held) == 10


def test_ends() -> None:
    held = sessions(Time())
    (mine, first), (other, _), (third, _) = (
        held.begin(PERSON),
        held.begin(OTHER),
        held.begin(PERSON),
    )
    held.end(first)
    assert held.find(mine) is None and held.find(third) is not None
    held.end_of("anand")
    assert held.find(third) is None and held.find(other) is not None


def test_the_most_silent_makes_room() -> None:
    time = Time()
    held = sessions(time)
    cookies = []
    for _ in range(SESSIONS_MAX):
        cookies.append(held.begin(PERSON)[0])
        time.s += 0.1
    held.find(cookies[0])
    held.begin(PERSON)
    assert len(held) == SESSIONS_MAX
    assert held.find(cookies[0]) is not None and held.find(cookies[1]) is None


def test_passwords_are_argon2id_with_the_advised_cost() -> None:
    hash = hashed("four wooden ships")
    assert hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hash != hashed("four wooden ships"), "salted"
    assert is_password(hash, "four wooden ships") and not is_password(hash, "four wooden shipS")
    assert NOBODYS.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and not is_password(NOBODYS, "")


@pytest.mark.parametrize("hash", ["", "x", "$argon2id$", "four wooden ships"])
def test_what_is_no_hash_fits_nothing(hash: str) -> None:
    assert not is_password(hash, hash) and not is_password(hash, "")


@pytest.mark.parametrize(
    ("password", "is_good"),
    [("four wooden ships", True), ("0123456789", False), ("short", False), ("x" * 257, False), ("aaaaaaaaaaaa", False),
     ("abcabcabcabc", False), ("anandkumar", False), ("anandkumar2024", False), ("", False), ("पासवर्ड बहुत लंबा", True),
     ("four wooden", False), ("1234567890", False), ("123456789012", False), ("314159265358", False), ("password1234", False),
     ("P@ssw0rd1234!", False), ("Password Password", False), ("qwertyuiop123", False), ("zaqxswcde123", True), ("iloveyou1234", False),
     ("letmein letmein", False), ("Zerodha@12345", False), ("niftybanknifty", False), ("TradingKite2026", False), ("jaishreeram108", False),
     ("anandkumar anandkumar", False), ("anandkumar password", False), ("mnbvcxz98765", False), ("correct horse battery", True),
     ("tr0ub4dor and three", True), ("8f3kq-0wz7x-lm2", True), ("monsoon over matheran", True)],
)  # fmt: skip
def test_weak_passwords(password: str, is_good: bool) -> None:
    assert (weakness(password, "anandkumar") == "") is is_good


def test_no_list_of_words_is_a_password() -> None:
    """Everything that is on the list, alone, doubled, with a year and in capitals, as long as it must
    be.
    """
    for word in WORDS.split():
        for made in (word, word.capitalize(), word.upper(), word + word, f"{word}2026", f"{word}!"):
            assert is_common(made) and weakness(made.ljust(12, "1"), "anand"), made


def test_an_old_password_keeps_working() -> None:
    """It was good enough when it was chosen."""
    assert weakness("1234567890", "anand") and is_password(hashed("1234567890"), "1234567890")


# -------------------------------------------------------------------------------------
# authenticator
RFC_6238 = [  # appendix B, SHA-1: UNIX time and the last six of the eight digits
    (59, "287082"),
    (1_111_111_109, "081804"),
    (1_111_111_111, "050471"),
    (1_234_567_890, "005924"),
    (2_000_000_000, "279037"),
    (20_000_000_000, "353130"),
]


@pytest.mark.parametrize(("now_s", "code"), RFC_6238)
def test_codes_of_the_rfc(now_s: int, code: str) -> None:
    step = now_s // 30
    assert totp_step(TOTP_SECRET, code, now_s) == step
    assert totp_step(TOTP_SECRET, f" {code[:3]} {code[3:]}\n", now_s) == step, "as people type it"
    for drift_s in (-30, 30):
        assert totp_step(TOTP_SECRET, code, now_s + drift_s) == step
    for far_s in (-60, 60):
        assert totp_step(TOTP_SECRET, code, max(now_s + far_s, 0)) != step or now_s + far_s < 0


@pytest.mark.parametrize("code", ["", "28708", "2870822", "287083", "٢٨٧٠٨٢", "-87082", "28 70 8x"])
def test_what_is_no_code(code: str) -> None:
    assert totp_step(TOTP_SECRET, code, 59) is None


def test_a_code_is_good_once() -> None:
    time = Time(1_111_111_109)
    codes = Codes(time)
    assert not codes.take("anand", TOTP_SECRET, "000000")
    assert codes.take("anand", TOTP_SECRET, "081804")
    assert not codes.take("anand", TOTP_SECRET, "081804")
    assert codes.take("meera", TOTP_SECRET, "081804"), "hers is another matter"
    time.s = 1_111_111_111
    assert codes.take("anand", TOTP_SECRET, "050471")
    assert not codes.take("anand", TOTP_SECRET, "081804"), "nor is one that came before a used one"


def test_secrets_of_authenticators() -> None:
    secret = new_totp_secret()
    assert len(secret) == 32 and secret != new_totp_secret()
    assert (
        totp_address(secret, "anand")
        == f"otpauth://totp/OTrade:anand?secret={secret}&issuer=OTrade"
    )
