"""Secrets do not get into texts. The oracle is the planted secret itself: it, and no piece of it
worth having, may be found again.
"""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from otrade._core.types import Severity
from otrade.config import secret as secrets
from otrade.config.schema import LogConfig
from otrade.config.secret import KNOWN_MAX, Secret, known_secrets, remember
from otrade.live.notices import json_log
from otrade.live.notices.board import NoticeBoard
from otrade.live.notices.redact import DEPTH_MAX, MASK, redact, redact_value

TOKEN = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=16, max_size=64
)
WORDS = st.text("abcdefghijklmnopqrstuvwxyz .,()\n", max_size=40)
"""What stands around a secret; it holds nothing that could be taken for one."""

PLACES = {
    "authorization of kite": lambda s: f"Authorization: token abcd1234efgh5678:{s}",
    "bearer header": lambda s: f"authorization: Bearer {s}",
    "bearer alone": lambda s: f"Bearer {s}",
    "headers as a dict": lambda s: str({"Authorization": f"Bearer {s}", "Accept": "*/*"}),
    "headers as bytes": lambda s: str([(b"authorization", f"Bearer {s}".encode())]),
    "enctoken header": lambda s: f"Authorization: enctoken {s}",
    "enctoken cookie": lambda s: f"Set-Cookie: enctoken={s}; Path=/; Secure",
    "cookie": lambda s: f"Cookie: kf_session={s}",
    "feed address": lambda s: f"wss://ws.kite.trade?api_key=abcdefgh&access_token={s}",
    "redirect": lambda s: f"GET /login/callback?request_token={s}&status=success",
    "redirect of upstox": lambda s: f"http://127.0.0.1:8000/login/callback?code={s}&state=x",
    "form": lambda s: urlencode({"api_key": s, "checksum": s}),
    "json": lambda s: json.dumps({"data": {"access_token": s}}),
    "json in json": lambda s: json.dumps(json.dumps({"api_secret": s})),
    "dict": lambda s: str({"refresh_token": s}),
    "repr": lambda s: f"Login(user_id='AB', api_secret='{s}')",
    "totp": lambda s: f"totp={s}",
    "totp secret": lambda s: f"OTRADE_TOTP_SECRET={s}",
    "environment": lambda s: f"OTRADE_KITE_ACCESS_TOKEN={s}",
    "password in an address": lambda s: f"mailtos://me:{s}@smtp.example.com",
    "password": lambda s: f"password: {s}",
    "signed token": lambda s: f"got eyJ{s}.eyJ{s}.{s}",
}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What a test lets the process know is forgotten after it."""
    before = dict(secrets._known)
    yield
    secrets._known.clear()
    secrets._known.update(before)


@pytest.mark.parametrize("place", PLACES)
@given(TOKEN, WORDS, WORDS)
def test_what_looks_like_a_secret_is_masked(
    place: str, token: str, before: str, after: str
) -> None:
    assume(token not in before + after)
    text = redact(f"{before} {PLACES[place](token)} {after}")
    assert token not in text and MASK in text


@given(st.text(min_size=8, max_size=60).filter(lambda s: s.strip() == s), WORDS)
def test_what_this_process_knows_is_masked_wherever_it_stands(value: str, around: str) -> None:
    Secret(value)
    for text in (
        f"{around}{value}{around}",
        f"https://example.com/{quote(value, safe='', errors='replace')}/x",
        orjson.dumps({"x": value}).decode() if value.isprintable() else value,
        repr(value),
    ):
        assert value not in redact(text).replace(around, "") or value in around + MASK


@pytest.mark.parametrize("text", [
    "NSE:INFY: stop at 2,500.05 for 75 units rests at the exchange (OT00AA000S0101)",
    "request 3 was refused: Token is invalid or has expired.",
    "the broker no longer accepts the access token: no new entries. Run `otrade login`, or put the new token into config/secrets.json",
    "2026-11-20: connected, 12 instruments, 3 strategies", "the feed is down (code 1006: abnormal closure): no entries",
    "a new access token is in use", "FAULT while sending orders (KeyError: 'price_e4'): the engine is halted", "",
    "basic checks passed; bearer of news; token expired", "http://127.0.0.1:8000/ is the page", "09:15:00.123 NSE:M&M 3214.05",
])  # fmt: skip
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text) == text


ANYTHING = st.recursive(
    st.text(max_size=8) | st.integers() | st.none(),
    lambda x: st.lists(x) | st.dictionaries(st.text(max_size=8), x),
    max_leaves=8,
)


@given(ANYTHING, TOKEN)
def test_fields_are_masked_by_their_names_and_in_any_depth(around: Any, token: str) -> None:
    assume(token not in json.dumps(redact_value(around)))
    fields = {
        "a": around,
        "headers": {"Authorization": token},
        "list": [{"access_token": token}, f"api_key={token}"],
        "TOTP_SECRET": token,
    }
    assert token not in json.dumps(redact_value(fields))


def test_depth_is_bounded() -> None:
    deep: Any = "x"
    for _ in range(10 * DEPTH_MAX):
        deep = [deep]
    assert MASK in json.dumps(redact_value(deep))


def test_what_is_remembered_is_bounded() -> None:
    for number in range(KNOWN_MAX + 50):
        remember(f"secret-number-{number:06d}")
    assert len(known_secrets()) == KNOWN_MAX
    assert redact(f"it is secret-number-{KNOWN_MAX + 49:06d}") == f"it is {MASK}"
    remember("short")
    assert redact("too short to be one: short") == "too short to be one: short"


def test_the_log_and_the_board_are_clean(tmp_path: Path) -> None:
    token = "ZxCvBnM1234567890asdf"
    remember(token)
    handler = json_log.open_log(tmp_path, LogConfig(), lambda words: None)
    try:
        logger = logging.getLogger("otrade.kite")
        logger.warning(
            "asked %s",
            f"https://x/?q={token}",
            extra={"fields": {"password": "hunter22", "deep": [{"x": token}]}},
        )
        try:
            raise ValueError(f"the broker said {token}")
        except ValueError as error:
            logger.error("failed", exc_info=error)
        logging.getLogger("asyncio").error("lost: Bearer %s", token)
    finally:
        json_log.close_log(handler)
    path = tmp_path / "log" / "otrade.jsonl"
    text = path.read_text()
    assert token not in text and "hunter22" not in text
    assert [orjson.loads(line)["logger"] for line in text.splitlines()] == [
        "otrade.kite",
        "otrade.kite",
        "asyncio",
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    assert token not in NoticeBoard(lambda: 0).say(Severity.ERROR, "X", f"quoting {token}").text
