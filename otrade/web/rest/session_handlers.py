"""The handlers of sessions: who asks, the first password, login, logout, another password."""

import msgspec
from starlette.responses import Response

from otrade.contract.views import LoginSessionView, SessionGrant, SessionView
from otrade.web.auth.access_control import AccessControl, LoginGrant, Visitor
from otrade.web.auth.audit import Audit, address_of
from otrade.web.auth.authenticator import Authenticator, cookie_name, is_encrypted
from otrade.web.auth.device_cookies import LIFE_S as DEVICE_LIFE_S
from otrade.web.rest.dispatch import Call, journal_name

DEVICE_SUFFIX = "_device"
NEW_BROWSER = "new browser"
"""In the journal."""
BROWSER_CHARS_MAX = 120


class SessionHandlers:
    """Gives out cookies, and takes them back."""

    def __init__(self, access: AccessControl, authenticator: Authenticator, audit: Audit) -> None:
        self._access = access
        self._authenticator = authenticator
        self._audit = audit

    async def session(self, call: Call) -> SessionView:
        principal = self._authenticator.known(call.request)
        if principal is None:
            return SessionView(
                state="first_run" if self._access.is_first_run else "out",
                name="",
                role=None,
                scopes=[],
                ends_in_s=None,
            )
        session = principal.session
        return SessionView(
            state="in",
            name=principal.name,
            role=session.user.role if session is not None else None,
            scopes=sorted(principal.scopes),
            ends_in_s=self._access.sessions.ends_in_s(session) if session is not None else None,
        )

    async def setup(self, call: Call) -> Response:
        return self._grant(call, await self._access.first_password(call.body, _visitor(call)))

    async def login(self, call: Call) -> Response:
        return self._grant(call, await self._access.log_in(call.body, _visitor(call)))

    async def password(self, call: Call) -> Response:
        session = call.principal.session
        assert session is not None
        return self._grant(
            call, await self._access.change_password(session, call.body, _visitor(call))
        )

    async def logout(self, call: Call) -> Response:
        session = call.principal.session
        assert session is not None
        self._access.sessions.end(session)
        self._audit.write(
            call.principal, call.request, journal_name(call.route), "logged out", ok=True
        )
        view = SessionView(state="out", name="", role=None, scopes=[], ends_in_s=None)
        response = Response(msgspec.json.encode(view), media_type="application/json")
        self._set_cookie(call, response, "", 0)
        return response

    async def sessions(self, call: Call) -> list[LoginSessionView]:
        return self._access.sessions_of(call.principal)

    async def end_session(self, call: Call) -> list[LoginSessionView]:
        ended = self._access.end_session(call.principal, call.body.id)
        words = f"a session of {ended.user.name} from {ended.address} was ended"
        self._audit.write(call.principal, call.request, journal_name(call.route), words, ok=True)
        return self._access.sessions_of(call.principal)

    def _grant(self, call: Call, granted: LoginGrant) -> Response:
        principal = self._access.by_cookie(granted.cookie)
        self._audit.write(
            principal, call.request, journal_name(call.route), "a session has begun", ok=True
        )
        if granted.is_new_browser:
            self._audit.write(
                principal,
                call.request,
                NEW_BROWSER,
                "logged in with a browser that was not known",
                ok=True,
            )
        session = granted.session
        grant = SessionGrant(
            name=session.user.name,
            role=session.user.role,
            csrf=session.csrf,
            ends_in_s=self._access.sessions.ends_in_s(session),
        )
        response = Response(msgspec.json.encode(grant), media_type="application/json")
        self._set_cookie(call, response, granted.cookie, round(self._access.life_s))
        self._set_cookie(call, response, granted.device_cookie, DEVICE_LIFE_S, DEVICE_SUFFIX)
        return response

    @staticmethod
    def _set_cookie(
        call: Call, response: Response, value: str, max_age_s: int, suffix: str = ""
    ) -> None:
        name, secure = cookie_name(call.request), is_encrypted(call.request)
        response.set_cookie(
            name + suffix,
            value,
            max_age=max_age_s,
            path="/",
            secure=secure,
            httponly=True,
            samesite="strict",
        )


def _visitor(call: Call) -> Visitor:
    request = call.request
    name = cookie_name(request)
    browser = request.headers.get("user-agent", "")[:BROWSER_CHARS_MAX]
    return Visitor(
        address_of(request),
        "".join(letter if letter.isprintable() else " " for letter in browser),
        request.cookies.get(name, ""),
        request.cookies.get(name + DEVICE_SUFFIX, ""),
    )
