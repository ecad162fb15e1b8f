from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from otrade.stream.delta_stream import DeltaStream
from otrade.web.app import create_app
from otrade.web.auth.access_control import AccessControl
from tests.web.fake_engine import FakeSource
from tests.web.logins import BASE_URL, BEARER, TOKEN, Time, write_users

__all__ = ["BASE_URL", "BEARER", "TOKEN"]


@pytest.fixture
def source(clock: Time) -> FakeSource:
    return FakeSource(clock)


@pytest.fixture
def static_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>OTrade</title>", encoding="utf-8")
    (folder / "assets" / "index-abc.js").write_text("export {};", encoding="utf-8")
    (folder / "favicon.svg").write_text("<svg/>", encoding="utf-8")
    return folder


@pytest.fixture
def stream(source: FakeSource) -> DeltaStream:
    return DeltaStream(source, interval_s=0.05)


@pytest.fixture
def clock() -> Time:
    """The web layer's monotonic clock and UNIX time: one number, which a test moves."""
    return Time()


@pytest.fixture
def access(tmp_path: Path, clock: Time) -> AccessControl:
    """A trader, a viewer, and a trader with an authenticator (`logins.USERS`)."""
    write_users(tmp_path / "access")
    return AccessControl(tmp_path / "access", local_token=TOKEN, now_s=clock, wall_s=clock)


@pytest.fixture
def app(
    source: FakeSource, access: AccessControl, static_dir: Path, stream: DeltaStream, clock: Time
) -> ASGIApp:
    return create_app(
        source, access, static_dir=static_dir, stream=stream, now_s=clock, wall_s=clock
    )


@pytest.fixture
def client(app: ASGIApp) -> Iterator[TestClient]:
    """The local user, as the command line comes in."""
    with TestClient(app, base_url=BASE_URL, raise_server_exceptions=False, headers=BEARER) as made:
        yield made


@pytest.fixture
def stranger(app: ASGIApp) -> Iterator[TestClient]:
    """Somebody who shows nothing."""
    with TestClient(app, base_url=BASE_URL, raise_server_exceptions=False) as made:
        yield made
