"""Takes secrets out of texts before they leave the process: logs, notices, errors, alerts.

Two nets. Whatever this process has come to hold (`config.secret.remember`) goes by its value, also
where it stands quoted in an address or in JSON. And whatever looks like a secret goes by its looks:
headers, `name=value` and `"name": "value"` of names that hold secrets, passwords in addresses,
signed tokens. A word too much is masked rather than one too few.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import orjson

from otrade.config.secret import known_secrets

MASK = "***"
DEPTH_MAX = 8

_NAMES = (
    r"api[_-]?key|api[_-]?secret|access[_-]?token|refresh[_-]?token|request[_-]?token|public[_-]?token|extended[_-]?token|auth[_-]?token"
    r"|csrf[_-]?token|bot[_-]?token|enctoken|client[_-]?secret|secret[_-]?key|checksum|password|passwd|passphrase"
    r"|totp(?:[_-]?(?:secret|key|code|value))?|twofa(?:[_-]?value)?|otp|pin|session[_-]?id|set-cookie|x-csrf\w*|webhook[_-]?url"
)
_SCHEMES = re.compile(
    r"\b(?:(?P<sure>bearer|enctoken)\s+[^\s\"',;<>]{6,}|(?P<word>basic|token)\s+(?=[^\s\"',;<>]*[0-9:=/+])[^\s\"',;<>]{8,})",
    re.IGNORECASE,
)
"""`Bearer x`, `enctoken x`, Kite's `token key:token`. After an ordinary word only what is none
itself.
"""
_HEADERS = re.compile(
    r"\b((?:proxy-)?authorization|(?:set-)?cookie)(['\"]?\s*[:=]\s*['\"]?)([^\r\n'\"]+)",
    re.IGNORECASE,
)
_PAIRS = re.compile(
    rf"(?<![A-Za-z0-9])({_NAMES})(\\?['\"]?\s*[:=]\s*\\?['\"]?)([^\s'\"&,;}}\)\]\\]+)",
    re.IGNORECASE,
)
_CODE = re.compile(r"([?&](?:code|state|sig|signature|token|key)=)([^&\s'\"#]+)", re.IGNORECASE)
"""In an address only: elsewhere these are ordinary words."""
_USERINFO = re.compile(r"(\b[a-z][a-z0-9+.-]{0,30}://)([^\s/?#'\"@]+)@", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?")
_KEY_AND_TOKEN = re.compile(r"\b[a-z0-9]{12,32}:[A-Za-z0-9]{24,64}\b")
"""API key and access token as Kite's headers join them, without the word before."""
_HINTS = re.compile(r"[:=@]|eyJ|token|bearer|basic", re.IGNORECASE)
"""Without one of these no pattern can match: most texts have none."""


def redact(text: str) -> str:
    """The text, with every secret masked. Texts without secrets come back as they are."""
    known = _known_pattern()
    if known is not None:
        text = known.sub(MASK, text)
    if not _HINTS.search(text):
        return text
    text = _HEADERS.sub(rf"\1\2{MASK}", text)
    text = _SCHEMES.sub(lambda found: f"{found['sure'] or found['word']} {MASK}", text)
    text = _PAIRS.sub(rf"\1\2{MASK}", text)
    text = _CODE.sub(rf"\1{MASK}", text)
    text = _USERINFO.sub(rf"\1{MASK}@", text)
    text = _JWT.sub(MASK, text)
    return _KEY_AND_TOKEN.sub(MASK, text)


_SECRET_KEY = re.compile(rf"(?:^|[_-])(?:{_NAMES}|authorization|cookie)$", re.IGNORECASE)


def redact_value(value: Any, depth: int = 0) -> Any:
    """The same for what a log line holds: texts, lists and mappings of them. A mapping's value goes
    when its key says so.
    """
    if isinstance(value, str):
        return redact(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= DEPTH_MAX:
        return MASK
    if isinstance(value, Mapping):
        return {
            redact(str(key)): MASK
            if one and isinstance(key, str) and _SECRET_KEY.search(key)
            else redact_value(one, depth + 1)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(one, depth + 1) for one in value]
    return redact(str(value))


_cache: tuple[tuple[str, ...], re.Pattern[str] | None] = ((), None)


def _known_pattern() -> re.Pattern[str] | None:
    """One pattern for all known secrets in all their spellings, longest first, made anew when there
    is another one.
    """
    global _cache
    known = known_secrets()
    if _cache[0] != known:
        spellings = {spelled for value in known for spelled in _spellings(value)}
        words = "|".join(re.escape(one) for one in sorted(spellings, key=len, reverse=True))
        _cache = known, re.compile(words) if words else None
    return _cache[1]


def _spellings(value: str) -> set[str]:
    try:
        in_json = orjson.dumps(value).decode()[1:-1]
    except orjson.JSONEncodeError:  # half a surrogate
        in_json = value
    return {value, in_json, repr(value)[1:-1], *(spell(value) for spell in (_quoted, _plussed))}


def _quoted(value: str) -> str:
    return quote(value, safe="", errors="replace")


def _plussed(value: str) -> str:
    return quote_plus(value, errors="replace")
