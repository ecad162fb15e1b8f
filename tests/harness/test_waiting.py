"""Waiting ends: when it is so, or with words."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness.waiting import attempts, until, wait_until


def test_it_ends_when_it_is_so() -> None:
    seen: list[int] = []
    wait_until("three", lambda: seen.append(0) or len(seen) == 3, pause_s=0.0)
    asyncio.run(until(lambda: seen.append(0) or len(seen) == 5))
    assert len(seen) == 5


def test_patience_ends_with_words() -> None:
    with pytest.raises(AssertionError, match="after 0 s and 1 tries, still not: the moon"):
        wait_until("the moon", lambda: False, patience_s=0.0)
    with pytest.raises(AssertionError, match="still not: the moon"):
        for _ in attempts("the moon", patience_s=0.0):
            pass

    async def wait() -> None:
        await until(lambda: None, patience_s=0.0)

    with pytest.raises(AssertionError, match=r"still not: await until\(lambda: None"):
        asyncio.run(wait())
