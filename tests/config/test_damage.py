"""Files that were damaged at random: the answer is a value or one of our errors, never a crash."""

import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from otrade.calendar import Calendar
from otrade.config import manager
from otrade.config.secret import read_secrets
from otrade.errors import ConfigError, OTradeError
from otrade.instruments.kite import KiteInstrumentFile
from otrade.simulator.base.universe import Universe
from otrade.simulator.kite.rest.instruments import instruments_csv

TODAY = dt.date(2026, 11, 23)
ROUNDS = 1000
ODD = (b"", b"\x00", b"\xff", b"{", b"[", b'"', b",", b"-1", b"1e999", b"9" * 40, b"null", b"\n")


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Some cuts, copies and odd bytes."""
    for _ in range(rng.randint(1, 4)):
        a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        b = min(b, a + 40)
        piece = rng.choice((*ODD, data[a:b] * 2))
        data = data[:a] + piece + data[b:]
    return data if rng.random() < 0.7 else data[: rng.randrange(len(data) + 1)]


def of_configuration(data: bytes, tmp_path: Path) -> None:
    manager.from_bytes(data, "c.json")


def of_calendar(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "calendar.json"
    path.write_bytes(data)
    Calendar.load(path).session("cash", TODAY)


def of_instruments(data: bytes, tmp_path: Path) -> None:
    file = KiteInstrumentFile(data)
    for symbol in ("NSE:INFY", "NFO:NIFTY.FUT", "NSE:NIFTY 50", "NSE:NONE"):
        file.find(symbol, TODAY)


def of_secrets(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_bytes(data)
    path.chmod(0o600)
    read_secrets(path, {})


@pytest.mark.parametrize(
    ("read", "good"),
    [
        (of_configuration, manager.default_bytes("paper.json")),
        (of_calendar, manager.default_bytes("calendar.json")),
        (
            of_instruments,
            instruments_csv(Universe(TODAY), None, lambda contract: contract.base_e4).encode(),
        ),
        (of_secrets, b'{"OTRADE_KITE_API_KEY": "a", "OTRADE_KITE_API_SECRET": "b"}'),
    ],
)
def test_damage_is_refused_in_words(
    read: Callable[[bytes, Path], None], good: bytes, tmp_path: Path
) -> None:
    refused = 0
    for seed in range(ROUNDS):
        data = damaged(good, random.Random(seed))
        try:
            read(data, tmp_path)
        except OTradeError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {data!r}") from error
    assert refused > ROUNDS // 10


@pytest.mark.parametrize("depth", [900, 1_100, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    with pytest.raises(ConfigError):
        manager.from_bytes(b'{"mode":' + b"[" * depth + b"]" * depth + b"}", "c.json")


def test_a_secrets_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.mkdir(mode=0o700)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_secrets(path, {})
