"""The configuration on the page: checked as the engine checks it, replaced in one step, never lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from otrade.config import ConfigManager
from otrade.config.manager import FILE_ONLY, is_file_only
from otrade.config.schema import Config, InstrumentConfig
from otrade.contract.queries import ConfigDraft, ConfigVerdict
from otrade.server.config_editor import BACKUPS_MAX, ConfigEditor

PAPER = Path(__file__).parents[2] / "config" / "paper.json"


class Stamps:
    """A wall clock that counts."""

    n = 0

    def __call__(self) -> str:
        self.n += 1
        return f"2026-11-23T{self.n:06d}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "paper.json"
    path.write_bytes(PAPER.read_bytes())
    path.chmod(0o640)
    return path


@pytest.fixture
def editor(path: Path) -> ConfigEditor:
    return ConfigEditor(ConfigManager(path), Stamps())


def changed(
    editor: ConfigEditor, change: dict[str, Any], *, write: bool = False, digest: str | None = None
) -> ConfigVerdict:
    """Ask with some values at `a.b.0` paths put in."""
    view = editor.view()
    values = orjson.loads(bytes(view.values))
    for at, value in change.items():
        *parts, last = (int(part) if part.isdigit() else part for part in at.split("."))
        inner = values
        for part in parts:
            inner = inner[part]
        inner[last] = value
    return editor.check(
        ConfigDraft(
            digest=view.digest if digest is None else digest,
            values=msgspec.Raw(orjson.dumps(values)),
            write=write,
        )
    )


def test_what_is_shown_is_the_file_and_its_schema(editor: ConfigEditor, path: Path) -> None:
    view = editor.view()
    assert bytes(view.values) == path.read_bytes() and view.trouble == ""
    assert orjson.loads(bytes(view.json_schema))["title"] == "OTrade configuration"
    path.write_text('{"mode": "paper"')
    broken = editor.view()
    assert "paper.json" in broken.trouble and orjson.loads(bytes(broken.values))["mode"] == "paper"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"risk.max_trades_per_day": -1}, "risk.max_trades_per_day", ">= 0"),
        (
            {"strategies.0.params.fast_period": 50},
            "strategies[0].params",
            "must be below slow_period",
        ),
        ({"strategies.0.bracket.stop.kind": "feet"}, "strategies[0].bracket.stop.kind", "feet"),
        ({"instruments.0.symbol": "infy"}, "instruments[0].symbol", ""),
        ({"nonsense": 1}, "top level", "unknown key 'nonsense'"),
    ],
)
def test_what_is_wrong_is_named_at_its_field(
    editor: ConfigEditor, path: Path, change: dict[str, Any], field: str, words: str
) -> None:
    before = path.read_bytes()
    verdict = changed(editor, change, write=True)
    assert not verdict.ok and verdict.field == field and words in verdict.problem
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("values", [b"[]", b"null", b'"x"', b"7", b'{"mode":"paper"}'])
def test_no_configuration_at_all(editor: ConfigEditor, path: Path, values: bytes) -> None:
    before = path.read_bytes()
    assert not editor.check(
        ConfigDraft(digest=editor.view().digest, values=msgspec.Raw(values), write=True)
    ).ok
    assert path.read_bytes() == before


def test_a_difference_says_when_it_takes_effect(editor: ConfigEditor, path: Path) -> None:
    hot = changed(editor, {"risk.max_trades_per_day": 7})
    assert [(row.path, row.was, row.becomes, row.when) for row in hot.changes] == [
        ("risk.max_trades_per_day", "100", "7", "now")
    ]
    assert "in force within five seconds" in hot.words
    cold = changed(editor, {"sim.seed": 9})
    assert [row.when for row in cold.changes] == [
        "next_start"
    ] and "at the next start" in cold.words
    both = changed(editor, {"risk.max_trades_per_day": 7, "sim.seed": 9})
    assert {row.when for row in both.changes} == {
        "now",
        "next_start",
    } and "1 of 2 changes are in force within five seconds" in both.words
    nothing = changed(editor, {})
    assert nothing.ok and nothing.changes == []
    assert path.read_bytes() == PAPER.read_bytes(), "a check writes nothing"


def test_it_is_written_whole_with_the_former_file_beside_it(
    editor: ConfigEditor, path: Path
) -> None:
    before = path.read_bytes()
    verdict = changed(editor, {"risk.max_trades_per_day": 7}, write=True)
    assert verdict.ok and verdict.backup == "paper.json.2026-11-23T000001.bak"
    assert (path.parent / verdict.backup).read_bytes() == before
    assert orjson.loads(path.read_bytes())["risk"]["max_trades_per_day"] == 7
    assert (
        path.stat().st_mode & 0o777 == 0o640
        and (path.parent / verdict.backup).stat().st_mode & 0o777 == 0o640
    )
    assert {entry.name for entry in path.parent.iterdir()} == {"paper.json", verdict.backup}
    assert ConfigManager(path).config.risk.max_trades_per_day == 7


def test_a_file_that_has_changed_meanwhile_is_not_overwritten(
    editor: ConfigEditor, path: Path
) -> None:
    digest = editor.view().digest
    path.write_bytes(path.read_bytes() + b"\n")
    verdict = changed(editor, {"risk.max_trades_per_day": 7}, write=True, digest=digest)
    assert not verdict.ok and "open it again" in verdict.problem and verdict.backup == ""
    assert orjson.loads(path.read_bytes()) == orjson.loads(PAPER.read_bytes())


def test_a_directory_that_cannot_be_written_changes_nothing(
    editor: ConfigEditor, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(Path, "replace", full)
    verdict = changed(editor, {"risk.max_trades_per_day": 7}, write=True)
    assert not verdict.ok and "No space left" in verdict.problem and path.read_bytes() == before


def test_old_backups_go(editor: ConfigEditor, path: Path) -> None:
    for n in range(BACKUPS_MAX + 5):
        assert changed(editor, {"risk.max_trades_per_day": n + 1}, write=True).ok
    kept = sorted(entry.name for entry in path.parent.glob("*.bak"))
    assert (
        len(kept) == BACKUPS_MAX and kept[-1] == f"paper.json.2026-11-23T{BACKUPS_MAX + 5:06d}.bak"
    )


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of a configuration with its type, lists and maps as one."""
    for field in msgspec.structs.fields(value):
        at = f"{path}.{field.name}" if path else field.name
        inner = getattr(value, field.name)
        if isinstance(inner, msgspec.Struct):
            yield from leaves(inner, at)
        else:
            yield at, inner


HARMLESS = {
    "schema", "mode", "engine.name", "broker.kind", "broker.plan", "broker.user_id", "broker.algo_name",
    "broker.algo_id", "second_feed.kind", "second_feed.mode", "sim.date", "sim.listing", "log.level", "risk.on_limit",
    "hooks.host", "engine.on_stop", "backtest.queue", "backtest.path",
}  # fmt: skip
"""Texts that name neither an address nor a file."""


def test_every_text_of_the_configuration_has_been_thought_of() -> None:
    """A new address or file name is changed in the file alone, or stands above."""
    config = Config(mode="paper", instruments=[InstrumentConfig(symbol="NSE:INFY")])
    texts = {
        path
        for path, value in leaves(config)
        if isinstance(value, str | dict) or path in ("web.names", "backtest.journals")
        if not path.startswith(("sessions.", "instruments", "strategies"))
    }
    assert {path for path in texts if not is_file_only(path)} <= HARMLESS
    assert all(
        any(is_file_only(path) and path.startswith(name) for path in texts) for name in FILE_ONLY
    )


@pytest.mark.parametrize(
    ("path_", "value"),
    [
        ("broker.rest_url", "https://evil.example"),
        ("broker.login_url", "https://evil.example"),
        ("broker.redirect_url", "https://evil.example/login/callback"),
        ("second_feed.feed_url", "wss://evil.example"),
        ("paths.secrets", "/tmp/secrets.json"),
        ("paths.var", "/tmp/var"),
        ("log.path", "/etc/cron.d/otrade"),
        ("sim.prices", {"NSE:INFY": "/etc/passwd"}),
        ("history.files", {"NSE:INFY": "/etc/passwd"}),
        ("web.tls_key", "/tmp/key.pem"),
        ("web.names", ["evil.example"]),
    ],
)
@pytest.mark.parametrize("write", [True, False])
def test_addresses_and_files_are_not_changed_here(
    path_: str, value: Any, write: bool, editor: ConfigEditor, path: Path
) -> None:
    part, _, name = path_.partition(".")
    values = orjson.loads(path.read_bytes())
    values.setdefault(part, {})[name] = value
    if part == "second_feed":
        values[part]["kind"] = "upstox"
    before = path.read_bytes()
    verdict = editor.check(
        ConfigDraft(
            digest=editor.view().digest, values=msgspec.Raw(orjson.dumps(values)), write=write
        )
    )
    assert not verdict.ok
    if name not in ("tls_key", "names"):  # refused before, alone they make no sense
        assert verdict.field.startswith(path_) and "cannot be changed here" in verdict.problem
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 1


def test_what_somebody_has_changed_in_the_file_may_stay(editor: ConfigEditor, path: Path) -> None:
    """The page's form holds the whole file, which says more than what is in force."""
    values = orjson.loads(path.read_bytes())
    values.setdefault("paths", {})["var"] = "elsewhere"
    path.write_bytes(orjson.dumps(values))
    assert changed(editor, {"risk.max_trades_per_day": 7}, write=True).ok
    assert orjson.loads(path.read_bytes())["paths"]["var"] == "elsewhere"
    assert not changed(editor, {"paths.var": "var"}, write=True).ok
