"""A command's key: once, whatever is sent twice; from the journal too; and not when it is late."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from otrade.contract.messages import KEY_KEPT_S
from otrade.contract.views import CommandResult
from otrade.live.control.command_keys import KEYS_MAX, CommandKeys, KeyRefusedError
from tests.web.logins import Time

DONE = CommandResult(ok=True, words="done")


async def done() -> CommandResult:
    return DONE


async def never() -> CommandResult:
    raise AssertionError("it was done once more")


def refusal(keys: CommandKeys, *words: Any, **more: Any) -> str:
    with pytest.raises(KeyRefusedError) as caught:
        asyncio.run(keys.once(*words, never, **more))
    return caught.value.refusal


def test_what_an_earlier_process_did_is_not_done_again() -> None:
    keys = CommandKeys(Time(), Time())
    act = {"command": "flatten", "args": {"instrument_id": 2}, "ok": True, "words": "closing 1"}
    keys.restore([act | {"actor": "anand", "key": "a-key-of-anand"}, act])
    args = ("flatten", {"instrument_id": 2})
    again = asyncio.run(keys.once("a-key-of-anand", "anand", *args, never))
    assert again == (CommandResult(ok=True, words="closing 1"), True)
    assert refusal(keys, "a-key-of-anand", "meera", *args) == "foreign_key"
    assert refusal(keys, "a-key-of-anand", "anand", "flatten", {}) == "reused_key"


def test_what_was_restored_is_used_up_in_time() -> None:
    time = Time()
    keys = CommandKeys(time, time)
    act = {"command": "pause", "args": {}, "ok": True, "words": "paused", "actor": "anand"}
    keys.restore([act | {"key": "a-key-of-anand"}])
    time.s += KEY_KEPT_S + 1
    assert refusal(keys, "a-key-of-anand", "anand", "pause", {}) == "expired_key"


def test_a_late_command_is_not_done_and_its_key_is_used_up() -> None:
    wall = Time()
    keys = CommandKeys(Time(), wall)
    late_ms = round(wall.s * 1000) - 1
    assert refusal(keys, "a-late-key", "me", "pause", {}, expires_ms=late_ms) == "expired"
    assert refusal(keys, "a-late-key", "me", "pause", {}) == "expired_key"
    in_time = keys.once("a-good-key", "me", "pause", {}, done, late_ms + 1)
    assert asyncio.run(in_time) == (DONE, False)


def test_a_kill_is_never_late() -> None:
    keys = CommandKeys(Time(), Time())
    assert asyncio.run(keys.once("a-late-kill", "me", "kill", {}, done, 1)) == (DONE, False)


def test_the_memory_of_keys_is_bounded() -> None:
    async def act() -> CommandResult:
        return CommandResult(ok=True, words="")

    async def test() -> None:
        keys = CommandKeys(Time())
        for n in range(KEYS_MAX + 5):
            await keys.once(f"key-{n:08d}", "me", "pause", {}, act)
        assert len(keys._uses) == KEYS_MAX

    asyncio.run(test())


def test_two_at_the_same_moment_are_one() -> None:
    n_done = 0

    async def test() -> None:
        go_on = asyncio.Event()

        async def act() -> CommandResult:
            nonlocal n_done
            n_done += 1
            await go_on.wait()
            return CommandResult(ok=True, words="done")

        keys = CommandKeys(Time())
        both = [
            asyncio.create_task(keys.once("key-of-both", "me", "kill", {}, act)) for _ in range(2)
        ]
        await asyncio.sleep(0)
        go_on.set()
        assert [again for _, again in await asyncio.gather(*both)] == [False, True]

    asyncio.run(test())
    assert n_done == 1
