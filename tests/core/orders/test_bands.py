"""Bands that move, ranges that refuse, circuits that lock, and a way out whose touch is old. Prices
in e4 rupees unless they are paise.
"""

from itertools import pairwise

import pytest

from otrade._core.types import BracketState, Cmd, Ev, Note, OrdType, Reason, Severity, Side
from otrade.journal.memory import MemoryJournal
from otrade.journal.replay import replay
from tests.core.orders.test_brackets import EngineDriver
from tests.harness.core_engine import MS, OPEN_NS, SECOND, frame, packet, token_of

FLATTEN = -1
LO, HI = 900_000, 1_100_000


class BandDriver(EngineDriver):
    """With a band of 90 to 110 rupees, as the morning read it."""

    def __init__(self, **kw):
        super().__init__(**kw)
        self.e.set_band(0, LO, HI)

    def quote(self, ltp=0, bid=0, ask=0, lo=0, hi=0, *, age=0, after=MS):
        self.now += after
        self.e.on_quote(
            0,
            self.now - age,
            self.now,
            ltp_e4=ltp,
            bid_px_e4=bid,
            ask_px_e4=ask,
            band_lo_e4=lo,
            band_hi_e4=hi,
        )
        return self

    def flatten(self):
        self.now += MS
        self.e.on_flatten(FLATTEN, self.now)

    def beats(self, ns):
        """Time passes in the steps of the beat. The requests that it led to, each taken by the
        broker and confirmed.
        """
        end, found = self.now + ns, []
        while self.now < end:
            self.wait(100 * MS)
            while (cmd := self.e.take_command()) is not None:
                if cmd.order_slot >= 0:
                    found.append(cmd)
                    self.stands(cmd)
        return found

    def stands(self, cmd):
        self.ack(cmd)
        self.say(cmd, Ev.WORKING)

    def reject(self, cmd, reason=Reason.PRICE_RANGE):
        """Taken by the broker, and rejected behind it."""
        self.ack(cmd)
        self.say(cmd, Ev.REJECTED, reason=reason)

    @property
    def wanted(self):
        return self.e.quotes_wanted(self.now) == [0]


# ------------------------------------------------------------------------------------------------------------------------
# bands move
def test_no_price_is_refused_for_the_band_alone():
    d = BandDriver(
        plan={"trail_kind": 2, "trail_value": 2.0, "trail_step_value": 0.05, "target_kind": 0}
    )
    stop = d.opened()
    d.quote(1_000_000, lo=LO, hi=HI)
    d.price(11_200)
    assert d.e.market(0)["ltp_e4"] == 1_120_000 and d.e.market(0)["n_refused"] == 0
    moved = d.take()
    assert (moved.kind, moved.trigger_e4) == (Cmd.REPLACE, 1_100_000), "it trails"
    assert moved.cl_ord_id == stop.cl_ord_id
    assert d.e.risk()["pnl_e4"] == 10 * 120_000


def test_short_at_99_50_with_a_morning_band_of_90_to_110_gets_out_at_112():
    d = BandDriver()
    d.opened(Side.SELL, 995_000)
    d.price(10_000)
    d.price(11_200)
    out = d.take() if d.b["state"] == BracketState.EXITING else None
    if out is None:
        d.flatten()
        out = d.take()
    assert out.side == Side.BUY and out.price_e4 >= 1_120_000, (
        "an exit at the morning's edge never trades"
    )


def test_a_fresh_band_clamps_and_an_old_one_does_not():
    d = BandDriver()
    d.opened()
    d.price(9_010)  # a gap through the stop: 90.10, ladder 10 bps through it is 90.00
    d.quote(901_000, 900_500, 901_500, LO, HI)
    d.flatten()
    assert d.take().price_e4 == LO
    d = BandDriver()
    d.opened()
    d.quote(1_000_000, lo=LO, hi=HI)
    d.wait(121 * SECOND)
    d.price(9_005)
    d.flatten()
    assert d.take().price_e4 < LO, "two minutes old"


def test_a_price_beyond_the_band_ends_its_freshness_and_asks_for_another():
    d = BandDriver()
    d.opened()
    d.quote(1_000_000, lo=LO, hi=HI)
    assert not d.wanted
    d.price(8_950)
    assert d.wanted, "repeated or not: a price beyond it means that it has moved"
    d.flatten()
    assert d.take().price_e4 < 895_000


def test_near_an_edge_bands_are_read_every_fifteen_seconds_and_else_every_minute():
    d = BandDriver()
    d.opened()
    d.quote(1_000_000, lo=LO, hi=HI)
    d.now += 59 * SECOND
    assert not d.wanted
    d.now += 2 * SECOND
    assert d.wanted
    d.price(9_120)
    while d.e.take_command() is not None:
        pass
    d.quote(912_000, lo=LO, hi=HI)
    d.price(9_120, after=14 * SECOND)
    assert not d.wanted
    d.now += 2 * SECOND
    assert d.wanted


def test_a_stop_and_a_target_that_an_old_band_clamped_are_computed_anew():
    d = BandDriver(plan={"stop_value": 12.0, "target_value": 12.0})
    d.quote(1_000_000, lo=LO, hi=HI)
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    stop = d.take()
    assert (stop.trigger_e4, d.b["target_e4"]) == (LO, HI)
    d.stands(stop)
    d.quote(1_000_000, lo=850_000, hi=1_150_000)
    moved = d.take()
    assert (moved.kind, moved.trigger_e4, d.b["target_e4"]) == (Cmd.REPLACE, 880_000, 1_120_000)


def test_an_exit_that_stands_at_an_old_edge_follows_the_band():
    d = BandDriver()
    d.opened(Side.SELL, 995_000)
    d.quote(1_099_500, 1_099_500, 0, LO, HI)
    d.flatten()
    out = d.take()
    assert out.price_e4 == HI
    d.stands(out)
    d.quote(1_120_000, 1_119_500, 1_120_500, 950_000, 1_150_000)
    moved = d.take()
    assert moved.kind == Cmd.REPLACE and moved.price_e4 >= 1_120_500


def test_an_old_answer_changes_nothing():
    d = BandDriver()
    d.opened()
    d.quote(1_000_000, lo=LO, hi=HI)
    d.quote(990_000, lo=1, hi=2, age=5 * SECOND)
    assert (d.e.instrument(0)["band_lo_e4"], d.e.instrument(0)["quote_ltp_e4"]) == (LO, 1_000_000)


def test_a_quote_overwrites_no_tick_and_makes_no_bar_and_no_signal():
    d = BandDriver()
    d.price(9_990)
    before, signals = d.e.market(0), d.e.counters()["signals"]
    d.quote(1_010_000, 1_009_500, 1_010_500, LO, HI)
    d.wait(5 * SECOND)
    assert (
        d.e.market(0) == before
        and d.e.counters()["signals"] == signals
        and d.e.take_command() is None
    )


# -------------------------------------------------------------------------------------------------------------------------
# refusals
def test_a_price_refused_for_its_range_is_never_asked_for_twice():
    d = BandDriver(plan={"ladder_start_bps": 400.0})
    stop = d.opened()
    d.flatten()
    first = d.take()
    assert first.kind == Cmd.REPLACE
    d.refuse(first, Reason.PRICE_RANGE)
    d.say(stop, Ev.CANCELED, reason=Reason.PRICE_RANGE)
    asked = [first.price_e4]
    allowed = 990_000  # three per cent below 102.06 is what the exchange takes now
    for _ in range(200):
        d.wait(100 * MS)
        d.price(10_000)
        if d.wanted:
            d.quote(1_000_000, 999_500, 1_000_500, LO, HI, after=400 * MS)
        cmd = d.e.take_command()
        if cmd is None or cmd.order_slot < 0:
            continue
        asked.append(cmd.price_e4)
        if cmd.price_e4 >= allowed:
            d.stands(cmd)
            break
        d.reject(cmd)
    assert asked[-1] >= allowed, asked
    assert len(set(asked)) == len(asked) <= 4, "each nearer to the market than the one before"


def test_a_range_behind_the_market_leaves_an_exit_standing_there():
    d = BandDriver()
    stop = d.opened()
    d.flatten()
    d.refuse(d.take(), Reason.PRICE_RANGE)
    d.say(stop, Ev.CANCELED, reason=Reason.PRICE_RANGE)
    asked = []
    for _ in range(300):
        d.wait(100 * MS)
        d.price(10_000)
        if d.wanted:
            d.quote(1_000_000, 999_500, 1_000_500, LO, HI, after=400 * MS)
        cmd = d.e.take_command()
        if cmd is None or cmd.order_slot < 0:
            continue
        asked.append(cmd.price_e4)
        if cmd.price_e4 >= 1_020_000:
            d.stands(cmd)
            break
        d.reject(cmd)
    assert asked[-1] >= 1_020_000 and len(set(asked)) == len(asked) < 12


def test_a_change_that_is_refused_for_its_range_leaves_what_stands():
    d = BandDriver()
    d.opened()
    d.flatten()
    out = d.take()
    d.stands(out)
    d.price(9_900)
    d.wait(2_100 * MS)
    deeper = d.take()
    d.ack(deeper)
    # Kite's and Upstox's way of saying so: the order as it was, with the reason.
    d.say(
        deeper, Ev.WORKING, price_e4=out.price_e4, ord_type=OrdType.LIMIT, reason=Reason.PRICE_RANGE
    )
    assert d.e.order(deeper.order_slot)["pending"] == 0 and d.wanted
    d.wait(1_100 * MS)
    between = d.take()
    assert deeper.price_e4 < between.price_e4 < out.price_e4


def test_a_change_in_doubt_that_was_refused_is_out_of_doubt_before_its_refusal_is_told():
    """What is told of the order comes in the order of what happened: first that it is known."""
    d = BandDriver()
    d.opened()
    d.flatten()
    out = d.take()
    d.stands(out)
    d.price(9_900)
    d.wait(2_100 * MS)
    deeper = d.take()
    d.lose(deeper)
    d.e.take_notices()
    d.say(
        deeper, Ev.WORKING, price_e4=out.price_e4, ord_type=OrdType.LIMIT, reason=Reason.PRICE_RANGE
    )
    said = [note for note in d.notes() if note in (Note.DOUBT_RESOLVED, Note.ORDER_REFUSED)]
    assert said == [Note.DOUBT_RESOLVED, Note.ORDER_REFUSED]


# ---------------------------------------------------------------------------------------------------------
# circuits and halts
def test_at_a_locked_circuit_the_exit_stands_and_says_so_once():
    d = BandDriver(plan={"ladder_max_steps": 2})
    d.opened(Side.SELL, 995_000)
    d.price(10_990)
    d.quote(1_100_000, 1_100_000, 0, LO, HI)
    d.flatten()
    d.e.take_notices()
    asked = []
    for _ in range(60):
        asked += d.beats(SECOND)
        d.price(11_000)
        d.quote(1_100_000, 1_100_000, 0, LO, HI)
    assert len(asked) <= 2 and asked[-1].price_e4 == HI
    loud = [n for n in d.e.take_notices() if n["severity"] == Severity.ALARM]
    assert [n["note"] for n in loud] == [Note.EXIT_AT_BAND]


def test_a_halted_market_is_asked_slowly_and_at_once_when_it_trades():
    d = BandDriver()
    stop = d.opened()
    d.say(stop, Ev.CANCELED)  # an index halt takes every order out
    d.wait(1_100 * MS)
    again = d.take()
    d.reject(again, Reason.MARKET_HALTED)
    n = 0
    for _ in range(10 * 60 * 45):
        d.wait(100 * MS)
        if (cmd := d.e.take_command()) is not None and cmd.order_slot >= 0:
            n += 1
            d.reject(cmd, Reason.MARKET_HALTED)
    assert n <= 90, "forty-five minutes of a halt do not burn the day's orders"
    assert d.b["state"] == BracketState.OPEN
    d.now += MS
    d.e.on_frame_bytes(frame(packet(token_of(0), 10_005, volume=100)), d.now)
    d.now += MS
    d.e.on_frame_bytes(frame(packet(token_of(0), 10_005, volume=200)), d.now)
    assert d.take().ord_type == OrdType.SL


def test_a_halt_ends_by_another_price_where_the_feed_tells_no_volume():
    """Packets of prices alone: the same price again tells of no trade, another one does."""
    d = BandDriver()
    stop = d.opened()
    d.say(stop, Ev.CANCELED)
    d.wait(1_100 * MS)
    d.reject(d.take(), Reason.MARKET_HALTED)
    assert d.e.market(0)["volume"] == 0
    last = d.e.market(0)["ltp_e4"] // 100
    d.price(last)
    assert d.e.take_command() is None
    d.price(last + 5)
    assert d.take().ord_type == OrdType.SL


# -------------------------------------------------------------------------------------------------------
# the feed dead, an exit wanted
def dead_feed(d, wants):
    """A long position of 100 rupees whose feed falls silent; the market goes to 97 meanwhile."""
    d.opened()
    d.quote(1_000_000, 999_500, 1_000_500, LO, HI)
    d.now += 20 * SECOND
    wants(d)
    return d.take()


def by_time(d):
    d.wait(MS)


@pytest.mark.parametrize("wants", [BandDriver.flatten, by_time])
def test_with_the_feed_dead_a_quote_prices_the_way_out(wants):
    plan = {"time_exit_ns": 15 * SECOND} if wants is by_time else {}
    d = BandDriver(plan={"ladder_max_steps": 5, **plan})
    out = dead_feed(d, wants)
    assert d.wanted, "the touch is old"
    d.stands(out)
    d.quote(970_000, 969_500, 970_500, LO, HI, after=300 * MS)
    moved = d.take()
    assert moved.kind == Cmd.REPLACE and moved.price_e4 <= 969_500
    assert d.e.market(0)["ltp_e4"] > 970_000, "the quote is no tick"


def test_square_off_with_the_feed_dead_is_priced_by_a_quote():
    d = BandDriver()
    d.e.set_session(
        0,
        open_ns=OPEN_NS,
        entry_from_ns=OPEN_NS,
        entry_until_ns=OPEN_NS + 30 * SECOND,
        square_off_ns=OPEN_NS + 31 * SECOND,
        close_ns=OPEN_NS + 900 * SECOND,
    )
    d.opened()
    d.now = OPEN_NS + 40 * SECOND
    d.wait(MS)
    d.stands(d.take())
    assert d.wanted
    d.quote(1_030_000, 1_029_500, 1_030_500)
    assert d.take().price_e4 >= 1_020_000


def test_without_any_price_the_way_out_goes_to_the_band_and_to_the_market():
    d = BandDriver(plan={"ladder_max_steps": 3})
    out = dead_feed(d, BandDriver.flatten)
    d.stands(out)
    asked = d.beats(12 * SECOND)
    assert LO in [cmd.price_e4 for cmd in asked], [cmd.price_e4 for cmd in asked]
    market = [cmd for cmd in asked if cmd.ord_type == OrdType.MARKET]
    assert market and b"market_protection=-1" in market[0].request
    chased = [n for n in d.e.take_notices() if n["note"] == Note.EXIT_CHASED]
    assert chased[-1]["reason"] == Reason.TOUCH_OLD
    assert len(asked) <= 6, "what cannot be known is not asked for every two seconds"


def test_without_price_and_without_band_it_is_a_market_order_with_protection():
    d = EngineDriver(plan={"ladder_max_steps": 2})
    d.opened()
    d.now += 20 * SECOND
    d.e.on_flatten(FLATTEN, d.now)
    out = d.take()
    d.ack(out)
    d.say(out, Ev.WORKING)
    for _ in range(60):
        d.wait(100 * MS)
        cmd = d.e.take_command()
        if cmd is not None and cmd.order_slot >= 0:
            d.ack(cmd)
            if cmd.ord_type == OrdType.MARKET:
                # The broker keeps it as a limit at its protection.
                d.say(cmd, Ev.WORKING, ord_type=OrdType.LIMIT, price_e4=940_000)
                break
            d.say(cmd, Ev.WORKING)
    else:
        raise AssertionError("no market order")
    assert (
        d.e.order(cmd.order_slot)["pending"] == 0
        and d.e.order(cmd.order_slot)["price_e4"] == 940_000
    )
    d.wait(200 * MS)
    d.quiet()


def test_a_market_that_stands_still_under_a_living_feed_is_not_an_old_touch():
    d = BandDriver()
    d.opened()
    d.quote(1_000_000, 999_500, 1_000_500, LO, HI)
    for _ in range(20):
        d.now += SECOND
        d.e.on_frame_bytes(b"\x00", d.now)  # Kite's heartbeat
    d.flatten()
    d.stands(d.take())
    asked = []
    for _ in range(8):
        asked += d.beats(SECOND)
        d.e.on_frame_bytes(b"\x00", d.now)
    assert asked and all(cmd.ord_type == OrdType.LIMIT and cmd.price_e4 > 990_000 for cmd in asked)


def test_what_the_broker_said_replays_bit_for_bit():
    journal = MemoryJournal()
    d = BandDriver(journal=journal)
    dead_feed(d, BandDriver.flatten)
    d.quote(970_000, 969_500, 970_500, LO, 1_150_000)
    d.price(9_700)
    done = replay(journal.windows())
    assert done.divergence is None, done.divergence
    assert done.engine.instrument(0) == d.e.instrument(0) and done.engine.bracket(0) == d.b
    assert done.engine.instrument(0)["quote_ltp_e4"] == 970_000


def test_an_entry_accepted_late_has_no_levels_before_it_fills():
    d = BandDriver()
    entry = d.enter()
    d.lose(entry)
    for _ in range(3):
        d.wait(1_500 * MS)
        d.e.take_command()  # a look at the book
        d.book()
    assert d.b["state"] == BracketState.CLOSED, "its absence was proved"
    d.book((entry, Ev.WORKING, {}))
    d.quote(1_000_000, lo=LO, hi=HI)
    assert d.b["state"] == BracketState.OPEN, "it stands after all"
    d.quote(1_000_000, lo=LO - 10_000, hi=HI + 10_000)
    bracket = d.e.bracket(0)
    assert (bracket["entry_qty"], bracket["stop_e4"], bracket["target_e4"]) == (0, 0, 0)


def test_at_the_edge_of_a_range_the_price_itself_is_asked_for_now_and_then():
    """The market is 5 % below what the range takes, until the range is set anew: what stands goes to
    the edge by halves, then the touch is asked for every four to six seconds, and nothing between.
    """
    d = BandDriver()
    d.opened()
    d.flatten()
    d.stands(d.take())  # about 100
    edge, asked = 980_000, list[tuple[float, int]]()
    for n in range(400):
        d.wait(100 * MS)
        d.price(9_500)
        cmd = d.e.take_command()
        if cmd is None or cmd.order_slot < 0:
            continue
        asked.append((n / 10, cmd.price_e4))
        d.ack(cmd)
        if cmd.price_e4 < edge and n < 300:
            before = d.e.order(cmd.order_slot)["price_e4"]
            d.say(
                cmd, Ev.WORKING, price_e4=before, ord_type=OrdType.LIMIT, reason=Reason.PRICE_RANGE
            )
        else:
            d.say(cmd, Ev.WORKING, price_e4=cmd.price_e4, ord_type=OrdType.LIMIT)
    standing = [px for s, px in asked if px >= edge]
    assert 0 <= standing[-1] - edge <= edge // 1000 and len(asked) < 14, asked
    at_touch = [s for s, px in asked if px < 955_000]
    assert all(4 <= after - before <= 6 for before, after in pairwise(at_touch[1:])), asked
    assert asked[-1][1] < 955_000 and 30 <= asked[-1][0] <= 37, "once it is taken it stands there"
