"""The OpenAPI document: it says what the table says, it is valid, and the application keeps to it
(Schemathesis).
"""

import os
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation
from starlette.testclient import TestClient

from otrade.contract import views
from otrade.web.app import create_app
from otrade.web.auth.access_control import AccessControl
from otrade.web.http.routes import ROUTES, ApiRoute
from otrade.web.rest import openapi
from tests.web.fake_engine import FakeSource
from tests.web.logins import BASE_URL, BEARER, TOKEN, Time, write_users

SEED = int(os.environ.get("OTRADE_SEED", "20261120"))
DOCUMENT = openapi.document()


def by_name(route: ApiRoute) -> str:
    return route.name


# ------------------------------------------------------------------------------------- the document
def test_it_is_served_as_it_is_made(stranger: TestClient) -> None:
    response = stranger.get("/api/v1/openapi.json")
    assert response.status_code == 200 and response.json() == msgspec.json.decode(
        msgspec.json.encode(DOCUMENT)
    )
    assert DOCUMENT["openapi"] == "3.1.0"


@pytest.mark.parametrize("route", ROUTES, ids=by_name)
def test_every_route_is_in_it(route: ApiRoute) -> None:
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    assert operation["operationId"] == route.name and operation["x-scope"] == route.scope
    schemes = {name for choice in operation["security"] for name in choice}
    assert bool(schemes) == (route.scope != "public")
    assert ("csrf" in schemes) == route.needs_csrf
    headers = {
        one["name"]: one["required"]
        for one in operation.get("parameters", [])
        if one["in"] == "header"
    }
    assert headers == ({"Idempotency-Key": True, "Issued-At": False} if route.command else {})
    assert ("requestBody" in operation) == (route.request is not None)


def test_it_has_nothing_else() -> None:
    listed = {(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    former = {(route.method.lower(), route.former_path) for route in ROUTES if route.former_path}
    assert listed == {(route.method.lower(), route.path) for route in ROUTES} | former
    for method, path in former:
        assert DOCUMENT["paths"][path][method]["deprecated"] is True


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > 30
    for reference in found:
        node: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_every_schema_is_json_schema(name: str) -> None:
    jsonschema_rs.meta.validate(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **DOCUMENT["components"]["schemas"][name],
        }
    )


def test_the_socket_is_described() -> None:
    told = DOCUMENT["x-websocket"]
    assert told["path"] == "/api/v1/ws"
    assert {"Snapshot", "Delta", "NoticesMessage", "Resync"} <= set(
        DOCUMENT["components"]["schemas"]
    )


def test_the_contract_is_in_it_whole() -> None:
    """What the table answers with is spelled field by field as in the types."""
    order = DOCUMENT["components"]["schemas"]["OrderView"]
    assert set(order["properties"]) == {
        field.encode_name for field in msgspec.structs.fields(views.OrderView)
    }
    assert order["additionalProperties"] is False


# -------------------------------------------------------------------------------------- the viewer
def test_the_viewer_brings_everything_itself(stranger: TestClient) -> None:
    page = stranger.get("/api/v1/docs")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    script, style = stranger.get("/api/v1/docs.js"), stranger.get("/api/v1/docs.css")
    assert script.headers["content-type"].startswith("text/javascript") and style.headers[
        "content-type"
    ].startswith("text/css")
    for text in (page.text, script.text, style.text):
        assert "//" not in text.replace("// ", "") or "http" not in text
        assert (
            "innerHTML" not in text
            and "eval(" not in text
            and "style=" not in text
            and "<script>" not in text
        )


# ------------------------------------------------------------------------------------ schemathesis
def hurrying() -> Time:
    """A clock that goes on by an hour at every look: limits are tested elsewhere."""

    class Hurrying(Time):
        def __call__(self) -> float:
            self.s += 3600
            return self.s

    return Hurrying()


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The document beside the application."""
    folder = tmp_path_factory.mktemp("openapi")
    write_users(folder / "access")
    access = AccessControl(folder / "access", local_token=TOKEN, now_s=hurrying(), wall_s=Time())
    found = schemathesis.openapi.from_dict(DOCUMENT)
    found.app = create_app(FakeSource(), access, static_dir=folder)
    return found


@pytest.mark.parametrize("route", ROUTES, ids=by_name)
def test_the_application_keeps_to_it(checked: Any, route: ApiRoute) -> None:
    """Good and bad requests that Schemathesis invents from the document; every answer is one that
    the document allows.
    """
    operation = checked[route.path][route.method]
    modes = list(schemathesis.GenerationMode)
    cases = st.one_of(
        [operation.as_strategy(generation_mode=mode) for mode in modes if _can(operation, mode)]
    )
    headers = {**BEARER, "Host": "127.0.0.1:8500"}
    n_examples = 15 if _can(operation, schemathesis.GenerationMode.NEGATIVE) else 3
    print(f"seed {SEED}")

    @seed(SEED)
    @settings(
        max_examples=n_examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def test(case: schemathesis.Case) -> None:
        # JSON Schema takes 7.0 for an integer; we do not, and it has no word for that.
        excluded = [schemathesis.checks.positive_data_acceptance] if _has_float(case.body) else []
        if route.command == "kill" and _is_wrong_in_headers(case):
            # Our token takes the place of an invented one, and a kill acts whatever Issued-At says.
            excluded.append(schemathesis.checks.negative_data_rejection)
        case.call_and_validate(headers=headers, base_url=BASE_URL, excluded_checks=excluded)

    test()


def _is_wrong_in_headers(case: schemathesis.Case) -> bool:
    header = case.meta.components.get(ParameterLocation.HEADER) if case.meta is not None else None
    return header is not None and header.mode.is_negative


def _has_float(body: Any) -> bool:
    return isinstance(body, dict) and any(isinstance(value, float) for value in body.values())


def _can(operation: Any, mode: schemathesis.GenerationMode) -> bool:
    """There is nothing to get wrong where there is nothing to give."""
    return mode is not schemathesis.GenerationMode.NEGATIVE or bool(
        operation.body or operation.query or operation.headers
    )
