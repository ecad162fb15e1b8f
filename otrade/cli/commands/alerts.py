"""`otrade alerts test`: does an alert reach you? Asked of every target of a configuration, without
an engine.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from otrade.config.manager import load
from otrade.errors import ConfigError
from otrade.live.alerts.retry_queue import PendingAlert
from otrade.live.alerts.sender_process import Notify, addresses

STOPPED = 4


def test(config: Path, target: str) -> int:
    """One try to each target, or to the one that is named. Exit code 4 when not every one of them
    took it.

    ConfigError when there is no such target.
    """
    settings = load(config)
    names = [one.name for one in settings.alerts.targets if target in ("", one.name)]
    if not names:
        known = ", ".join(one.name for one in settings.alerts.targets) or "none is configured"
        words = f"there is no alert target {target!r}" if target else "no alerts are configured"
        raise ConfigError(words, file=str(config), path="alerts.targets", allowed=known)
    notifies, bad = addresses(names, Path(settings.paths.secrets))
    return deliver(
        f"OTrade {settings.engine.name} {settings.mode.upper()}: info, ALERT TEST",
        names,
        notifies,
        bad,
    )


def deliver(
    title: str, names: list[str], notifies: Mapping[str, Notify], bad: Mapping[str, str]
) -> int:
    """Try, and say what came of it."""
    code = 0
    for name in names:
        if name in notifies:
            ok, why = notifies[name](
                PendingAlert(1, 0, title, "This is a test. Alerts reach you here.")
            )
        else:
            ok, why = False, bad[name]
        print(
            f"{name}: delivered" if ok else f"{name}: NOT delivered: {why}",
            file=sys.stdout if ok else sys.stderr,
        )
        code = code if ok else STOPPED
    return code
