"""What can be asked of `otrade.journal.peek`, for those that only ask: it loads no core."""

import msgspec


class RowsQuestion(msgspec.Struct, forbid_unknown_fields=True):
    """`offset` 0 begins at the file's start. `is_tail`: the newest rows instead (not in a
    compressed file).
    """

    kinds: str = ""
    text: str = ""
    offset: int = 0
    limit: int = 200
    is_tail: bool = False


class MomentQuestion(msgspec.Struct, forbid_unknown_fields=True):
    """`ts_ns` 0: the journal's end."""

    ts_ns: int = 0
    curve: bool = False
