"""How long order requests took on days of your own, out of their journals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from otrade._core.types import Ev, Rec
from otrade.errors import BacktestError
from otrade.journal.scan import salvage

SEQ_BYTES = 4


def round_trips_ns(paths: Sequence[Path]) -> list[int]:
    """From a request's last byte until its answer, of each that was answered. BacktestError where there
    is none.
    """
    found: list[int] = []
    for path in paths:
        sent: dict[bytes, int] = {}
        for record in salvage(path):
            if record.kind == Rec.HELLO:
                sent.clear()
            elif record.kind == Rec.SENT:
                sent[bytes(record.payload[:SEQ_BYTES])] = record.ts_ns
            elif record.kind == Rec.ANSWER:
                began_ns = sent.pop(bytes(record.payload[:SEQ_BYTES]), None)
                outcome = int.from_bytes(record.payload[SEQ_BYTES : 2 * SEQ_BYTES], "little")
                if began_ns is not None and outcome != Ev.TIMEOUT and record.ts_ns >= began_ns:
                    found.append(record.ts_ns - began_ns)
    if not found:
        raise BacktestError(
            "--latency journal: no journal tells of an order's round trip; name some with --journals, or say milliseconds"
        )
    return found
