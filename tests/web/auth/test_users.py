"""The users' file, and the commands that change it."""

import io
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from otrade.cli import main
from otrade.errors import ConfigError
from otrade.web.auth.passwords import is_password
from otrade.web.auth.recovery_codes import CODES, find_code
from otrade.web.auth.tokens import find_token
from otrade.web.auth.users import ACCESS_DIR, USERS_MAX, User, Users, UsersFile
from tests.web.logins import PASSWORD

ROOT = Path(__file__).parents[3]
ANAND = User("anand", "trader", "hash")


@pytest.fixture
def file(tmp_path: Path) -> UsersFile:
    return UsersFile(tmp_path / "access")


# --------------------------------------------------------------------------------------------- file
def test_it_is_for_its_owner_alone(file: UsersFile) -> None:
    assert file.read() == Users() and not file.path.exists()
    file.change(lambda users: users.with_user(ANAND))
    assert (
        file.path.stat().st_mode & 0o777 == 0o600
        and file.path.parent.stat().st_mode & 0o777 == 0o700
    )
    assert UsersFile(file.path.parent).read() == Users((ANAND,))
    assert "hash" not in repr(ANAND)
    assert sorted(path.name for path in file.path.parent.iterdir()) == [
        "people.json",
        "people.lock",
    ]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o644])
def test_what_others_may_read_is_not_used(file: UsersFile, mode: int) -> None:
    file.change(lambda users: users.with_user(ANAND))
    file.path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        file.read()
    with pytest.raises(ConfigError, match="chmod 600"):
        file.change(lambda users: users)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"people": [{"name": "x"}]}',
        b'{"peopel": []}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_is_damaged_is_not_used(file: UsersFile, content: bytes) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    file.path.chmod(0o600)
    with pytest.raises(ConfigError, match="damaged"):
        file.read()


def test_a_change_is_seen_by_who_has_read_before(file: UsersFile) -> None:
    other = UsersFile(file.path.parent)
    other.read()
    file.change(lambda users: users.with_user(ANAND))
    assert other.read().user("anand") == ANAND
    file.path.unlink()
    assert other.read() == Users()


def test_it_is_parsed_only_when_it_has_changed(file: UsersFile) -> None:
    file.change(lambda users: users.with_user(ANAND))
    assert file.read() is file.read()


@pytest.mark.parametrize("name", ["", " ", "a b", "x" * 33, "../x", "x\n", "-x", "नाम", "a/b"])
def test_names(name: str) -> None:
    with pytest.raises(ConfigError, match="is no name"):
        Users().with_user(User(name, "trader", ""))


def test_there_are_not_endlessly_many() -> None:
    users = Users()
    for n in range(USERS_MAX):
        users = users.with_user(User(f"p{n}", "viewer", ""))
    assert users.with_user(User("p1", "trader", "")).user("p1") == User("p1", "trader", "")
    with pytest.raises(ConfigError, match=str(USERS_MAX)):
        users.with_user(ANAND)


ADD = """
import sys
from pathlib import Path
from otrade.web.auth.users import UsersFile, User
file, start = UsersFile(Path(sys.argv[1])), int(sys.argv[2])
for n in range(start, start + 10):
    file.change(lambda users: users.with_user(User(f"p{n}", "viewer", "")))
"""


def test_processes_that_write_together_lose_nothing(file: UsersFile) -> None:
    others = [
        subprocess.Popen([sys.executable, "-c", ADD, file.path.parent, str(start)], cwd=ROOT)
        for start in (0, 10, 20)
    ]
    assert [other.wait(60) for other in others] == [0, 0, 0]
    assert {person.name for person in file.read().users} == {f"p{n}" for n in range(30)}


# ----------------------------------------------------------------------------------------- commands
@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def users_of(folder: Path) -> Users:
    return UsersFile(folder / "var" / ACCESS_DIR).read()


def say(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_password_from_standard_input(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    say(monkeypatch, PASSWORD + "\n")
    assert main.main(["password", "--stdin"]) == 0
    trader = users_of(folder).user("trader")
    assert trader is not None and trader.role == "trader" and is_password(trader.hash, PASSWORD)
    say(monkeypatch, "another of the passwords")
    assert main.main(["password", "--stdin", "--role", "viewer"]) == 0
    trader = users_of(folder).user("trader")
    assert (
        trader is not None
        and trader.role == "viewer"
        and is_password(trader.hash, "another of the passwords")
    )
    said = capsys.readouterr()
    assert "made: trader, trader" in said.out and "changed: trader, viewer" in said.out
    assert PASSWORD not in said.out + said.err and "argon2" not in said.out + said.err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short\n",
        "two lines\nof password\n",
        "x" * 300,
        "aaaaaaaaaaaa\n",
        "1234567890\n",
        "Password1234\n",
    ],
)
def test_passwords_that_will_not_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    say(monkeypatch, text)
    assert main.main(["password", "--stdin"]) == 5
    assert users_of(folder) == Users()
    assert not text.strip() or text.strip() not in capsys.readouterr().err


def test_without_a_terminal_it_does_not_ask(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    say(monkeypatch, PASSWORD)
    assert main.main(["password"]) == 5
    assert "--stdin" in capsys.readouterr().err


def test_on_a_terminal_it_asks_twice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class TypedTerminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    answers = [PASSWORD, "something else", PASSWORD, PASSWORD]
    monkeypatch.setattr(sys, "stdin", TypedTerminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: answers.pop(0))
    assert main.main(["password", "--user", "meera", "--role", "viewer"]) == 5
    assert users_of(folder) == Users()
    assert main.main(["password", "--user", "meera", "--role", "viewer"]) == 0
    meera = users_of(folder).user("meera")
    assert meera is not None and meera.role == "viewer"


def test_an_authenticator(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyotp

    say(monkeypatch, PASSWORD)
    main.main(["password", "--stdin"])
    monkeypatch.setattr(
        "otrade.cli.commands.users.new_totp_secret", lambda: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    )
    monkeypatch.setattr(time, "time", lambda: 1_111_111_109.0)
    say(monkeypatch, "000000\n")
    assert main.main(["password", "--totp"]) == 4
    assert users_of(folder).user("trader").totp == ""
    say(monkeypatch, "081804\n")
    assert main.main(["password", "--totp"]) == 0
    assert pyotp.TOTP(users_of(folder).user("trader").totp).at(59) == "287082"
    assert "otpauth://totp/OTrade:trader" in capsys.readouterr().err
    say(monkeypatch, PASSWORD)
    assert main.main(["password", "--stdin"]) == 0
    assert users_of(folder).user("trader").totp, "another password leaves it"
    assert main.main(["password", "--no-totp"]) == 0
    assert users_of(folder).user("trader").totp == ""
    assert main.main(["password", "--totp", "--user", "nobody"]) == 5


def test_recovery_codes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["password", "--recovery"]) == 5, "of nobody"
    say(monkeypatch, PASSWORD)
    main.main(["password", "--stdin"])
    capsys.readouterr()
    assert main.main(["password", "--recovery"]) == 0
    shown = capsys.readouterr().out.split()
    assert len(set(shown)) == CODES and all(
        re.fullmatch(r"([A-HJ-NP-Z2-9]{4}-){3}[A-HJ-NP-Z2-9]{4}", code) for code in shown
    )
    user = users_of(folder).user("trader")
    assert user is not None and len(user.recovery) == CODES
    kept = user.recovery
    assert [find_code(kept, code) for code in shown] == list(kept)
    for typed in ("", "A" * 16, shown[0][:-1], shown[0] + "A"):
        assert find_code(kept, typed) == ""
    say(monkeypatch, "another of the passwords")
    main.main(["password", "--stdin"])
    user = users_of(folder).user("trader")
    assert user is not None and user.recovery == kept, "another password takes none away"
    main.main(["password", "--recovery"])
    user = users_of(folder).user("trader")
    assert user is not None and not set(kept) & set(user.recovery), "those of before are void"
    capsys.readouterr()
    main.main(["password", "--list"])
    assert "10 recovery codes" in capsys.readouterr().out


def test_a_file_of_before_recovery_codes_is_read(file: UsersFile) -> None:
    file.change(lambda users: users.with_user(User("anand", "trader", "hash")))
    text = file.path.read_text().replace('"recovery": []', '"x": 0')
    assert '"x": 0' in text
    file.path.write_text(text.replace(',\n      "x": 0', ""))
    assert UsersFile(file.path.parent).read().user("anand") == User("anand", "trader", "hash")


def test_the_list_and_removal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["password", "--list"]) == 0
    assert "no user has a password yet" in capsys.readouterr().err
    for name, role in (("anand", "trader"), ("meera", "viewer")):
        say(monkeypatch, PASSWORD)
        main.main(["password", "--stdin", "--user", name, "--role", role])
    capsys.readouterr()
    main.main(["password", "--list"])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["anand", "trader"],
        ["meera", "viewer"],
    ]
    assert main.main(["password", "--remove", "--user", "anand"]) == 0
    assert [person.name for person in users_of(folder).users] == ["meera"]
    assert main.main(["password", "--remove", "--user", "anand"]) == 5
    assert "meera" in capsys.readouterr().err


def test_tokens(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_795_149_000.0)  # 2026-11-20
    assert (
        main.main(["token", "new", "robot", "--scope", "read", "--scope", "trade", "--days", "10"])
        == 0
    )
    said = capsys.readouterr()
    token = said.out.strip()
    assert len(token) > 40 and token not in said.err and "until 2026-11-30" in said.err
    kept = find_token(users_of(folder), token, time.time())
    assert kept is not None and (kept.name, kept.scopes) == ("robot", ("read", "trade"))
    assert token not in json.dumps((folder / "var" / ACCESS_DIR / "people.json").read_text())
    assert find_token(users_of(folder), token, time.time() + 10 * 86_400) is None
    assert main.main(["token", "new", "robot", "--scope", "read"]) == 5, "a name is one script's"
    capsys.readouterr()
    assert main.main(["token", "list"]) == 0
    listed = capsys.readouterr().out
    assert listed.split()[:3] == ["robot", "read,", "trade"] and token not in listed
    assert main.main(["token", "revoke", "robot"]) == 0
    assert find_token(users_of(folder), token, time.time()) is None
    assert main.main(["token", "revoke", "robot"]) == 5


def test_tokens_have_a_scope(folder: Path) -> None:
    for wrong in ([], ["--scope", "root"], ["--scope", "read", "--days", "0"]):
        with pytest.raises(SystemExit):
            main.main(["token", "new", "robot", *wrong])
    assert main.main(["token", "new", "no name", "--scope", "read"]) == 5


def test_a_folder_that_cannot_be_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("var").write_text("in the way")
    say(monkeypatch, PASSWORD)
    assert main.main(["password", "--stdin"]) == 5
    assert "var/access/people.json" in capsys.readouterr().err
    assert os.path.isfile("var")
