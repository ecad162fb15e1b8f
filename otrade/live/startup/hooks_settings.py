"""What the hooks' process is told: where to listen, and the secrets by which senders are proved."""

import os

from otrade.brokers.registry import BROKERS
from otrade.config.schema import Config
from otrade.config.socket_folders import hooks_folder
from otrade.hooks.settings import HookSender, HooksSettings
from otrade.live.startup.credentials import LiveAccess


def hooks_settings(
    config: Config, access: LiveAccess, *, ends_with_parent: bool = True
) -> HooksSettings:
    """For the broker that trades; of another one nothing is listened to."""
    row = BROKERS[access.adapter.name]
    senders: dict[str, HookSender] = {}
    if row.order_hook:
        senders[row.order_hook] = HookSender(
            row.name, access.postback_secret(), access.known_user()
        )
    if row.token_hook:
        senders[row.token_hook] = HookSender(row.name)
    host = "127.0.0.1" if config.hooks.host == "localhost" else config.hooks.host
    folder = os.path.abspath(hooks_folder(config))
    return HooksSettings(host, config.hooks.port, folder, senders, ends_with_parent)
