"""Configuration: what is accepted, what is refused, and whether the refusal helps."""

import os
from pathlib import Path

import msgspec
import orjson
import pytest

from otrade.config import manager
from otrade.config.manager import ConfigManager, ReloadResult
from otrade.config.schema import Config
from otrade.config.secret import Secret, read_secrets
from otrade.errors import ConfigError

ROOT = Path(__file__).parents[2]


def good():
    return {
        "mode": "paper",
        "instruments": [{"symbol": "NSE:INFY"}, {"symbol": "NSE:TCS"}],
        "strategies": [
            {
                "kind": "ema_cross",
                "name": "one",
                "instrument": "NSE:INFY",
                "sizing": {"mode": "fixed", "value": 10},
                "bracket": {"stop": {"kind": "pct", "value": 0.5}},
                "params": {"fast_period": 9, "slow_period": 21},
            }
        ],
    }


def edited(path, value):
    """`good()` with one place changed; `...` as the value removes it."""
    data = node = good()
    *way, last = path
    for step in way:
        node = node.setdefault(step, {}) if isinstance(node, dict) else node[step]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return data


def refuse(data):
    with pytest.raises(ConfigError) as caught:
        manager.from_bytes(orjson.dumps(data), "my.json")
    return caught.value


def test_shares_for_delivery_cannot_have_stop_and_target_on_sale():
    """The broker rejects a second sale of the same shares: "RMS:Rule: Check holdings"."""
    data = edited(("instruments", 0, "product"), "CNC")
    (strategy,) = data["strategies"]
    strategy["params"]["side"] = "long"
    strategy["bracket"] |= {"exit_mode": "oco", "target": {"kind": "pct", "value": 1}}
    error = str(refuse(data))
    assert "strategies[0].bracket.exit_mode" in error and "on sale only once" in error
    strategy["bracket"]["exit_mode"] = "auto"
    manager.from_bytes(orjson.dumps(data), "my.json")


def test_defaults_fill_what_is_not_said():
    config = manager.from_bytes(orjson.dumps(good()), "my.json")
    assert (config.web.port, config.risk.max_open_positions, config.broker.orders_per_s) == (
        8000,
        5,
        9,
    )
    assert msgspec.json.decode(manager.to_bytes(config), type=Config) == config


@pytest.mark.parametrize(
    ("path", "value", "where", "words"),
    [
        (("riskk",), {}, "top level", ["riskk", "did you mean 'risk'"]),
        (
            ("risk", "max_daily_los_rupees"),
            1,
            "risk",
            ["max_daily_los_rupees", "did you mean 'max_daily_loss_rupees'", "stale_feed_ms"],
        ),
        (
            ("strategies", 0, "params", "fast_perod"),
            9,
            "strategies[0].params",
            ["did you mean 'fast_period'", "slow_period"],
        ),
        (("mode",), "real", "mode", ["real"]),
        (("mode",), ..., "top level", ["mode"]),
        (("web", "port"), 70_000, "web.port", ["65535"]),
        (("web", "port"), "8000", "web.port", ["int", "str"]),
        (("web", "host"), "0.0.0.0", "web.host", ["0.0.0.0"]),
        (("broker", "orders_per_s"), 11, "broker.orders_per_s", ["10"]),
        (("risk", "max_trades_per_day"), -1, "risk.max_trades_per_day", [">= 0"]),
        (("strategies", 0, "kind"), "magic", "strategies[0].kind", ["magic"]),
        (("strategies", 0, "bracket", "stop"), ..., "strategies[0].bracket", ["stop"]),
        (
            ("strategies", 0, "params", "fast_period"),
            30,
            "strategies[0].params",
            ["30", "below slow_period 21"],
        ),
        (
            ("strategies", 0, "instrument"),
            "NSE:SBIN",
            "strategies[0].instrument",
            ["not among the instruments", "NSE:INFY, NSE:TCS"],
        ),
        (
            ("strategies", 0, "bracket", "target"),
            {"kind": "atr", "value": 2},
            "strategies[0].bracket.target.kind",
            ["params.atr"],
        ),
        (
            ("strategies", 0, "bracket", "exit_mode"),
            "oco",
            "strategies[0].bracket.target",
            ["needs a target"],
        ),
        (
            ("strategies", 0, "bracket", "stop", "value"),
            80,
            "strategies[0].bracket.stop",
            ["at most 50"],
        ),
        (
            ("strategies", 0, "params", "time_of_day"),
            {"start": "15:00", "until": "10:00"},
            "strategies[0].params.time_of_day",
            ["before"],
        ),
        (
            ("strategies", 0, "params", "time_of_day"),
            {"start": "25:00"},
            "strategies[0].params.time_of_day.start",
            ["regex", "[0-5][0-9]"],
        ),
        (("instruments", 1, "symbol"), "NSE:INFY", "instruments[1].symbol", ["twice"]),
        (("instruments", 1, "symbol"), "INFY", "instruments[1].symbol", ["regex", "[A-Z]{3,5}:"]),
        (("instruments",), [], "instruments", ["1"]),
        (
            ("broker", "market_protection_pct"),
            0,
            "broker.market_protection_pct",
            ["-1 (automatic)"],
        ),
        (("broker", "exit_reserve_per_s"), 9, "broker.exit_reserve_per_s", ["orders_per_s 9"]),
        (("instruments", 0, "product"), "CNC", "strategies[0].params.side", ["sold short", "long"]),
        (
            ("instruments", 1),
            {"symbol": "NFO:NIFTY.FUT", "product": "CNC"},
            "instruments[1].product",
            ["shares only", "MIS, NRML"],
        ),
        (("strategies", 0, "sizing", "value"), 0.5, "strategies[0].sizing.value", ["whole number"]),
        (
            ("strategies", 0, "params", "rsi"),
            {"long_min": 60, "long_max": 40},
            "strategies[0].params.rsi",
            ["nothing could pass"],
        ),
        (
            ("strategies", 0, "params", "atr"),
            {"min_bps": 60, "max_bps": 40},
            "strategies[0].params.atr",
            ["nothing could pass"],
        ),
        (("broker", "rest_url"), "http://api.kite.trade", "broker.rest_url", ["not encrypted"]),
        (("broker", "feed_url"), "https://ws.kite.trade", "broker.feed_url", ["wss://"]),
        (("broker", "rest_url"), "https://a:hunter2@x", "broker.rest_url", ["holds a password"]),
        (("broker", "login_url"), "https://[", "broker.login_url", ["not an address"]),
        (("sessions", "entry_stop_min"), 5, "sessions.entry_stop_min", ["square_off_min"]),
        (
            ("web",),
            {"host": "192.168.1.5"},
            "web.host",
            ["web.tls_cert and web.tls_key", "127.0.0.1"],
        ),
        (("web",), {"host": "::"}, "web.host", ["web.tls_cert"]),
        (("web",), {"host": "example.com"}, "web.host", []),
        (("web",), {"host": "1.2.3"}, "web.host", ["is no address"]),
        (("web",), {"host": "0.0.0.0", "tls_cert": "c.pem"}, "web.tls_key", ["come together"]),
        (("web",), {"tls_key": "k.pem"}, "web.tls_cert", ["come together"]),
        (
            ("web",),
            {"host": "0.0.0.0", "tls_cert": "c.pem", "tls_key": "k.pem"},
            "web.names",
            ["every address"],
        ),
        (("web",), {"names": ["a name"]}, "web.names[0]", []),
    ],
)
def test_a_refusal_names_file_path_and_what_is_allowed(path, value, where, words):
    err = refuse(edited(path, value))
    assert err.file == "my.json"
    assert err.path == where
    for word in words:
        assert word in str(err), str(err)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", ["line 1", "cut in half"]),
        (b'{"mode": "paper", "instr', ["line 1", "cut in half"]),
        (b'{\n "mode": paper }', ["line 2, column 10"]),
        (b"[]", ["top level", "object"]),
    ],
)
def test_broken_json_names_line_and_column(raw, words):
    with pytest.raises(ConfigError) as caught:
        manager.from_bytes(raw, "my.json")
    for word in words:
        assert word in str(caught.value)


def test_a_key_that_is_written_twice_is_refused():
    raw = orjson.dumps(good()).replace(b'"mode":"paper"', b'"mode":"paper","mode":"live"')
    with pytest.raises(ConfigError, match="'mode' is written twice"):
        manager.from_bytes(raw, "my.json")


@pytest.mark.parametrize(
    "web",
    [
        {"host": "localhost"},
        {"host": "::1"},
        {"host": "192.168.1.5", "tls_cert": "c.pem", "tls_key": "k.pem"},
        {
            "host": "0.0.0.0",
            "tls_cert": "c.pem",
            "tls_key": "k.pem",
            "names": ["desk.example", "10.0.0.7"],
        },
        {"tls_cert": "c.pem", "tls_key": "k.pem"},
    ],
)
def test_a_page_that_others_reach_has_tls(web):
    assert manager.from_bytes(orjson.dumps(edited(("web",), web)), "my.json").web.port == 8000


@pytest.mark.parametrize("url", ["http://127.0.0.1:8700", "http://localhost:1", "http://[::1]:1"])
def test_a_server_on_this_machine_needs_no_encryption(url):
    manager.from_bytes(orjson.dumps(edited(("broker", "rest_url"), url)), "my.json")


TRAIL = {"kind": "pct", "distance": 0.4, "step": 0.1}


@pytest.mark.parametrize(
    ("trail", "where"),
    [
        (TRAIL, "distance"),
        (TRAIL | {"activate": 0}, "distance"),
        ({"kind": "rupees", "distance": 50, "step": 1}, "activate"),
        (TRAIL | {"distance": 0.5}, ""),
        (TRAIL | {"distance": 0.6}, ""),
        (TRAIL | {"activate": 0.1}, ""),
        ({"kind": "rupees", "distance": 1, "step": 1, "activate": 2}, ""),
    ],
)
def test_a_trail_may_not_begin_nearer_than_the_stop(trail, where):
    """The stop is half a per cent away."""
    raw = orjson.dumps(edited(("strategies", 0, "bracket", "trail"), trail))
    if not where:
        manager.from_bytes(raw, "my.json")
        return
    with pytest.raises(ConfigError, match=rf"strategies\[0\]\.bracket\.trail\.{where}"):
        manager.from_bytes(raw, "my.json")


@pytest.mark.parametrize(
    ("params", "warm_start", "is_good"),
    [
        ({"bar_s": 3_600, "fast_period": 3, "slow_period": 6}, False, True),
        ({"bar_s": 3_600, "fast_period": 3, "slow_period": 7}, False, False),
        ({"bar_s": 3_600, "fast_period": 3, "slow_period": 8}, True, True),
        ({"bar_s": 3_630, "fast_period": 3, "slow_period": 8}, True, False),
        ({"bar_s": 3_600, "fast_period": 3, "slow_period": 8, "on": "tick"}, False, True),
        ({"bar_s": 3_600, "fast_period": 3, "slow_period": 5, "rsi": {"period": 6}}, False, False),
        ({"bar_s": 3_600, "on": "tick", "atr": {"period": 6}}, False, False),
        ({"bar_s": 3_600, "on": "tick", "atr": {"period": 5}}, False, True),
        ({"bar_s": 60, "fast_period": 9, "slow_period": 375}, False, False),
        ({"bar_s": 60, "fast_period": 9, "slow_period": 374}, False, True),
    ],
)
def test_what_is_never_ready_is_refused(params, warm_start, is_good):
    """Six bars of an hour end before a session of shares does; what the last one says is too late."""
    config = edited(("strategies", 0, "params"), params)
    config["strategies"][0]["warm_start"] = warm_start
    if is_good:
        manager.from_bytes(orjson.dumps(config), "my.json")
        return
    with pytest.raises(ConfigError, match=r"strategies\[0\]\.params\.bar_s.*never ready"):
        manager.from_bytes(orjson.dumps(config), "my.json")


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.999])
def test_a_default_file_cut_anywhere_is_refused_with_a_place(cut):
    raw = manager.default_bytes("paper.json")
    with pytest.raises(ConfigError, match=r"line \d+, column \d+"):
        manager.from_bytes(raw[: int(len(raw.rstrip()) * cut)], "paper.json")


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(ConfigError, match="otrade init"):
        manager.load(tmp_path / "none.json")


def test_init_writes_what_is_missing_and_touches_nothing_else(tmp_path):
    mine = tmp_path / "config"
    mine.mkdir()
    (mine / "paper.json").write_text("mine")
    written = {p.name for p in manager.init(mine)}
    assert written == {
        "live.kite.example.json",
        "live.upstox.example.json",
        "calendar.json",
        "square_off.json",
        "schema.json",
    }
    assert (mine / "paper.json").read_text() == "mine"
    assert manager.init(mine) == []
    (mine / "calendar.json").unlink()
    (mine / "calendar.json").symlink_to(tmp_path / "elsewhere")
    assert manager.init(mine) == [] and not (tmp_path / "elsewhere").exists()
    assert {
        p.stat().st_mode & 0o077 for p in mine.iterdir() if not p.is_symlink() and p.name in written
    } == {0}


@pytest.mark.parametrize(
    "name", ["paper.json", "live.kite.example.json", "live.upstox.example.json"]
)
def test_the_files_that_come_with_it_are_good_and_the_same_twice(name):
    config = manager.load(ROOT / "config" / name)
    assert config.strategies
    assert (ROOT / "config" / name).read_bytes() == manager.default_bytes(name)


def test_the_committed_schema_is_the_code_s():
    assert (ROOT / "config" / "schema.json").read_bytes() == manager.json_schema()
    assert (ROOT / "config" / "calendar.json").read_bytes() == manager.default_bytes(
        "calendar.json"
    )


def test_the_schema_describes_every_kind_of_strategy():
    schema = orjson.loads(manager.json_schema())
    for kind in ("ema_cross", "sma_cross", "price_ema", "price_sma", "price_level"):
        assert any(
            d.get("properties", {}).get("kind", {}).get("enum") == [kind]
            for d in schema["$defs"].values()
        ), kind


# ------------------------------------------------------------------ reload
def reloaded(tmp_path, data) -> tuple[ConfigManager, ReloadResult]:
    path = tmp_path / "c.json"
    path.write_bytes(orjson.dumps(good()))
    held = ConfigManager(path)
    assert not held.has_changed()
    path.write_bytes(data if isinstance(data, bytes) else orjson.dumps(data))
    os.utime(path, ns=(1, 1))
    assert held.has_changed()
    return held, held.reload()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("risk", "max_daily_loss_rupees"), 5.0),
        (("strategies", 0, "enabled"), False),
        (("risk", "on_limit"), "flatten"),
        (("engine", "on_stop"), "leave"),
    ],
)
def test_what_may_change_while_trading(tmp_path, path, value):
    held, result = reloaded(tmp_path, edited(path, value))
    assert len(result.changed) == 1 and not result.later
    assert held.config == result.config


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("mode",), "live", "mode"),
        (("instruments",), [{"symbol": "NSE:INFY"}], "instruments"),
        (("strategies", 0, "params", "fast_period"), 5, "strategies[0].params.fast_period"),
        (("strategies", 0, "bracket", "stop", "value"), 0.7, "strategies[0].bracket.stop.value"),
        (("broker", "orders_per_s"), 5, "broker.orders_per_s"),
        (("log", "level"), "debug", "log.level"),
        (("risk", "cooldown_after_stop_s"), 1.0, "risk.cooldown_after_stop_s"),
        (("strategies",), [], "strategies"),
    ],
)
def test_what_needs_a_restart_is_named_and_a_lowered_limit_beside_it_is_in_force(
    tmp_path, path, value, named
):
    data = edited(path, value)
    data.setdefault("risk", {})["max_daily_loss_rupees"] = 1.0
    held, result = reloaded(tmp_path, data)
    assert result.changed == ["risk.max_daily_loss_rupees"] and result.later == [named]
    assert held.config == manager.from_bytes(
        orjson.dumps(edited(("risk", "max_daily_loss_rupees"), 1.0)), ""
    ), "and nothing else"


def test_a_switch_finds_its_strategy_by_name(tmp_path):
    """Places in the list have moved: the first one of the file is the second one in force."""
    data = good()
    first = data["strategies"][0]
    data["strategies"] = [first, {**first, "name": "other"}]
    path = tmp_path / "c.json"
    path.write_bytes(orjson.dumps(data))
    held = ConfigManager(path)
    data["strategies"] = [{**first, "name": "other", "enabled": False}, {**first, "name": "new"}]
    path.write_bytes(orjson.dumps(data))
    result = held.reload()
    assert [(s.name, s.enabled) for s in held.config.strategies] == [
        (first["name"], True),
        ("other", False),
    ]
    assert result.changed == ["strategies[1].enabled"]
    assert result.later[0] == "strategies[0].name"


def test_a_bad_file_keeps_the_old_one(tmp_path):
    held, result = reloaded(tmp_path, b'{"mode": "pa')
    assert "cut in half" in result.error and not result.changed
    assert held.config.mode == "paper"
    assert not held.has_changed(), "the same bad file is not read again and again"


def test_an_unchanged_file_changes_nothing(tmp_path):
    _, result = reloaded(tmp_path, good())
    assert result.changed == result.later == [] and not result.error


# ------------------------------------------------------------------ secrets
def test_a_secret_does_not_show():
    s = Secret("hunter2")
    assert "hunter2" not in f"{s} {s!r} {[s]} { ({'a': s}) }"
    assert s.reveal() == "hunter2"
    with pytest.raises(TypeError):
        __import__("pickle").dumps(s)


def test_secrets_come_from_the_environment_and_then_from_a_private_file(tmp_path):
    path = tmp_path / "secrets.json"
    path.write_text('{"OTRADE_KITE_API_KEY": "file", "OTRADE_KITE_API_SECRET": "s"}')
    path.chmod(0o600)
    found = read_secrets(path, {"OTRADE_KITE_API_KEY": "env"})
    assert {k: v.reveal() for k, v in found.items()} == {
        "OTRADE_KITE_API_KEY": "env",
        "OTRADE_KITE_API_SECRET": "s",
    }


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_may_read_is_refused_with_the_fix(tmp_path, mode):
    path = tmp_path / "secrets.json"
    path.write_text("{}")
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_secrets(path, {})


@pytest.mark.parametrize(
    "text", ['{"OTRADE_KITE_API_KEY": 5}', "[]", "{", '{"PASSWORD": "hunter2"}']
)
def test_a_malformed_secrets_file_is_refused_and_never_quoted(tmp_path, text):
    path = tmp_path / "secrets.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        read_secrets(path, {})
    assert "hunter2" not in str(caught.value)
