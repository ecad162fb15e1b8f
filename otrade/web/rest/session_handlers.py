"""The handlers of sessions: who asks, the first password, login, logout, another password."""

import msgspec
from starlette.responses import Response

from otrade.contract.views import SessionGrant, SessionView
from otrade.web.auth.access_control import AccessControl, LoginGrant
from otrade.web.auth.audit import Audit, address_of
from otrade.web.auth.authenticator import Authenticator, cookie_name, is_encrypted
from otrade.web.auth.device_cookies import LIFE_S as DEVICE_LIFE_S
from otrade.web.rest.dispatch import Call, journal_name

DEVICE_SUFFIX = "_device"


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
        return self._grant(
            call, await self._access.first_password(call.body, address_of(call.request))
        )

    async def login(self, call: Call) -> Response:
        cookies, name = call.request.cookies, cookie_name(call.request)
        return self._grant(
            call,
            await self._access.log_in(
                call.body,
                address_of(call.request),
                cookies.get(name, ""),
                cookies.get(name + DEVICE_SUFFIX, ""),
            ),
        )

    async def password(self, call: Call) -> Response:
        session = call.principal.session
        assert session is not None
        return self._grant(
            call, await self._access.change_password(session, call.body, address_of(call.request))
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

    def _grant(self, call: Call, granted: LoginGrant) -> Response:
        principal = self._access.by_cookie(granted.cookie)
        self._audit.write(
            principal, call.request, journal_name(call.route), "a session has begun", ok=True
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
