"""Every attack once, a second each and several at a time, on an engine with a position open, its page and
its hooks. `make attack` has them alone and for longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.__main__ import GROWTH_MAX_MB, attacked
from tests.attack.target import page
from tests.attack.vectors import ATTACKS, NEEDS_SOCKET, NEEDS_TLS, NEEDS_WEBSOCKET
from tests.attack.whole import Whole
from tests.harness.realtime_broker import broker, wait_for_broker

SEED = 20_261_130
SECONDS = 1.0
AT_A_TIME = 6


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    with broker() as here:
        made = Whole(tmp_path, here)
        try:
            yield made
        finally:
            made.close()
        assert not made.bad


def together(whole: Whole, names: list[str], where: str) -> None:
    """`where`: page, hooks, or the name of one of the engine's sockets."""
    target = whole.hooks if where == "hooks" else whole.page
    former = target.path
    if where.endswith(".sock"):
        target.path = str(whole.var / "run" / where)
    attackers = [attacked(name, target, SECONDS, SEED) for name in names]
    whole.look(" ".join(names), target, attackers, SECONDS, is_hung_up_on=where.endswith(".sock"))
    target.path = former


@pytest.mark.timeout(600)
def test_memory_is_flat_stops_are_kept_and_the_kill_is_obeyed(whole: Whole) -> None:
    print(f"seed {SEED}")
    wait_for_broker("a position is open", lambda: whole.here.net() != 0)
    page = [name for name in ATTACKS if name not in (*NEEDS_TLS, *NEEDS_SOCKET)]
    hooks = [name for name in page if name not in NEEDS_WEBSOCKET]
    done: set[str] = set()
    for where, names in (("page", page), ("hooks", hooks)):
        for i in range(0, len(names), AT_A_TIME):
            together(whole, names[i : i + AT_A_TIME], where)
        done |= set(names)
    for sock in ("engine.sock", "hooks.sock"):
        together(whole, list(NEEDS_SOCKET), sock)
    assert done | set(NEEDS_SOCKET) == set(ATTACKS) - set(NEEDS_TLS)
    whole.kill_in_the_middle(SEED)
    assert not whole.bad


@pytest.mark.parametrize("name", NEEDS_TLS)
def test_half_and_broken_handshakes(tmp_path: Path, name: str) -> None:
    with page(tmp_path, is_tls=True) as target:
        target.begin()
        said, _ = attacked(name, target, SECONDS, SEED).communicate(timeout=60)
        print(said)
        assert target.end().grew_mb < GROWTH_MAX_MB and target.answers()
