from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from otrade.web.app import create_app
from otrade.web.stream import Hub

from .fake import FakeSource

TOKEN = "t" * 43
BASE_URL = "http://127.0.0.1:8500"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def static_dir(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(
        '<!doctype html><meta name="otrade-token" content="__OTRADE_TOKEN__" />', encoding="utf-8"
    )
    (tmp_path / "assets" / "index-abc.js").write_text("export {};", encoding="utf-8")
    (tmp_path / "favicon.svg").write_text("<svg/>", encoding="utf-8")
    return tmp_path


@pytest.fixture
def hub(source: FakeSource) -> Hub:
    return Hub(source, interval_s=0.05)


@pytest.fixture
def client(source: FakeSource, static_dir: Path, hub: Hub) -> Iterator[TestClient]:
    app = create_app(source, token=TOKEN, static_dir=static_dir, hub=hub)
    with TestClient(app, base_url=BASE_URL, raise_server_exceptions=False) as made:
        yield made
