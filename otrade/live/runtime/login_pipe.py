"""What the process that logs in at the broker says to the page's server: lines of JSON in a pipe. The
server says to it, a line each, where the broker has sent a person's browser.
"""

import msgspec

ADDRESS_CHARS_MAX = 8192
WAITS_S = 600.0
"""So long a login may take; then the process ends."""


class LoginWord(msgspec.Struct, frozen=True):
    """First `url`, where the person logs in, or in `words` why there is none; then, for each address,
    whether it was the login. No token is in it.
    """

    url: str = ""
    ok: bool = False
    words: str = ""

    def __repr__(self) -> str:
        return f"LoginWord(ok={self.ok})"
