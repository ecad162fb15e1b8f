"""Every kind of trouble that a drill makes: how it is drawn, how it is done, and how long it may
leave a position uncovered.

The allowance is simulated time during which the exchange's own book may show open quantity without
a live exit for it, where the trouble has struck (`bounds/allowance.py`). Each has its reason;
anything longer is a violation.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from otrade.simulator.simulator import Simulator

MS = 1_000_000
SECOND = 1_000 * MS
BASE_S = 2.0
"""Without any trouble: a fill's push, the stop's way to the exchange, a stop that is turned into
the target and back.
"""
UNTOLD_S = 2.0
"""More, where the broker does not push that an order stands: the book tells, and only then may the
order be changed.
"""
UNREAD_S = 12.0
"""A look at the order book that nobody answers is given up after ten seconds, and comes again after
two.
"""
DOUBT_S = 10.0
"""A request in doubt: five seconds without an answer, two looks at the book, and the way of the new
order.
"""
KNOWN_S = 4.0
"""One that was taken, and whose answer says at once that nobody knows: the first look finds it.
What filled meanwhile waits for that, however many answers in a row are wrong, because the change
that follows covers all of it. Worst seen alone: 1.0 s.
"""

BLIND_S = 12.0
"""Neither prices nor pushes come: a socket's silence is seen within some seconds, and from then on
the book is read every two.
"""
STEP_DOUBTED_S = 30.0
"""So long a step of the machine's clock is not believed where nothing else tells the time."""

UNDECIDED = "what leads to a COMMAND"
"""Dead after what the core was told, and before what it decided is in the journal: not one byte may
have left.
"""

Args = dict[str, Any]
Draw = Callable[[random.Random, list[str]], Args]
Do = Callable[[Simulator, Args], None]


def _no_time(args: Args) -> float:
    return 0.0


RANGE_S = 60.0
"""The protection's range is set every 30 s, around the mean of the 30 s before."""


def _until_ranges_follow(args: Args) -> float:
    """Prices that jumped are outside the protection's range until it has followed."""
    return float(args.get("s", 0.0)) + RANGE_S


def _its_s(args: Args) -> float:
    return float(args["s"])


def _never(args: Args) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind. `do` is None where the session itself does it. `may_exceed`: more than the open
    quantity may be on its way out for a while, and is then undone.
    """

    draw: Draw
    do: Do | None
    allowance_s: Callable[[Args], float]
    why: str
    may_exceed: Callable[[Args], bool] = _never
    lasts_s: Callable[[Args], float] = _no_time
    """For how long it goes on after it has struck. What is uncovered later is not its doing, but for
    what of `allowance_s` comes after its end.
    """


ORDERS = ("/orders", "/v2/order/", "/v3/order/")
"""Where both brokers take orders and tell of them."""
STOP = ("order_type=SL&", '"order_type":"SL",')
"""What a stop's request says at either broker."""


def _count(low: int, high: int) -> Draw:
    return lambda rng, keys: {"n": rng.randint(low, high)}


def _for_s(low: float, high: float) -> Draw:
    return lambda rng, keys: {"s": round(rng.uniform(low, high), 1)}


def _nothing(rng: random.Random, keys: list[str]) -> Args:
    return {}


def _some_orders(rng: random.Random, keys: list[str]) -> Args:
    return {"count": rng.randint(1, 3), "method": rng.choice(("", "POST", "PUT", "DELETE"))}


def _answer(how: Any) -> Do:
    def do(sim: Simulator, args: Args) -> None:
        delay_ns = round(args.get("s", 0) * SECOND)
        sim.faults.answer_wrongly(
            how, count=args["count"], method=args["method"], path_prefix=ORDERS, delay_ns=delay_ns
        )

    return do


def _lose(how: Any) -> Do:
    return lambda sim, args: sim.faults.lose_request(
        how, count=args["count"], method=args["method"], path_prefix=ORDERS
    )


def _slow(rng: random.Random, keys: list[str]) -> Args:
    return {**_some_orders(rng, keys), "s": round(rng.uniform(1, 9), 1)}


def _always(seconds: float) -> Callable[[Args], float]:
    return lambda args: seconds


def _doubts(args: Args) -> float:
    return DOUBT_S * int(args["count"])


BACK_S = {15: 20.0, 20: 45.0}
"""A person who trades that many units by hand, where the account holds nothing, gives them back so
much later: what he holds is his alone, and the instrument must trade again.
"""


def _product(args: Args, key: str) -> str:
    """What the engine trades the instrument as."""
    product: str = args.get("products", {}).get(key, "MIS")
    return product


def _manual(sim: Simulator, args: Args) -> None:
    from otrade.simulator.base.errors import RequestRefused

    product = _product(args, args["key"])

    def place(side: int) -> None:
        try:
            sim.exchange.place_manual(args["key"], side, args["qty"], product=product)
            sim.faults.seen["manual"] += 1
        except RequestRefused:
            sim.faults.seen["manual_refused"] += 1

    contract = sim.exchange.market.universe.resolve(args["key"])
    is_free = not sim.exchange.ledger.held(contract, product) and not any(
        order.contract is contract for order in sim.exchange.live_orders()
    )
    place(args["side"])
    if is_free and args["qty"] in BACK_S:
        back_ns = round(BACK_S[args["qty"]] * SECOND)
        sim.clock.schedule(sim.clock.now_ns() + back_ns, lambda: place(-args["side"]))


def _other_product(sim: Simulator, args: Args) -> None:
    from otrade.simulator.base.errors import RequestRefused

    contract = sim.exchange.market.universe.resolve(args["key"])
    product = "CNC" if contract.expiry is None else "NRML"
    if product == _product(args, args["key"]):
        product = "MIS"
    try:
        sim.exchange.place_manual(
            args["key"], args["side"], args["lots"] * contract.lot, product=product
        )
        sim.faults.seen["other_product"] += 1
    except RequestRefused:
        sim.faults.seen["other_product_refused"] += 1


def _doubtful_stop(sim: Simulator, args: Args) -> None:
    def then() -> None:
        sim.faults.seen["stop_in_doubt_and_stale_book"] += 1
        sim.faults.stale_book(1, 30 * SECOND)

    sim.faults.answer_wrongly("504", method="POST", path_prefix=ORDERS, body=STOP, then=then)


def _doubtful_stop_and_no_book(sim: Simulator, args: Args) -> None:
    def then() -> None:
        sim.faults.seen["stop_in_doubt_and_failing_book"] += 1
        sim.faults.answer_wrongly("504", count=args["n"], method="GET", path_prefix=ORDERS)

    sim.faults.answer_wrongly("504", method="POST", path_prefix=ORDERS, body=STOP, then=then)


def _doubtful_stop_and_empty_book(sim: Simulator, args: Args) -> None:
    def then() -> None:
        sim.faults.seen["stop_in_doubt_and_empty_book"] += 1
        sim.faults.spoil_books(args["how"], args["n"])

    sim.faults.answer_wrongly("504", method="POST", path_prefix=ORDERS, body=STOP, then=then)


def _cut_behind(args: Args) -> bool:
    """Two books that hold everything we know, and lack the one order whose placing is in doubt,
    cannot be told from whole ones: what is placed a second time is found and taken out.
    """
    return int(args["n"]) > 1


def _spoil_books(how: Any) -> Do:
    return lambda sim, args: sim.faults.spoil_books(how, args["n"])


def _spoil_positions(how: Any) -> Do:
    return lambda sim, args: sim.faults.spoil_positions(how, args["n"])


def _books(args: Args) -> float:
    """Looks that fail are repeated after a pause that doubles; what waits for one is in doubt
    meanwhile.
    """
    return DOUBT_S + 2.0 ** (int(args["n"]) + 1)


def _late(rng: random.Random, keys: list[str]) -> Args:
    return {
        "count": rng.randint(1, 2),
        "s": round(rng.uniform(3, 30), 1),
        "stop": rng.random() < 0.5,
    }


def _accept_late(sim: Simulator, args: Args) -> None:
    body = STOP if args["stop"] else ""
    delay_ns = round(args["s"] * SECOND)
    sim.faults.answer_wrongly(
        "late", count=args["count"], method="POST", path_prefix=ORDERS, body=body, delay_ns=delay_ns
    )


WATCHDOG_S = {"gone": 8.0, "hung": 15.0, "dies": 15.0}
"""For how long a watchdog keeps the next start waiting, where nothing else goes wrong: its own notice of
the death, two looks, what it does, and two more looks.
"""
PASSED_OVER = "passed_over"
"""Entries that wait at the exchange. Drawn apart: in every fourth session or so."""
PEER = "peer"
PEER_WAYS = ("stall", "flood", "tear", "vanish")
"""Hostile peers at the engine's own socket. Drawn apart: they change nothing else of a session."""


def _lag(rng: random.Random, keys: list[str]) -> Args:
    return {"s": round(rng.uniform(5, 60), 1), "lag_s": rng.choice((0.2, 1.0, 3.0))}


def _silence_one(kind: str) -> Do:
    return lambda sim, args: sim.faults.silence_one(kind, args["broker"], round(args["s"] * SECOND))


def _cut_one(kind: str) -> Do:
    return lambda sim, args: sim.faults.cut_one(kind, args["broker"])


def _lag_one(kind: str) -> Do:
    return lambda sim, args: sim.faults.lag_one(
        kind, args["broker"], round(args["lag_s"] * SECOND), round(args["s"] * SECOND)
    )


_OTHER_TELLS = "the other feed tells all of it"
OF_TWO_FEEDS: dict[str, Trouble] = {
    "first_feed_silent": Trouble(
        _for_s(2, 40),
        _silence_one("first_feed_silent"),
        _always(BLIND_S),
        "order updates are lost with it; prices go on by the second feed",
        lasts_s=_its_s,
    ),
    "first_feed_cut": Trouble(
        _nothing,
        _cut_one("first_feed_cut"),
        _always(BLIND_S),
        "order updates are lost until it is back; prices go on by the second feed",
    ),
    "first_feed_lags": Trouble(
        _lag,
        _lag_one("first_feed_lags"),
        lambda args: args["lag_s"] + BASE_S,
        "order updates may wait behind its prices; the second feed tells those in time",
        lasts_s=_its_s,
    ),
    "second_feed_silent": Trouble(
        _for_s(2, 60),
        _silence_one("second_feed_silent"),
        _always(0.0),
        _OTHER_TELLS,
        lasts_s=_its_s,
    ),
    "second_feed_cut": Trouble(_nothing, _cut_one("second_feed_cut"), _always(0.0), _OTHER_TELLS),
    "second_feed_lags": Trouble(
        _lag, _lag_one("second_feed_lags"), _always(0.0), _OTHER_TELLS, lasts_s=_its_s
    ),
    "feed_stuck": Trouble(
        _for_s(5, 60),
        lambda sim, args: sim.faults.stick_one(args["broker"], round(args["s"] * SECOND)),
        _always(0.0),
        "one of the feeds repeats what it said last: its volume is old, and the other one tells",
        lasts_s=_its_s,
    ),
    "feed_wrong": Trouble(
        _for_s(5, 60),
        lambda sim, args: sim.faults.wrong_one(args["broker"], round(args["s"] * SECOND)),
        _always(0.0),
        "before each price of one of the feeds comes one that is wrong by a decimal point",
        lasts_s=_its_s,
    ),
}
"""Drawn apart, where there are two feeds. `broker`: of the feed that is in trouble."""
POSTBACK = "postback"
POSTBACK_WAYS = ("true", "lies", "lies", "unproved", "foreign", "doubled", "late", "flood")
"""What is posted to our hooks. Drawn apart, where the broker posts."""
TROUBLES: dict[str, Trouble] = {
    "answer_504": Trouble(
        _some_orders,
        _answer("504"),
        _always(KNOWN_S),
        "accepted, and the answer says that nobody knows",
    ),
    "answer_502_html": Trouble(
        _some_orders, _answer("502_html"), _always(KNOWN_S), "the same in HTML"
    ),
    "answer_reset": Trouble(
        _some_orders, _answer("reset"), _always(KNOWN_S), "accepted, and the connection is reset"
    ),
    "answer_silence": Trouble(
        _some_orders,
        _answer("silence"),
        lambda args: DOUBT_S + (0.0 if args["method"] else UNREAD_S * (args["count"] - 1)),
        "accepted, and never answered; a look at the book may be one of them",
    ),
    "answer_cut": Trouble(_some_orders, _answer("cut"), _always(KNOWN_S), "half an answer"),
    "answer_slow": Trouble(
        _slow, _answer("slow"), _always(DOUBT_S), "an answer after the engine has stopped waiting"
    ),
    "answer_late": Trouble(
        _late,
        _accept_late,
        _doubts,
        "nobody knows, two looks prove that it is absent, and then the exchange takes it: the extra is taken out",
        lambda args: True,
        lasts_s=_its_s,
    ),
    "lose_reset": Trouble(_some_orders, _lose("reset"), _doubts, "the request never arrived"),
    "lose_silence": Trouble(
        _some_orders, _lose("silence"), _doubts, "the request never arrived, and nobody says so"
    ),
    "lose_503": Trouble(_some_orders, _lose("503"), _doubts, "a burst of 5xx"),
    "lose_500": Trouble(_some_orders, _lose("500"), _doubts, "a burst of 5xx"),
    "lose_429": Trouble(
        _some_orders, _lose("429"), _doubts, "told to slow down: retried after a pause that grows"
    ),
    "stop_in_doubt_and_stale_book": Trouble(
        _nothing,
        _doubtful_stop,
        _always(DOUBT_S),
        "the first look for a stop that stands does not show it, the second does",
    ),
    "stop_in_doubt_and_failing_book": Trouble(
        _count(2, 4),
        _doubtful_stop_and_no_book,
        lambda args: DOUBT_S + 2.0 ** (args["n"] + 1),
        "the book cannot be read: that proves nothing about the stop",
    ),
    "push_dropped": Trouble(
        _count(1, 6),
        lambda sim, args: sim.faults.drop_pushes(args["n"]),
        _always(17.0),
        "a missed fill is found by the audit of the book",
    ),
    "push_doubled": Trouble(
        _count(1, 8),
        lambda sim, args: sim.faults.double_pushes(args["n"]),
        _always(0.0),
        "harmless",
    ),
    "push_shuffled": Trouble(
        lambda rng, keys: {"n": rng.randint(2, 10), "s": round(rng.uniform(0.2, 4), 1)},
        lambda sim, args: sim.faults.shuffle_pushes(args["n"], round(args["s"] * SECOND)),
        lambda args: 17.0 + args["s"],
        "a fill that is told late is covered late",
        lasts_s=_its_s,
    ),
    "push_unknown_status": Trouble(
        _count(1, 3),
        lambda sim, args: sim.faults.unknown_status(args["n"]),
        _always(17.0),
        "the book says what it was",
    ),
    "push_garbled": Trouble(
        _count(1, 3),
        lambda sim, args: sim.faults.garble_push(args["n"]),
        _always(17.0),
        "as a missed push",
    ),
    "silence_feed": Trouble(
        _for_s(2, 25),
        lambda sim, args: sim.faults.silence_feed(round(args["s"] * SECOND)),
        _always(BLIND_S),
        "pushes are lost too: the book is read every two seconds once the silence is seen",
        lasts_s=_its_s,
    ),
    "cut_feed": Trouble(
        _nothing,
        lambda sim, args: sim.faults.cut_feed(),
        _always(BLIND_S),
        "pushes are lost until the feed is back",
    ),
    "cut_mid_frame": Trouble(
        _nothing, lambda sim, args: sim.faults.cut_mid_frame(), _always(BLIND_S), "as a cut feed"
    ),
    "half_open": Trouble(
        _for_s(2, 20),
        lambda sim, args: sim.faults.half_open(round(args["s"] * SECOND)),
        lambda args: args["s"] + 2 * DOUBT_S,
        "nothing reaches the broker; then what was under way is in doubt, and what was sent into the void",
        lasts_s=_its_s,
    ),
    "reject_exits": Trouble(
        _count(1, 4),
        lambda sim, args: sim.faults.reject_exits(args["n"]),
        lambda args: 4.0 * args["n"] + 4,
        "each refusal is waited out, at most four seconds",
    ),
    "reject_targets": Trouble(
        _count(2, 6),
        lambda sim, args: sim.faults.reject_targets(args["n"]),
        _always(0.0),
        "the stop stands, and its requests go on",
    ),
    "reject_entries": Trouble(
        lambda rng, keys: {"key": rng.choice(keys), "s": round(rng.uniform(60, 300), 1)},
        lambda sim, args: sim.faults.reject_entries(args["key"], round(args["s"] * SECOND)),
        _always(0.0),
        "a ban: nothing is opened, and what is open is covered as before",
    ),
    "busy_changes": Trouble(
        _count(1, 4),
        lambda sim, args: sim.faults.busy_changes(args["n"]),
        lambda args: 3.0 * args["n"],
        "not now: the book is read before the change is asked for again",
    ),
    "lose_stops": Trouble(
        lambda rng, keys: {"n": rng.randint(2, 5), "s": round(rng.uniform(8, 30), 1)},
        lambda sim, args: sim.faults.lose_stops(args["n"], round(args["s"] * SECOND)),
        _always(4.0),
        "the risk desk takes the stop out: it is placed anew after a second; each time has its own",
        lasts_s=_its_s,
    ),
    "lock_circuit": Trouble(
        lambda rng, keys: {
            "key": rng.choice(keys),
            "side": rng.choice((-1, 1)),
            "s": round(rng.uniform(5, 40), 1),
        },
        lambda sim, args: sim.faults.lock_circuit(
            args["key"], args["side"], round(args["s"] * SECOND)
        ),
        _always(8.0),
        "nobody takes the other side, but an exit at the band is one that stands; only its changes take time",
        lasts_s=_until_ranges_follow,
    ),
    "gap": Trouble(
        lambda rng, keys: {
            "key": rng.choice(keys),
            "bps": rng.choice((-1, 1)) * rng.randint(30, 300),
        },
        lambda sim, args: sim.faults.gap(args["key"], args["bps"]),
        _always(6.0),
        "a stop-limit is jumped over and must chase; the protection's range of a future follows later",
        lasts_s=_until_ranges_follow,
    ),
    "flex_band": Trouble(
        lambda rng, keys: {
            "key": rng.choice(keys),
            "side": rng.choice((-1, 1)),
            "s": round(rng.uniform(5, 60), 1),
            "more_bps": rng.randint(50, 400),
        },
        lambda sim, args: sim.faults.flex_band(
            args["key"], args["side"], round(args["s"] * SECOND), args["more_bps"]
        ),
        _always(10.0),
        "two jumps, and limits that the exchange cancels as the band slides",
        lasts_s=_until_ranges_follow,
    ),
    "narrow_range": Trouble(
        lambda rng, keys: {
            "key": rng.choice(keys),
            "bps": rng.randint(5, 60),
            "s": round(rng.uniform(10, 60), 1),
        },
        lambda sim, args: sim.faults.narrow_range(
            args["key"], args["bps"], round(args["s"] * SECOND)
        ),
        lambda args: args["s"] + 10.0,
        "each refused price costs a second, and the price can be outside the range itself",
        lasts_s=_its_s,
    ),
    "halt_market": Trouble(
        _for_s(10, 90),
        lambda sim, args: sim.faults.halt_market(round(args["s"] * SECOND)),
        lambda args: args["s"] + 10.0,
        "every order is cancelled and none is taken; the first trade brings the exits back",
        lasts_s=_its_s,
    ),
    "silent_run": Trouble(
        lambda rng, keys: {
            "s": round(rng.uniform(70, 100), 1),
            "bps": rng.choice((-1, 1)) * rng.randint(200, 600),
            "keys": keys,
            "run_s": 2.0,
            "out_s": 6.0,
            "quotes": rng.random() < 0.7,
        },
        lambda sim, args: sim.faults.silent_run(
            round(args["s"] * SECOND),
            args["keys"],
            args["bps"],
            round(args["run_s"] * SECOND),
            quotes=args["quotes"],
        ),
        _always(BLIND_S),
        "pushes are lost too, but a person's flatten goes on: it is priced by REST, or goes to the market",
        lasts_s=_its_s,
    ),
    "tick_doubled": Trouble(
        _count(5, 60),
        lambda sim, args: sim.faults.double_ticks(args["n"]),
        _always(0.0),
        "the same packet twice says nothing new",
    ),
    "tick_part": Trouble(
        _count(5, 60),
        lambda sim, args: sim.faults.part_ticks(args["n"]),
        _always(0.0),
        "Upstox leaves out depth, candles or the last trade; Kite repeats the trade with another order book",
    ),
    "tick_no_book": Trouble(
        _count(1, 30),
        lambda sim, args: sim.faults.empty_books(args["n"]),
        _always(0.0),
        "an order book in which nothing stands",
    ),
    "tick_wrong": Trouble(
        _count(1, 12),
        lambda sim, args: sim.faults.wrong_ticks(args["n"]),
        _always(0.0),
        "single prices that are wrong by a decimal point, between right ones",
    ),
    "tick_hole": Trouble(
        _for_s(5, 120),
        lambda sim, args: sim.faults.hole(round(args["s"] * SECOND)),
        _always(6.0),
        "no prices while all else goes on: afterwards the market is elsewhere, as after a gap",
        lasts_s=_its_s,
    ),
    "thin": Trouble(
        lambda rng, keys: {"key": rng.choice(keys), "s": round(rng.uniform(10, 90), 1)},
        lambda sim, args: sim.faults.thin(args["key"], round(args["s"] * SECOND)),
        _always(6.0),
        "nobody trades and the order book moves: then the market is elsewhere, as after a gap",
        lasts_s=_its_s,
    ),
    PASSED_OVER: Trouble(
        lambda rng, keys: {"n": rng.randint(2, 6), "s": round(rng.uniform(5, 90), 1)},
        lambda sim, args: sim.faults.pass_over(args["n"], round(args["s"] * SECOND)),
        _always(0.0),
        "an entry that waits at the exchange, and may fill when it is to be cancelled",
    ),
    "cut_fills": Trouble(
        _nothing,
        lambda sim, args: sim.faults.cut_fills(True),
        _always(4.0),
        "each piece is covered by a modification",
    ),
    "fill_after_cancel": Trouble(
        _count(1, 3),
        lambda sim, args: sim.faults.fill_after_cancel(args["n"]),
        _always(17.0),
        "a late fill is exited",
        lambda args: True,
    ),
    "stale_book": Trouble(
        lambda rng, keys: {"n": rng.randint(1, 3), "s": round(rng.uniform(1, 6), 1)},
        lambda sim, args: sim.faults.stale_book(args["n"], round(args["s"] * SECOND)),
        lambda args: DOUBT_S + args["s"],
        "an order can seem absent that is there",
        lambda args: args["n"] > 1,  # one stale look must not suffice to send anything again
    ),
    "avg_missing": Trouble(
        _count(1, 6),
        lambda sim, args: sim.faults.miss_averages(args["n"]),
        _always(0.0),
        "no price of a fill is told: its stop is placed all the same, from the last price",
    ),
    "avg_revised": Trouble(
        _count(1, 6),
        lambda sim, args: sim.faults.revise_averages(args["n"]),
        _always(1.0),
        "a wrong average, and then the right one: the stop follows by a change",
    ),
    "trades_late": Trouble(
        lambda rng, keys: {"n": rng.randint(1, 5), "s": round(rng.uniform(1, 40), 1)},
        lambda sim, args: sim.faults.late_trades(args["n"], round(args["s"] * SECOND)),
        _always(0.0),
        "values come later; nothing waits for them",
    ),
    "book_empty": Trouble(
        _count(1, 4),
        _spoil_books("empty"),
        _books,
        "an empty book while orders stand proves nothing",
    ),
    "book_null": Trouble(_count(1, 4), _spoil_books("null"), _books, "as an empty one"),
    "book_partial": Trouble(
        _count(1, 4),
        _spoil_books("partial"),
        _books,
        "as an empty one, for what is behind the cut",
        _cut_behind,
    ),
    "book_lacks": Trouble(
        _count(1, 5),
        _spoil_books("lacks"),
        _books,
        "orders that stand are missing: the broker is asked for them alone",
        _cut_behind,
    ),
    "stop_in_doubt_and_empty_book": Trouble(
        lambda rng, keys: {"n": rng.randint(2, 4), "how": rng.choice(("empty", "null", "partial"))},
        _doubtful_stop_and_empty_book,
        _books,
        "two empty books do not prove that the stop is absent",
        lambda args: args["how"] == "partial" and _cut_behind(args),
    ),
    "foreign_bad_row": Trouble(
        _count(1, 30),
        lambda sim, args: sim.faults.foreign_bad_rows(args["n"]),
        _always(0.0),
        "the rest of the book is read all the same",
    ),
    "book_403": Trouble(
        _for_s(20, 90),
        lambda sim, args: sim.faults.shut_book(round(args["s"] * SECOND)),
        lambda args: args["s"] + DOUBT_S,
        "the token counts as dead, and the book is not read until somebody logs in",
        lasts_s=_its_s,
    ),
    "positions_empty": Trouble(
        _count(1, 3), _spoil_positions("empty"), _always(0.0), "asked again"
    ),
    "positions_null": Trouble(_count(1, 3), _spoil_positions("null"), _always(0.0), "asked again"),
    "cap_modifications": Trouble(
        _count(1, 6),
        lambda sim, args: sim.faults.cap_modifications(args["n"]),
        _always(12.0),
        "the stop is cancelled and placed anew",
    ),
    "cap_day": Trouble(
        _count(0, 3),
        lambda sim, args: sim.faults.cap_day(args["n"]),
        _always(3600.0),
        "nothing can be placed at all until the day's cap is lifted",
        lasts_s=_always(3600.0),
    ),
    "broker_tags": Trouble(
        _count(1, 6),
        lambda sim, args: sim.faults.tag_orders(args["n"]),
        _always(0.0),
        "our own tag stands among the broker's, and counts",
    ),
    "manual": Trouble(
        lambda rng, keys: {
            "key": rng.choice(keys),
            "side": rng.choice((-1, 1)),
            "qty": rng.randint(1, 4) * 5,
        },
        _manual,
        _always(8.0),
        "somebody trades in the broker's own app, and may close what we have open",
        lambda args: True,
    ),
    "closed_by_hand": Trouble(
        lambda rng, keys: {
            "keys": rng.sample(keys, len(keys)),
            "part": rng.choice((0.3, 0.7, 1.0, 1.0)),
        },
        lambda sim, args: sim.faults.close_by_hand(
            {key: _product(args, key) for key in args["keys"]}, args["part"]
        ),
        _always(8.0),
        "somebody closes what is open: until two looks agree, a stop may cover more than is there, or shrink twice",
        lambda args: True,
    ),
    "broker_square_off": Trouble(
        lambda rng, keys: {"keys": rng.sample(keys, len(keys))},
        lambda sim, args: sim.faults.square_off_early(
            [key for key in args["keys"] if _product(args, key) == "MIS"]
        ),
        _always(8.0),
        "the broker takes the stop out, and closes what is open a moment later",
        lambda args: True,
    ),
    "other_product": Trouble(
        lambda rng, keys: {
            "key": rng.choice(keys),
            "side": rng.choice((-1, 1)),
            "lots": rng.choice((1, 10, 40)),
        },
        _other_product,
        _always(0.0),
        "somebody trades the same instrument for delivery, or to carry it: that is another position, and nothing happens here",
    ),
    "token": Trouble(
        _for_s(1, 20),
        None,
        lambda args: args["s"] + DOUBT_S,
        "nothing is accepted until somebody logs in; refusals leave no doubt",
        lasts_s=_its_s,
    ),
    "clock_step": Trouble(
        lambda rng, keys: {"s": rng.choice((-4.0, -1.0, 2.0, 7.0, 15.0))},
        None,
        lambda args: abs(args["s"]) + DOUBT_S,
        "timeouts and looks come early or late",
        lasts_s=_always(STEP_DOUBTED_S),
    ),
    "clock_wrong": Trouble(
        lambda rng, keys: {
            "s": rng.choice((-200.0, -4.0, 4.0, 90.0, 200.0, 1200.0, 10_000.0)),
            "for_s": rng.choice((2.0, 4.0, 9.0, 20.0)),
        },
        None,
        _always(0.0),
        "the machine's clock is wrong for a while, past the square-off and the close too: ticks tell, and nothing is moved by it",
    ),
    "kill": Trouble(
        lambda rng, keys: {
            "behind": rng.choice(
                (UNDECIDED, "COMMAND", "COMMAND", "REPORT", "ANSWER", "SENT", "FRAME", "TIMER")
            ),
            "records": rng.choice((0, 0, 1, 2, 3, 5, 9, 30)),
            "s": round(rng.uniform(0, 8), 1),
            "twice": rng.random() < 0.3,
            "lost": rng.random() < 0.3,
        },
        None,
        lambda args: (
            args["s"]
            + DOUBT_S * (2 if args["twice"] else 1)
            + 2.0
            + args.get("history_s", 0.0)
            + args.get("watchdog_s", 0.0)
        ),
        "dead, and then recovering: what was being sent is in doubt, and a second death in the middle begins the doubt anew",
    ),
    "flatten": Trouble(_nothing, None, _always(4.0), "a person closes everything"),
    PEER: Trouble(
        lambda rng, keys: {"way": rng.choice(PEER_WAYS)},
        None,
        _always(0.0),
        "a process at the engine's socket stalls, floods, tears messages or vanishes: the trading does not notice",
    ),
    POSTBACK: Trouble(
        lambda rng, keys: {"way": rng.choice(POSTBACK_WAYS)},
        None,
        _always(0.0),
        "somebody posts to our hooks: the book is looked at or not, and nothing else comes of it",
    ),
    "halt": Trouble(
        lambda rng, keys: {"s": rng.choice((9.0, 40.0, 90.0, 9999.0))},
        None,
        _always(0.0),
        "a person halts the engine, and re-arms it",
    ),
    **OF_TWO_FEEDS,
}
"""Names are those that the simulator counts under, where it does the thing."""
