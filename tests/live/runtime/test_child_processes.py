"""Modules that are started by name exist, can be run, and take the words that they are given."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from otrade import child_environment
from otrade.live.runtime import child_processes as children

ROOT = Path(__file__).parents[3]


def started(name: str) -> ModuleType:
    """The module that `python -m` runs."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    return importlib.import_module(f"{name}.__main__" if spec.submodule_search_locations else name)


@pytest.mark.parametrize("name", children.STARTED_BY_NAME)
def test_each_exists_and_has_a_main(name: str) -> None:
    module = started(name)
    assert callable(module.main)
    source = Path(str(module.__file__)).read_text()
    assert 'if __name__ == "__main__":\n    sys.exit(main(' in source


def commands() -> dict[str, children.ChildCommand]:
    """Every child of an engine, and of the page's server."""
    return {
        "watchdog": children.watchdog_command(Path("a.json"), "kite", ["phone"]),
        "instrument loader": children.refresh_command(Path("a.json"), "upstox"),
        "journal reader": children.journal_command("page", Path("no.otj"), b"{}"),
        "page server": children.serve_command(Path("a.json"), 0, shows_code=True),
        "hooks": children.hooks_command(),
        "result reader": children.result_command("page", Path("results"), b"{}"),
        "day keeper": children.keep_day_command(Path("var"), "2026-11-20"),
        "engine starter": children.starter_command(Path("var"), Path("secrets.json")),
        "broker login": children.login_command(Path("a.json")),
        "alert sender": children.alert_command("secrets.json", 3, ["phone"]),
    }


NAMES = sorted(commands())
READERS = ("journal reader", "result reader")
"""They answer one question in JSON, whatever it is."""
SECRETS = {
    f"OTRADE_{broker}_{what}"
    for broker in ("KITE", "UPSTOX")
    for what in ("API_KEY", "API_SECRET", "ACCESS_TOKEN")
} | {"OTRADE_ALERT_PHONE", "OTRADE_ALERT_MAIL"}
STRANGE = {"AWS_SECRET_ACCESS_KEY", "PYTHONSTARTUP", "PYTHONHOME", "LD_PRELOAD", "SSLKEYLOGFILE",
           "PYTHONINSPECT", "OTRADE_CPU", "GITHUB_TOKEN", "PYTHONBREAKPOINT", "BASH_ENV"}  # fmt: skip
THEIRS = {
    "watchdog": {"OTRADE_KITE_API_KEY", "OTRADE_KITE_ACCESS_TOKEN", "OTRADE_ALERT_PHONE"},
    "instrument loader": {"OTRADE_UPSTOX_API_KEY", "OTRADE_UPSTOX_ACCESS_TOKEN"},
    "journal reader": set(),
    "page server": set(),
    "hooks": set(),
    "day keeper": set(),
    "result reader": set(),
    "engine starter": set(),
    "broker login": set(),
    "alert sender": {"OTRADE_ALERT_PHONE"},
}
OUTSIDE = {"HTTPS_PROXY", "SSL_CERT_FILE"}
"""What talks to somebody outside may need."""


@pytest.mark.parametrize("name", NAMES)
def test_each_child_s_environment_is_a_list(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(os.environ)
    for one in SECRETS | STRANGE | OUTSIDE | {"PATH", "LANG", "TZ"}:
        monkeypatch.setenv(one, f"the value of {one}")
    env = commands()[name].env
    assert {one for one in env if one.startswith("OTRADE_")} == THEIRS[name]
    assert not STRANGE & set(env)
    assert {"PATH", "LANG", "TZ"} <= set(env)
    assert ("SSL_CERT_FILE" in env) == (
        name
        not in (
            "hooks",
            "journal reader",
            "result reader",
            "page server",
            "day keeper",
            "engine starter",
        )
    )
    assert ("HTTPS_PROXY" in env) == (name in ("watchdog", "alert sender"))
    listed = {
        *child_environment.SYSTEM,
        *child_environment.PATHS,
        *OUTSIDE,
        *SECRETS,
        *children.TLS,
        *children.PROXIES,
    }
    assert set(env) <= listed, set(env) - listed - before
    assert not any(value in repr(commands()[name]) for value in env.values() if "OTRADE" in value)


def test_a_place_that_is_not_absolute_is_the_working_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for given, kept in (
        ("", None), (":", None), (".", None), ("lib:.", None), (":/a:b:/c:", "/a:/c"), ("/a", "/a"),
    ):  # fmt: skip
        for name in child_environment.PATHS:
            assert child_environment.environment_of((), {name: given}).get(name) == kept


@pytest.mark.parametrize("name", NAMES)
def test_no_child_imports_from_the_working_directory(name: str, tmp_path: Path) -> None:
    """Modules by the names of ours, of a library's and of Python's own, each of which would tell."""
    here, told = tmp_path / "here", tmp_path / "told"
    for module in ("otrade/__init__", "json", "logging", "argparse", "orjson", "msgspec"):
        path = here / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"import os\nos.mkdir({str(told)!r})\nraise SystemExit(99)\n")
    command = commands()[name]
    args = command.args if name in READERS else [*command.args, "--help"]
    env = command.env | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(args, cwd=here, env=env, capture_output=True, timeout=120)
    assert not told.exists() and done.returncode != 99, done.stderr.decode()
    assert b"usage" in done.stdout or b'"error"' in done.stdout, (done.stdout, done.stderr)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in READERS])
def test_its_words_are_known(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With `--help` behind them, words that nobody knows end with 2."""
    args = commands()[name].args
    assert args[:3] == [sys.executable, "-P", "-m"]
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, ()
    )  # the program's first statement blocks some
    try:
        with pytest.raises(SystemExit) as ended:
            started(args[3]).main([*args[4:], "--help"])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert ended.value.code == 0 and "usage" in capsys.readouterr().out


def test_whoever_starts_a_process_says_its_environment() -> None:
    """A search for what starts processes, among the engine's sources."""
    found: dict[str, bool] = {}
    for path in (ROOT / "otrade").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in ("Popen", "create_subprocess_exec", "create_subprocess_shell", "run", "call",
                          "check_output", "execv", "execve", "posix_spawn", "system"):  # fmt: skip
                if called in ("run", "call") and "subprocess" not in ast.unparse(node.func):
                    continue
                env = any(word.arg == "env" for word in node.keywords)
                found[f"{path.relative_to(ROOT)}:{called}"] = env
    execs = {
        "otrade/cli/processes/hooks.py:execve",
        "otrade/cli/processes/serve.py:execve",
        "otrade/live/runtime/child_processes.py:posix_spawn",
    }  # takes it by position
    assert {one for one, env in found.items() if not env} == execs, found
    assert len(found) == 17, found


def test_nobody_else_starts_a_module_by_name() -> None:
    """A search for `-m` among the words of the engine's sources."""
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "otrade").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value == "-m"
    }
    # The compiler of strategy files, and a linker that is a Python package: neither is a module of ours
    # that is handed anything, and their environment is the system's list alone.
    build = {f"otrade/strategy/build/{name}.py" for name in ("builder", "linker")}
    build.add("otrade/cli/research/parity.py")  # a paper day, which needs no key
    assert found == {"otrade/live/runtime/child_processes.py", *build}
    for name in build:
        assert "environment_of(SYSTEM, os.environ)" in (ROOT / name).read_text()
