"""How often somebody may try: by person and address apart, forgiven by nobody else's login, and never
at the cost of the owner. Time is a number that the test moves.
"""

import random
from pathlib import Path

import pytest

from otrade.web.auth.device_cookies import KEY_FILE, DeviceCookies
from otrade.web.auth.login_throttle import KEYS_MAX, AttemptCount, LoginThrottle
from tests.web.logins import Time

HOME = "10.0.0.1"


def tries(throttle: LoginThrottle, n: int, name: str, address: str, device: str = "") -> list[bool]:
    return [throttle.begin(name, address, device).wait_s == 0 for _ in range(n)]


def log_in(throttle: LoginThrottle, name: str, address: str, device: str = "") -> bool:
    attempt = throttle.begin(name, address, device)
    if attempt.wait_s > 0:
        return False
    throttle.succeeded(attempt, name, address)
    return True


def test_five_in_a_minute_by_person_and_address() -> None:
    time = Time()
    throttle = LoginThrottle(time)
    for _ in range(5):
        assert throttle.begin("anand", HOME).wait_s == 0
        time.s += 1
    assert throttle.begin("anand", HOME).wait_s == 55, "the first of them is 5 s old"
    assert throttle.begin("meera", HOME).wait_s == 0, "another person is another count"
    time.s += 54
    assert throttle.begin("anand", HOME).wait_s == 1
    time.s += 1
    assert throttle.begin("anand", HOME).wait_s == 0
    assert throttle.begin("anand", HOME).wait_s == 1, "one place is free again, no more"


def test_twenty_in_an_hour_by_person_and_address() -> None:
    time = Time()
    throttle = LoginThrottle(time)
    for _ in range(20):
        assert throttle.begin("anand", HOME).wait_s == 0
        time.s += 60
    assert throttle.begin("anand", HOME).wait_s == 3600 - 20 * 60


def test_refused_attempts_do_not_count() -> None:
    time = Time()
    throttle = LoginThrottle(time)
    tries(throttle, 5, "anand", HOME)
    assert not any(tries(throttle, 1000, "anand", HOME))
    time.s += 60
    assert throttle.begin("anand", HOME).wait_s == 0


def test_one_s_own_login_forgives_one_s_own_attempts_there() -> None:
    throttle = LoginThrottle(Time())
    tries(throttle, 4, "anand", HOME)
    assert log_in(throttle, "anand", HOME)
    assert tries(throttle, 5, "anand", HOME) == [True] * 5


def test_nobody_else_s_login_forgives_anything() -> None:
    """Somebody with a password of his own guesses another's, and logs in between the guesses: once
    that emptied the count of their address.
    """
    time = Time()
    throttle = LoginThrottle(time)
    n = 0
    for _ in range(500):
        n += throttle.begin("trader", HOME).wait_s == 0
        log_in(throttle, "viewer", HOME)
    assert n == 5
    for _ in range(60):
        time.s += 60
        n += sum(tries(throttle, 10, "trader", HOME))
        log_in(throttle, "viewer", HOME)
    assert n <= 25


def test_one_address_tries_ten_times_a_minute_whatever_names_it_gives() -> None:
    throttle = LoginThrottle(Time())
    assert sum(throttle.begin(f"name{n}", HOME).wait_s == 0 for n in range(100)) == 10


def test_one_person_is_tried_ten_times_a_minute_from_wherever() -> None:
    throttle = LoginThrottle(Time())
    assert sum(throttle.begin("anand", f"203.0.113.{n}").wait_s == 0 for n in range(100)) == 10


def test_thirty_in_a_minute_all_together() -> None:
    throttle = LoginThrottle(Time())
    assert sum(throttle.begin(f"n{n}", f"203.0.113.{n}").wait_s == 0 for n in range(99)) == 30


@pytest.mark.parametrize("seed", range(5))
def test_strangers_cannot_lock_out_a_known_browser(seed: int) -> None:
    """Whatever they try, from the owner's address (a tunnel's) too, for three hours."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    time = Time()
    throttle = LoginThrottle(time)
    for _ in range(3 * 3600):
        time.s += 1
        for _ in range(rng.randrange(4)):
            name = rng.choice(["trader", "trader", f"n{rng.randrange(9)}"])
            throttle.begin(name, rng.choice([HOME, f"203.0.113.{rng.randrange(256)}"]))
        if rng.random() < 0.02:
            assert log_in(throttle, "trader", HOME, "my browser"), f"seed {seed}"


def test_a_known_browser_has_a_limit_too_and_then_is_as_any_other() -> None:
    throttle = LoginThrottle(Time())
    assert tries(throttle, 20, "anand", HOME, "browser").count(True) == 10, "5 of its own and 5"
    # Whoever steals the cookie and uses it up does not lock the owner out elsewhere.
    assert throttle.begin("anand", "10.0.0.2").wait_s == 0


def test_the_fifth_attempt_of_a_known_browser_takes_back_nobody_s() -> None:
    throttle = LoginThrottle(Time())
    tries(throttle, 5, "trader", "203.0.113.9")
    tries(throttle, 4, "trader", HOME, "browser")
    assert log_in(throttle, "trader", HOME, "browser")
    assert throttle.begin("trader", "203.0.113.9").wait_s > 0
    assert sum(throttle.begin("trader", f"203.0.114.{n}").wait_s == 0 for n in range(9)) == 5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.1"),
    ],
)
def test_one_place_by_two_names(one: str, other: str) -> None:
    throttle = LoginThrottle(Time())
    assert all(tries(throttle, 5, "anand", one))
    assert throttle.begin("anand", other).wait_s > 0


def test_the_memory_is_bounded() -> None:
    count = AttemptCount(((60.0, 5),))
    for n in range(KEYS_MAX + 50):
        count.add(str(n), float(n))
    assert len(count) == KEYS_MAX


def test_a_browser_is_known_for_its_person_alone_and_after_a_restart(tmp_path: Path) -> None:
    devices = DeviceCookies(tmp_path)
    cookie, again = devices.new("anand"), devices.new("anand")
    assert cookie != again
    known = devices.known(cookie, "anand")
    assert known and devices.known(again, "anand") not in ("", known)
    assert DeviceCookies(tmp_path).known(cookie, "anand") == known
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    for forged in ("", "anand", cookie[:-1], cookie.replace("anand", "meera"), f"{cookie}~", "~~"):
        assert devices.known(forged, "anand") == devices.known(forged, "meera") == ""


def test_a_key_that_is_not_ours_alone_is_not_used(tmp_path: Path) -> None:
    cookie = DeviceCookies(tmp_path).new("anand")
    key = tmp_path / KEY_FILE
    key.chmod(0o666)
    assert DeviceCookies(tmp_path).known(cookie, "anand") == "", "somebody else could have made it"
    assert key.stat().st_mode & 0o777 == 0o600, "there is another one now"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(bytes(32))
    key.unlink()
    key.symlink_to(elsewhere)
    DeviceCookies(tmp_path).new("anand")
    assert not key.is_symlink() and elsewhere.read_bytes() == bytes(32)
