"""What the process is told at its start, on its standard input: all that it holds."""

import msgspec


class HookSender(msgspec.Struct, frozen=True):
    """Who posts to a path. With `secret`, orders that are proved by it; without, token notices that
    are passed on unread.
    """

    broker: str
    secret: str = ""
    user_id: str = ""

    def __repr__(self) -> str:
        return f"HookSender({self.broker})"


class HooksSettings(msgspec.Struct, frozen=True):
    """`run_dir` has the engine's socket. `ends_with_parent`: whoever has started it wants it no
    longer than himself.
    """

    host: str
    port: int
    run_dir: str
    senders: dict[str, HookSender]
    ends_with_parent: bool = True
