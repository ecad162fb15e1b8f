"""Every (status, event) and (pending, event) pair of the order table, against a matrix written by
hand from the FIX meanings.

The matrix is a second spelling on purpose: a row changed in one place and not in the other fails
here.
"""

import itertools

import pytest

from otrade._core.orders import order
from otrade._core.orders.order import take_counts
from otrade._core.types import Ev, Halt, OrdStatus, Pending, Reason
from tests.core.orders.test_brackets import EngineDriver

# One letter a status: I initialized, D denied, P pending new, N new, T partially filled, F filled,
# C canceled, R rejected,
# X expired, U unknown, A absent; "." is illegal. Columns are Ev in its own order.
LETTERS = "IDPNTFCRXUA"
EVENTS = [e.name for e in Ev]
MATRIX = {
    # DENY SEND_NEW SEND_REPLACE SEND_CANCEL ACK REFUSED TIMEOUT ABSENT ACCEPTED WORKING FILL_PART
    # FILL_FULL CANCELED REJECTED EXPIRED REPLACED REPLACE_REJECTED CANCEL_REJECTED UNKNOWN
    "I": "DP.................",
    "D": "...................",
    "P": "...PPRPAPNTFCRXNPPU",
    "N": "..NNN.N.NNTFCRXNNNU",
    "T": "..TTT.T.TTTFCRXTTTU",
    "F": "....F.F.FFFFF.FFFFF",
    "C": "....C.C.CCCFC.CCCCC",
    "R": "....R.R.RRRFRRRRRRR",
    "X": "....X.X.XXXFX.XXXXX",
    "U": "...UU.UAUNTFCRXNUUU",
    "A": "....P...PNTFCRX...U",
}
# Pending: 0 none, n new, r replace, c cancel.
PENDING_LETTERS = "0nrc"
PENDING_MATRIX = {
    "0": "0nrc0.0000000000000",
    "n": "....00n000000000..0",
    "r": "....r.r0rrr00000" + "0" + ".r",
    "c": "....c.c0ccc0000c.0c",
}


def test_the_matrices_cover_every_pair():
    assert len(EVENTS) == 19
    assert [len(row) for row in MATRIX.values()] == [19] * len(OrdStatus)
    assert [len(row) for row in PENDING_MATRIX.values()] == [19] * len(Pending)


@pytest.mark.parametrize(("status", "ev"), list(itertools.product(OrdStatus, Ev)))
def test_status_axis(status, ev):
    want = MATRIX[LETTERS[status]][ev]
    # Any pending that lets the event through shows the status axis alone.
    pendings = [p for p in Pending if PENDING_MATRIX[PENDING_LETTERS[p]][ev] != "."]
    got = {order.step(status, p, 0, ev)[0::3] for p in pendings}
    if want == ".":
        assert got == {(status, Reason.ILLEGAL_EVENT)}
    else:
        assert got == {(OrdStatus(LETTERS.index(want)), Reason.OK)}


@pytest.mark.parametrize(("pending", "ev"), list(itertools.product(Pending, Ev)))
def test_pending_axis(pending, ev):
    want = PENDING_MATRIX[PENDING_LETTERS[pending]][ev]
    statuses = [s for s in OrdStatus if MATRIX[LETTERS[s]][ev] != "." and s != OrdStatus.ABSENT]
    for status in statuses:
        _, got, _, reason = order.step(status, pending, 0, ev)
        if want == ".":
            assert (got, reason) == (pending, Reason.ILLEGAL_EVENT)
        else:
            assert (got, reason) == (PENDING_LETTERS.index(want), Reason.OK)


def test_an_illegal_event_changes_nothing():
    for status, pending, doubt, ev in itertools.product(OrdStatus, Pending, (0, 1), range(-2, 40)):
        *after, reason = order.step(status, pending, doubt, ev)
        if reason != Reason.OK:
            assert after == [status, pending, doubt]


def test_only_an_absent_order_comes_back_to_life():
    ended = {
        OrdStatus.FILLED,
        OrdStatus.CANCELED,
        OrdStatus.REJECTED,
        OrdStatus.EXPIRED,
        OrdStatus.DENIED,
    }
    for status, pending, ev in itertools.product(ended, Pending, Ev):
        assert order.step(status, pending, 0, ev)[0] in ended


def test_doubt_begins_with_a_timeout_and_ends_with_the_request():
    assert order.step(OrdStatus.PENDING_NEW, Pending.NEW, 0, Ev.TIMEOUT)[:3] == (
        OrdStatus.PENDING_NEW,
        Pending.NEW,
        1,
    )
    for status, pending, ev in itertools.product(OrdStatus, Pending, Ev):
        after_status, after_pending, doubt, reason = order.step(status, pending, 1, ev)
        if reason == Reason.OK and after_pending == Pending.NONE:
            assert doubt == 0, (status, pending, ev)
        if reason == Reason.OK and doubt and not (pending and after_pending):
            pytest.fail(f"doubt without a request: {status!r} {pending!r} {ev!r}")


def test_one_request_at_a_time():
    for pending, ev in itertools.product(
        (Pending.NEW, Pending.REPLACE, Pending.CANCEL),
        (Ev.SEND_NEW, Ev.SEND_REPLACE, Ev.SEND_CANCEL),
    ):
        for status in OrdStatus:
            assert order.step(status, pending, 0, ev)[3] == Reason.ILLEGAL_EVENT


def test_a_row_is_never_said_twice():
    for rows in (order.STATUS_ROWS, order.PENDING_ROWS):
        keys = [(row[0], row[1]) for row in rows]
        assert len(keys) == len(set(keys))


def test_each_pair_of_state_and_event_is_counted_once_and_no_other_is_named() -> None:
    """What a drill says that it has covered."""
    take_counts()
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    d.say(entry, Ev.WORKING)
    assert take_counts() == {
        ("INITIALIZED", "SEND_NEW"): 1,
        ("asked NONE", "SEND_NEW"): 1,
        ("PENDING_NEW", "ACK"): 1,
        ("asked NEW", "ACK"): 1,
        ("PENDING_NEW", "WORKING"): 1,
        ("NEW", "WORKING"): 1,
        ("asked NONE", "WORKING"): 2,
    }
    assert take_counts() == {}, "and begun anew"


@pytest.mark.parametrize("asked", ["NONE", "CANCEL"])
@pytest.mark.parametrize(
    "ev", [ev for ev in Ev if ev not in (Ev.DENY, Ev.SEND_NEW, Ev.SEND_REPLACE, Ev.SEND_CANCEL)]
)
def test_a_report_confirms_a_change_only_while_one_is_asked_for(asked: str, ev: Ev) -> None:
    """Whatever word it brings, with the terms that stand: that pair of the table never comes
    (`drill.coverage` does not expect it).
    """
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    if asked == "CANCEL":
        d.e.on_halt(Halt.HALTED, Reason.KILL_FILE, d.now)
    assert d.e.order(entry.order_slot)["pending"] == Pending[asked]
    take_counts()
    d.say(entry, ev)
    counts = take_counts()
    assert not [pair for pair in counts if pair[1] == "REPLACED"]
    assert [pair for pair in counts if pair[0] == f"asked {asked}"]
