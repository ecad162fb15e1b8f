"""Logging in to Upstox's servers, its tokens, static addresses and limits."""

import datetime as dt
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import orjson
import pytest

from otrade.simulator.base.hours import ist_ns
from otrade.simulator.upstox.rest.settings import UpstoxLimits, UpstoxSettings
from tests.simulator.upstox.upstox_account import UpstoxAccount, upstox_account

REDIRECT = "http://127.0.0.1:8700/login/upstox"
PROFILE = ("GET", "/v2/user/profile")
FORM = "Content-Type: application/x-www-form-urlencoded"


async def dialog(s: UpstoxAccount, **changed: str) -> tuple[int, dict[str, str], bytes]:
    fields = {
        "response_type": "code",
        "client_id": "paper",
        "redirect_uri": REDIRECT,
        "state": "s 1",
        **changed,
    }
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    return await s.raw(f"GET /v2/login/authorization/dialog?{query} HTTP/1.1")


async def exchange(s: UpstoxAccount, code: str, **changed: str) -> tuple[int, Any]:
    fields = {
        "code": code,
        "client_id": "paper",
        "client_secret": "paper-secret",
        "redirect_uri": REDIRECT,
        "grant_type": "authorization_code",
        **changed,
    }
    form = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items()).encode()
    status, _, body = await s.raw(f"POST /v2/login/authorization/token HTTP/1.1\r\n{FORM}", form)
    return status, orjson.loads(body)


def test_code_token_and_logout() -> None:
    async def work(s: UpstoxAccount) -> None:
        status, headers, _ = await dialog(s)
        url = urlsplit(headers["location"])
        query = parse_qs(url.query)
        assert (
            status == 302
            and f"{url.scheme}://{url.netloc}{url.path}" == REDIRECT
            and query["state"] == ["s 1"]
        )
        status, told = await exchange(s, query["code"][0])
        assert status == 200 and "data" not in told and "status" not in told
        assert set(told) == {
            "email",
            "exchanges",
            "products",
            "broker",
            "user_id",
            "user_name",
            "order_types",
            "user_type",
            "poa",
            "is_active",
            "access_token",
            "extended_token",
        }
        assert await s.refusal(*PROFILE) == (401, "UDAPI100050", None), (
            "a login ends the token before"
        )
        s.http.authorization = f"Bearer {told['access_token']}"
        profile = await s.data(*PROFILE)
        assert profile == {name: told[name] for name in profile}
        assert await s.data("DELETE", "/v2/logout") is True
        assert await s.refusal(*PROFILE) == (401, "UDAPI100050", None)

    upstox_account(work)


def test_a_code_is_used_up_by_a_failure_too() -> None:
    async def work(s: UpstoxAccount) -> None:
        code = s.sim.upstox.code()
        status, told = await exchange(s, code, client_secret="wrong")
        assert (status, told["errors"][0]["errorCode"]) == (401, "UDAPI100016")
        status, told = await exchange(s, code)
        assert (status, told["errors"][0]["errorCode"]) == (401, "UDAPI100057")
        late = s.sim.upstox.code()
        await s.wait(601)
        assert (await exchange(s, late))[0] == 401
        assert (await exchange(s, s.sim.upstox.code()))[0] == 200

    upstox_account(work)


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"client_id": "other"}, 401, "UDAPI100068"),
        ({"redirect_uri": "http://127.0.0.1:8700/elsewhere"}, 401, "UDAPI100068"),
        ({"grant_type": "password"}, 400, "UDAPI100036"),
    ],
)
def test_wrong_applications(changed: dict[str, str], status: int, code: str) -> None:
    async def work(s: UpstoxAccount) -> None:
        got, told = await exchange(s, s.sim.upstox.code(), **changed)
        assert (got, told["errors"][0]["errorCode"]) == (status, code)
        if "grant_type" not in changed:
            assert (await dialog(s, **changed))[0] == status

    upstox_account(work)


@pytest.mark.parametrize(
    "authorization", ["", "Bearer ", "Bearer x", "token paper:{}", "{}", "Bearer é"]
)
def test_wrong_tokens(authorization: str) -> None:
    async def work(s: UpstoxAccount) -> None:
        s.http.authorization = authorization.format(s.token)
        assert await s.refusal(*PROFILE) == (401, "UDAPI100050", None)

    upstox_account(work)


@pytest.mark.parametrize(
    ("login_at", "dies_at"),
    [
        ("2026-11-18 09:05", "2026-11-19 03:30"),
        ("2026-11-19 02:30", "2026-11-19 03:30"),
        ("2026-11-19 03:30", "2026-11-20 03:30"),
    ],
)
def test_a_token_dies_at_half_past_three_however_late_it_was_issued(
    login_at: str, dies_at: str
) -> None:
    def at(text: str) -> int:
        date, clock = text.split()
        return ist_ns(dt.date.fromisoformat(date), clock)

    async def work(s: UpstoxAccount) -> None:
        s.sim.clock.advance(at(login_at))
        token = s.sim.upstox.issue()
        s.sim.clock.advance(at(dies_at) - 1)
        assert s.sim.upstox.is_valid(token)
        s.sim.clock.advance(at(dies_at))
        assert not s.sim.upstox.is_valid(token)

    upstox_account(work, at="09:01")


def test_tokens_are_revoked_for_both_brokers() -> None:
    async def work(s: UpstoxAccount) -> None:
        kite = s.sim.issue_access_token()
        s.sim.expire_tokens()
        assert not s.sim.sessions.is_valid("paper", kite)
        assert await s.refusal(*PROFILE) == (401, "UDAPI100050", None)
        s.login()
        await s.data(*PROFILE)

    upstox_account(work, broker="both")


def test_orders_come_from_the_registered_addresses_only() -> None:
    async def work(s: UpstoxAccount) -> None:
        told = await s.data("GET", "/v2/user/ip")
        assert (told["primary_ip"], told["secondary_ip"]) == ("127.0.0.1", None)
        told = await s.data("PUT", "/v2/user/ip", body={"primary_ip": "203.0.113.7"})
        assert told["primary_ip"] == "203.0.113.7" and told["primary_ip_updated_at"].startswith(
            "2026-11-18 09:20"
        )
        assert told["access_tokens_invalidated"] is True
        assert await s.refusal(*PROFILE) == (401, "UDAPI100050", None)
        s.login()
        blocked = (403, "UDAPI1154", None)
        assert await s.refusal("POST", "/v3/order/place", body=s.terms()) == blocked
        assert await s.refusal("PUT", "/v3/order/modify", body={"order_id": "1"}) == blocked
        assert await s.refusal("DELETE", "/v3/order/cancel", {"order_id": "1"}) == blocked
        assert await s.refusal("POST", "/v2/order/multi/place", body=[]) == blocked
        assert await s.refusal("DELETE", "/v2/order/multi/cancel") == blocked
        assert await s.refusal("POST", "/v2/order/positions/exit") == blocked
        assert await s.data("GET", "/v2/order/retrieve-all") == [] and s.orders == []
        assert (await s.refusal("PUT", "/v2/user/ip", body={"primary_ip": "127.0.0.1"}))[
            1
        ] == "UDAPI100036", "once a week"
        s.sim.clock.advance(ist_ns(dt.date(2026, 11, 23), "09:20"))
        s.login()
        await s.data("PUT", "/v2/user/ip", body={"primary_ip": "127.0.0.1"})

    upstox_account(work)


TOO_MANY = (429, "UDAPI10005", None)


def test_order_calls_share_their_limits() -> None:
    limits = UpstoxLimits(orders_per_second=3, orders_per_minute=5, orders_per_half_hour=7)

    async def work(s: UpstoxAccount) -> None:
        await s.place()
        assert (await s.ask("DELETE", "/v3/order/cancel", {"order_id": "1"}))[0] == 400
        assert (await s.ask("PUT", "/v3/order/modify", body={}))[0] == 400
        assert await s.refusal("POST", "/v3/order/place", body=s.terms()) == TOO_MANY
        await s.data(*PROFILE)
        await s.wait(1)
        await s.place()
        await s.place()
        await s.wait(1)
        assert await s.refusal("POST", "/v3/order/place", body=s.terms()) == TOO_MANY, (
            "five a minute"
        )
        await s.wait(60)
        await s.place()
        await s.place()
        await s.wait(60)
        assert await s.refusal("POST", "/v3/order/place", body=s.terms()) == TOO_MANY, (
            "seven in half an hour"
        )
        await s.wait(1740)
        await s.place()
        assert len(s.orders) == 6

    upstox_account(work, servers={"upstox": UpstoxSettings(limits=limits)})


def test_every_other_interface_is_counted_by_itself() -> None:
    limits = UpstoxLimits(others_per_second=2)

    async def work(s: UpstoxAccount) -> None:
        for path in ("/v2/user/profile", "/v2/order/retrieve-all"):
            await s.data("GET", path)
            await s.data("GET", path)
        assert await s.refusal(*PROFILE) == TOO_MANY
        await s.wait(1)
        await s.data(*PROFILE)

    upstox_account(work, servers={"upstox": UpstoxSettings(limits=limits)})


def test_the_limits_of_the_real_thing() -> None:
    limits = UpstoxLimits()
    assert (limits.orders_per_second, limits.orders_per_minute, limits.orders_per_half_hour) == (
        10,
        500,
        2000,
    )
    assert (limits.others_per_second, limits.others_per_minute, limits.others_per_half_hour) == (
        50,
        500,
        2000,
    )


def test_what_needs_no_token() -> None:
    """As the vendor's SDK asks for it: without one."""

    async def work(s: UpstoxAccount) -> None:
        s.http.authorization = ""
        key = "NSE_EQ%7CINE009A01021"
        for path in (
            f"intraday/{key}/minutes/1",
            f"{key}/days/1/2026-11-17",
            f"{key}/days/1/2026-11-17/2026-11-16",
        ):
            assert (await s.data("GET", f"/v3/historical-candle/{path}"))["candles"]
        assert await s.data("GET", "/v2/market/holidays") and await s.data(
            "GET", "/v2/market/timings/2026-11-18"
        )
        assert await s.refusal("GET", "/v2/market/status/NSE") == (401, "UDAPI100050", None)

    upstox_account(work)


def test_what_is_not_served() -> None:
    async def work(s: UpstoxAccount) -> None:
        assert await s.refusal("GET", "/v2/nothing") == (404, "UDAPI10000", None)
        assert await s.refusal("PUT", "/v3/order/place") == (405, "UDAPI10000", None)
        assert await s.refusal("GET", "/user/profile") == (404, "UDAPI10000", None), "Kite's"
        for text in (b"GARBAGE\r\n\r\n", b"GET / HTTP/1.1\r\nbroken\r\n\r\n"):
            status, _, body = await s.sim.during(s.http.raw(text))
            assert status == 400 and orjson.loads(body)["errors"][0]["errorCode"] == "UDAPI100036"
            s.http.close()

    upstox_account(work)
