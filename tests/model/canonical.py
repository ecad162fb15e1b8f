"""When two states are the same: everything that any later decision may depend on is equal. What is left out, and why that is sound:

- Absolute time. Each time is told by how long ago it was, to the millisecond: all lengths that the
  core compares with are tenths of seconds or more. Times that it compares with each other (request,
  answer, doubt, report, book) are told by who came first as well. What reads the clock's own value
  (session hours, minutes of the rate budget) has one answer here: the square-off's moment is an
  event of its own, and there is no limit of requests.
- A pause that is over. `now < until` is all that is ever asked of it.
- Times of orders that have ended, of doubts, looks and requests that are over: each is written anew before it is read. What is longer ago
  than the longest time that the core remembers anything for is long ago.
- Counters, rings, the journal's sequence, measures of time without a stop, profit, bars: shown to people, and no decision reads them
  (no limit of loss is set, the strategy looks at the price alone). A request is told by its order, and by whether it is that order's last.

Everything else is taken as it stands, so that a field that is forgotten here makes more states and hides none.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple

from otrade._core.kernels.layout import dtype
from otrade.strategy.builtin import FOLDER
from otrade.strategy.check.file import read
from otrade.strategy.indicators.trend import Cross
from otrade.strategy.words.cell import structure
from tests.model.state import State

NO_DECISION = {
    "order_t": "reason _pad ts_sent_ns ts_known_ns request_seq",
    "bracket_t": "refused_seq target_refused_seq fix_refused_seq protected_qty ts_open_ns ts_close_ns naked_since_ns "
    "naked_total_ns naked_worst_ns target_since_ns target_total_ns target_worst_ns told_at_band trail_said exit_reason",
    "market_t": "prev_ltp_e4 ts_exch_ns volume ltq d_volume n_ticks open_e4 high_e4 low_e4 close_e4 avg_px_e4 oi buy_qty sell_qty "
    "ts_trade_ns n_refused ts_price_ns ts_book_ns ts_bar_ns kind feed feed_last traded n_agree absurd_px_e4 absurd_since_ns "
    "absurd_ts_ns absurd_volume n_absurd bare feeds_heard feeds_timed",
    "instrument_t": "open_ns entry_from_ns entry_until_ns square_off_ns close_ns quote_wanted symbol exchange",
    "position_t": "buy_qty sell_qty buy_value_e4 sell_value_e4 mark_e4 pnl_e4",
    "risk_state_t": "pnl_e4 peak_e4 drawdown_e4 n_denied",
}
"""Fields, by struct, that nothing is decided by."""
TIMES = {
    "order_t": "ts_intent_ns ts_ack_ns ts_report_ns ts_doubt_ns ts_look_ns ts_busy_ns",
    "bracket_t": "ts_entry_ns entry_expire_ns stop_crossed_ns ts_armed_ns trail_waits_ns refused_ts_ns flat_ts_ns",
    "market_t": "ts_recv_ns",
    "instrument_t": "band_ts_ns quote_ts_ns",
}
UNTIL = {"bracket_t": "ladder_next_ns retry_ns target_retry_ns fix_retry_ns renew_ns"}
MS = 1_000_000
LONG_AGO_MS = 65_000
BRACKET_EXITING = 3
BRACKET_CLOSED = 4
TYPE_MARKET = 1
PENDING_NEW = 2
ENDED = (5, 6, 7, 8)
"""FILLED, CANCELED, REJECTED, EXPIRED: none of them becomes a live order again. ABSENT may."""


class BelievedOrder(NamedTuple):
    """What the core believes of one order."""

    ord_status: int
    pending: int
    in_doubt: int
    cum_qty: int
    tag: str


class _Reader:
    """Of one struct: the slices to keep, and readers of its times."""

    def __init__(self, name: str) -> None:
        layout = dtype(name)
        fields = layout.fields
        assert fields is not None and layout.names is not None
        self.size = layout.itemsize
        skipped = {
            *NO_DECISION.get(name, "").split(),
            *TIMES.get(name, "").split(),
            *UNTIL.get(name, "").split(),
        }
        assert skipped <= set(layout.names), skipped - set(layout.names)
        self.slices: list[tuple[int, int]] = []
        for field in layout.names:
            start = int(fields[field][1])
            stop = start + fields[field][0].itemsize
            if field in skipped:
                continue
            if self.slices and self.slices[-1][1] == start:
                self.slices[-1] = (self.slices[-1][0], stop)
            else:
                self.slices.append((start, stop))
        self.times = self.struct(TIMES.get(name, ""), name)
        self.untils = self.struct(UNTIL.get(name, ""), name)

    @staticmethod
    def struct(names: str, of: str) -> struct.Struct:
        """Reads these fields alone, in the order of the layout."""
        layout = dtype(of)
        assert layout.fields is not None and layout.names is not None
        codes, at = "<", 0
        for field in layout.names:
            if field in names.split():
                kind, start = layout.fields[field][:2]
                codes += f"{start - at}x" + {"int64": "q", "int32": "i", "uint32": "I"}[kind.name]
                at = start + kind.itemsize
        return struct.Struct(codes)

    def kept(self, data: bytes, at: int, out: list[bytes]) -> None:
        for start, stop in self.slices:
            out.append(data[at + start : at + stop])


class Canonical:
    """Reads what `Checkpoint.save` returns of one engine."""

    def __init__(self, places: dict[str, int]) -> None:
        """`places` of an engine without orders and brackets."""
        self.places = places
        self.order, self.bracket, self.market, self.instrument, self.position, self.risk = map(
            _Reader,
            ("order_t", "bracket_t", "market_t", "instrument_t", "position_t", "risk_state_t"),
        )
        self._flags = _Reader.struct(
            "ord_status pending in_doubt looks req_type request_seq", "order_t"
        )
        self._belief = _Reader.struct("ord_status pending in_doubt cum_qty", "order_t")
        names = dtype("order_t").fields
        assert names is not None
        self._tag = int(names["cl_ord_id"][1])
        self._seqs = _Reader.struct(
            "stop_slot target_slot fix_slot refused_seq target_refused_seq fix_refused_seq",
            "bracket_t",
        )
        self._state = _Reader.struct("state", "bracket_t")
        self._hurry = _Reader.struct("state target_armed open_qty", "bracket_t")
        self._uses = _Reader.struct("target_armed time_exit_ns", "bracket_t")
        spec = read(FOLDER / "price_level.py")  # the kind that is explored
        sides = structure("Cross", Cross.rows())
        at = structure("state", spec.state_rows).sides.offset + sides.side.offset
        self._side = places["kernels"] + int(at)
        p = places
        cuts = [
            (p["command_head"], 14 * 8),  # four of commands, three each of notices, signals and bars, the count of events
            (p["seq"], 4), (p["now_ns"], 16), (p["poll_next_ns"], 24), (p["run_id"], 8),
            (p["risk"], self.risk.size), (p["budget"], p["counters"] - p["budget"]), (p["counters"], p["size_of_counters"]),
        ]  # fmt: skip
        self._core = _without(cuts, 0, p["size_of_core"])
        at = p["strategies"]
        cuts = [
            (at, p["instrument_id"]),  # plan and signal
            *(
                (at + p[name], 8)
                for name in ("reverse_until_ns", "cooldown_until_ns", "brake_until_ns")
            ),
            (at + p["n_signals"], 16),
        ]
        self._strategy = _without(cuts, at, at + p["size_of_strategy"])
        self._now = p["now_ns"]
        self._scalar_times = [p[name] for name in ("ts_frame_ns", "book_request_ns")]
        self._scalar_untils = [p["poll_next_ns"], p["wait_next_ns"]] + [
            at + p[name] for name in ("reverse_until_ns", "cooldown_until_ns", "brake_until_ns")
        ]
        self._tables = p["live"]

    def _where(self, data: bytes) -> tuple[int, int, int, int]:
        """(brackets, where they begin, orders, where they begin)."""
        (n_orders,) = struct.unpack_from("<i", data, self.places["n_orders"])
        n_brackets, _, n_live, n_waiting = struct.unpack_from(
            "<4i", data, self.places["n_brackets"]
        )
        at = self._tables + (n_live * 4 + 7) // 8 * 8 + (n_waiting * 4 + 7) // 8 * 8
        return n_brackets, at, n_orders, at + n_brackets * self.bracket.size

    def beliefs(self, data: bytes) -> list[BelievedOrder]:
        _, _, n, at = self._where(data)
        found = []
        for _ in range(n):
            tag = data[at + self._tag : at + self._tag + 19].decode()
            found.append(BelievedOrder(*self._belief.unpack_from(data, at), tag))
            at += self.order.size
        return found

    def n_live(self, data: bytes) -> int:
        """Brackets that are not closed."""
        return int(struct.unpack_from("<i", data, self.places["n_brackets"] + 8)[0])

    def is_hurried(self, data: bytes) -> bool:
        """Does any bracket have a timer shorter than the gap between two looks at the book: is it on its way out, at its target, past its
        stop, or pausing after a refusal?
        """
        (now,) = struct.unpack_from("<q", data, self._now)
        n, first, _, _ = self._where(data)
        for at in range(first, first + n * self.bracket.size, self.bracket.size):
            state, armed, open_qty = self._hurry.unpack_from(data, at)
            crossed = self.bracket.times.unpack_from(data, at)[2]
            if state != BRACKET_CLOSED and (
                state == BRACKET_EXITING
                or armed
                or open_qty < 0
                or crossed
                or max(self.bracket.untils.unpack_from(data, at)) > now
            ):
                return True
        return False

    def key(self, data: bytes, s: State) -> bytes:
        """Equal for equal states."""
        (now,) = struct.unpack_from("<q", data, self._now)
        out = [data[start:stop] for start, stop in self._core]
        out += [data[start:stop] for start, stop in self._strategy]
        out.append(data[self._side : self._side + 8])
        self.instrument.kept(data, self.places["instruments"], out)
        self.market.kept(data, self.places["markets"], out)
        self.position.kept(data, self.places["positions"], out)
        self.risk.kept(data, self.places["risk"], out)
        ages = [struct.unpack_from("<q", data, at)[0] for at in self._scalar_times]
        times = [ages.pop(), s.book_ns]
        ages += self.market.times.unpack_from(data, self.places["markets"])
        untils = [struct.unpack_from("<q", data, at)[0] for at in self._scalar_untils]
        n_brackets, b_at, n_orders, o_at = self._where(data)
        out.append(data[self._tables : b_at])
        seqs = []
        at = o_at
        for _ in range(n_orders):
            self.order.kept(data, at, out)
            status, pending, in_doubt, looks, req_type, seq = self._flags.unpack_from(data, at)
            seqs.append(seq)
            if status not in ENDED:
                intent, ack, report, doubt, look, busy = self.order.times.unpack_from(data, at)
                times += (
                    intent if pending or req_type == TYPE_MARKET else 0,
                    ack if pending or status == PENDING_NEW else 0,
                    report if busy else 0,
                    doubt if in_doubt else 0,
                    busy,
                )
                ages.append(look if looks else 0)
            at += self.order.size
        at = b_at
        for _ in range(n_brackets):
            self.bracket.kept(data, at, out)
            if self._state.unpack_from(data, at)[0] != BRACKET_CLOSED:
                untils += self.bracket.untils.unpack_from(data, at)
            *of_bracket, flat = self.bracket.times.unpack_from(data, at)
            armed, time_exit = self._uses.unpack_from(data, at)
            ages += (
                of_bracket[0] if time_exit else 0,
                *of_bracket[1:3],
                of_bracket[3] if armed else 0,
                *of_bracket[4:],
            )
            times.append(flat if self._is_market(data, at, o_at) else 0)
            slots_and_seqs = self._seqs.unpack_from(data, at)
            out.append(bytes(
                slot >= 0 and seqs[slot] == seq for slot, seq in zip(slots_and_seqs[:3], slots_and_seqs[3:], strict=True)
            ))  # fmt: skip
            at += self.bracket.size
        ages += [until if until > now else 0 for until in untils]
        times += [u.since_ns for u in s.unknown if u is not None]
        ages += [u.look_ns for u in s.unknown if u is not None]
        own = (
            s.tags,
            s.px,
            s.told,
            s.named,
            s.orders,
            s.book_again,
            s.used,
            s.halt,
            s.paused,
            s.squared,
            s.taint,
            s.lost,
        )
        belief = self._request_states(s, data, o_at, n_orders, seqs)
        text = repr(
            (
                own,
                [u and u.looks for u in s.unknown],
                belief,
                distances(times, now),
                [ms_ago(t, now) for t in ages],
            )
        )
        out.append(text.encode())
        return blake2b(b"".join(out), digest_size=12).digest()

    def _is_market(self, data: bytes, at: int, o_at: int) -> bool:
        """Is this bracket's exit asked for as a market order? Then it counts whether that was since the last step of the ladder."""
        stop, _, fix = self._seqs.unpack_from(data, at)[:3]
        return any(
            slot >= 0
            and self._flags.unpack_from(data, o_at + slot * self.order.size)[4] == TYPE_MARKET
            for slot in (stop, fix)
        )

    def _request_states(self, s: State, data: bytes, at: int, n: int, seqs: list[int]) -> Any:
        """What is under way, without regard to the order in which it was sent."""
        slot = {
            data[o + self._tag : o + self._tag + 19].decode(): i
            for i, o in enumerate(range(at, at + n * self.order.size, self.order.size))
        }

        def is_last(i: int, seq: int) -> bool:
            found = slot.get(s.tags[i], -1)
            return found >= 0 and seqs[found] == seq

        wire = sorted(r._replace(seq=is_last(r.order, r.seq)) for r in s.wire) if s.wire else []
        mail = (
            sorted(
                repr(
                    (m[0], m[1], is_last(m[1], m[2]), m[3:])
                    if m[0] == "answer"
                    else m
                    if m[0] == "push"
                    else (m[0], s.now - m[1], m[2])
                )
                for m in s.mail
            )
            if s.mail
            else []
        )
        return wire, mail


def ms_ago(t: int, now: int) -> int:
    """-1: never. The longest time that the core remembers anything for is a minute."""
    return min((now - t + MS // 2) // MS, LONG_AGO_MS) if t else -1


def distances(times: Iterable[int], now: int) -> list[int]:
    """Times (0: none) as what is the same for all clocks: how long ago, and which of those of the same millisecond came first."""
    there = sorted((t, i) for i, t in enumerate(times) if t)
    out: list[int] = []
    last = 0
    for t, i in there:
        out += (i, ms_ago(t, now), t > last)
        last = t
    return out


def _without(cuts: list[tuple[int, int]], start: int, stop: int) -> list[tuple[int, int]]:
    """The slices between the cuts (start, size)."""
    found = []
    for at, size in sorted(cuts):
        if at > start:
            found.append((start, at))
        start = at + size
    if start < stop:
        found.append((start, stop))
    return found
