"""A report is spelled once: what a broker's report is called is what the core's struct is called."""

from __future__ import annotations

import struct

import pytest

from otrade._core.kernels import layout
from otrade._core.pack import field_names, packer
from otrade._core.types import Ev, Reason, Rec, Side, Source
from otrade.brokers.session import OrderReport
from otrade.journal.memory import MemoryJournal
from tests.core.orders.test_brackets import EngineDriver
from tests.harness.core_engine import order_report

NAMES = field_names("report_t")
REPORT_T = layout.ctypes_struct("report_t")
pack = packer("report_t")


def test_a_brokers_report_has_every_field_of_the_struct() -> None:
    assert set(NAMES) <= set(OrderReport.__struct_fields__)


def test_every_field_arrives_where_the_compiler_reads_it() -> None:
    texts = {"cl_ord_id": "OT000001000A0000000", "broker_order_id": "1914227164488687616"}
    values = {name: at + 1 for at, name in enumerate(NAMES)} | texts
    read = REPORT_T.from_buffer_copy(pack(order_report(**values)))
    for name in NAMES:
        got = getattr(read, name)
        assert (got.decode() if name in texts else got) == values[name], name


@pytest.mark.parametrize(
    ("text", "kept"), [("", ""), ("a₹b", "a?b"), ("x" * 40, "x" * 23), ("ab\0cd", "ab")]
)
def test_a_text_is_cut_to_its_field_and_ends(text: str, kept: str) -> None:
    said = pack(order_report(cl_ord_id=text, broker_order_id=""))
    offset = REPORT_T.cl_ord_id.offset
    assert said[offset : offset + 24] == kept.encode().ljust(24, b"\0")


def test_a_number_that_the_struct_cannot_hold_is_no_report() -> None:
    for bad in ({"cum_qty": 1 << 63}, {"ev": 1 << 31}, {"order_qty": 1.5}, {"price_e4": None}):
        with pytest.raises(struct.error):
            pack(order_report(cl_ord_id="", broker_order_id="", **bad))


def test_what_the_engine_journals_is_what_was_packed() -> None:
    journal = MemoryJournal()
    d = EngineDriver()
    d.e.open_journal(journal.writer, b"{}", d.now)
    report = OrderReport(
        "somebody", "X", Ev.FILL_FULL, Source.PUSH, Side.BUY, 5, 5, 5, 1, 0, 2, False, 0, 0, d.now
    )  # fmt: skip
    assert d.e.on_report(report) == Reason.UNKNOWN_ORDER
    assert [bytes(r.payload) for r in journal.records() if r.kind == Rec.REPORT] == [pack(report)]
