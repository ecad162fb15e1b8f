"""Bugs, planted one at a time in a copy of the tree, each to be caught by the drill: proof that the
drill can fail.

    python -m tests.drill.mutants [--only NAME] [--seeds N] [--jobs N]

A mutant is a row: file, the exact text, what replaces it, and what is wrong with that. A text that
no longer matches is an error: the table follows the code. Prints the seeds that each took; exit
code 1 when one survives.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPY = ROOT / "build" / "mutants"
CORE = "otrade/_core/"


@dataclass(frozen=True)
class Mutant:
    """`old` occurs exactly once in `file`."""

    name: str
    file: str
    old: str
    new: str
    wrong: str
    faults: str = ""
    """The only troubles under which it is drilled; empty: all of them."""


MUTANTS = (
    Mutant(
        "resend without the second look",
        CORE + "orders/report.pyx",
        "                if o.looks == 0:\n                    o.looks = 1\n                    o.ts_look_ns = c.book_request_ns\n"
        "                elif c.book_request_ns >= o.ts_look_ns + c.look_gap_ns:\n                    _apply(c, slot, EV_ABSENT)",
        "                if True:\n                    _apply(c, slot, EV_ABSENT)",
        "one look at a book that is late makes a second order",
    ),
    Mutant(
        "timeout taken for a refusal",
        CORE + "orders/report.pyx",
        "    cdef int ev = outcome\n    if slot < 0:",
        "    cdef int ev = outcome\n    if outcome == EV_TIMEOUT:\n        outcome = ev = EV_REFUSED\n    if slot < 0:",
        "unknown is not failed",
    ),
    Mutant(
        "resend while in doubt",
        CORE + "orders/exits.pyx",
        "    if o == NULL or order.is_final(o):\n        if c.now_ns < pause[0]:",
        "    if o == NULL or order.is_final(o) or o.in_doubt:\n        if c.now_ns < pause[0]:",
        "a stop that may stand is sent again",
    ),
    Mutant(
        "forget a partial fill",
        CORE + "orders/report.pyx",
        "    if d_qty > 0:\n        bracket.on_fill(",
        "    if d_qty > 0 and o.cum_qty >= o.order_qty:\n        bracket.on_fill(",
        "the quantity filled before the last report is lost",
    ),
    Mutant(
        "accept a falling filled quantity",
        CORE + "orders/order.pyx",
        "    if cum_qty < order.cum_qty:\n        return REASON_CUM_QTY_FELL\n",
        "    if cum_qty < order.cum_qty:\n        order.cum_qty = cum_qty\n",
        "an old report counts a fill twice later",
    ),
    Mutant(
        "failed query taken for an empty book",
        "otrade/live/oms/order_book_poller.py",
        "            gap_ns = self._failed(error)\n",
        "            gap_ns = self._failed(error)\n            self._engine.on_book_begin(ts_request_ns)\n"
        "            self._engine.on_book_end(self._clock.now_ns())\n",
        "a question that was not answered proves nothing",
    ),
    Mutant(
        "zero average booked for good",
        "otrade/brokers/parse.py",
        "    return (value, Worth.AVERAGE) if value else (0, Worth.UNKNOWN)\n",
        "    return value, Worth.AVERAGE if value else Worth.EXACT\n",
        "a price that is not told is taken for nothing",
    ),
    Mutant(
        "value at an unchanged quantity dropped",
        CORE + "orders/order.pyx",
        "    if worth == WORTH_EXACT:\n        return True\n",
        "    if worth == WORTH_EXACT:\n        return False\n",
        "what the trades say comes too late to be taken",
    ),
    Mutant(
        "empty book proves absence",
        "otrade/live/oms/order_book_poller.py",
        "        self._engine.on_book_end(now_ns, not missing and not hides_ours(rows))\n",
        "        self._engine.on_book_end(now_ns)\n",
        "a book without what we know is taken for a whole one",
        faults="stop_in_doubt_and_empty_book",
    ),
    Mutant(
        "403 at the book ignored",
        "otrade/live/day/trading_day.py",
        "        if isinstance(error, TokenError):\n            self._on_token_dead()  # by whatever road it is heard of\n",
        "",
        "a token that is refused at the order book goes on to trade",
        faults="book_403",
    ),
    Mutant(
        "second exit beside the first",
        CORE + "orders/exits.pyx",
        "    if o == NULL or order.is_final(o):\n        if c.now_ns < pause[0]:",
        "    if o == NULL or order.is_final(o) or o.ord_type != ord_type:\n        if c.now_ns < pause[0]:",
        "the target is placed and the stop left: both can fill",
    ),
    Mutant(
        "budget ignored",
        CORE + "orders/risk.pyx",
        "    if budget.per_second > 0 and _has_sent(",
        "    if False and budget.per_second > 0 and _has_sent(",
        "more requests a second than are allowed",
    ),
    Mutant(
        "tag used again",
        CORE + "state.pyx",
        "    b.next_attempt += 1\n    o.next = b.order_head\n    b.order_head = slot\n    b.n_orders += 1\n",
        "    o.next = b.order_head\n    b.order_head = slot\n    b.n_orders += 1\n"
        "    if b.n_orders > 2:\n        slot = b.order_head - 1\n",
        "two orders with one ClOrdID",
    ),
    Mutant(
        "stop for what was ordered",
        CORE + "orders/exits.pyx",
        "    else:\n        _ensure(c, bracket_id, LEG_STOP, TYPE_SL, held, b.stop_limit_e4, b.stop_e4, LANE_PROTECT)",
        "    else:\n        _ensure(c, bracket_id, LEG_STOP, TYPE_SL, b.order_qty, b.stop_limit_e4, b.stop_e4, LANE_PROTECT)",
        "a partly filled entry gets a stop for more than is open",
    ),
    Mutant(
        "late fill ignored",
        CORE + "orders/report.pyx",
        "    if r.cum_qty > 0:\n",
        "    if r.cum_qty > 0 and not was_final:\n",
        "what traded after the cancel is nobody's",
    ),
    Mutant(
        "unknown status taken for cancelled",
        "otrade/brokers/kite/reports.py",
        "EV_OF_STATUS.get(status, Ev.UNKNOWN)",
        "EV_OF_STATUS.get(status, Ev.CANCELED)",
        "a word that nobody knows ends an order that lives",
    ),
    Mutant(
        "naked clock stopped too early",
        CORE + "orders/exits.pyx",
        "    if not order.is_working(o) or (o.ord_type",
        "    if order.is_final(o) or (o.ord_type",
        "a stop that was only asked for counts as standing",
    ),
    Mutant(
        "exits blocked by a halt",
        CORE + "orders/exits.pyx",
        "    if b.state == BR_EXITING or b.state == BR_CLOSED:\n        return\n    b.state = BR_EXITING",
        "    if b.state == BR_EXITING or b.state == BR_CLOSED or c.risk.halt == 2:\n        return\n    b.state = BR_EXITING",
        "a halted engine cannot get out",
    ),
    Mutant(
        "modification forgets what has filled",
        CORE + "orders/exits.pyx",
        "reason = request.replace(c, slot, ord_type, o.cum_qty + qty,",
        "reason = request.replace(c, slot, ord_type, qty,",
        "exchanges count the total, filled part included",
    ),
    Mutant(
        "quarantine ignored",
        CORE + "orders/risk.pyx",
        "    if inst.quarantined:\n",
        "    if inst.quarantined > 1:\n",
        "it trades where it cannot explain the position",
    ),
    Mutant(
        "recovery forgets what is in doubt",
        CORE + "orders/adopt.pyx",
        "            if c.orders[slot].pending != PENDING_NONE and not c.orders[slot].in_doubt:\n",
        "            c.orders[slot].pending = PENDING_NONE\n            c.orders[slot].in_doubt = 0\n            if False:\n",
        "a stop that was being sent when the process died is neither there nor missed",
    ),
    Mutant(
        "over-exit left alone",
        CORE + "orders/exits.pyx",
        "    elif b.open_qty < 0:\n        _undo_over_exit(c, bracket_id, b)\n",
        "    elif b.open_qty < 0:\n        pass\n",
        "a late fill leaves a position on the other side",
    ),
    Mutant(
        "exit never follows the market",
        CORE + "orders/exits.pyx",
        "    if b.state != BR_EXITING or held_qty(b) <= 0 or c.now_ns < b.ladder_next_ns:\n        return\n",
        "    if b.ladder_step >= 0:\n        return\n",
        "an exit that rests is left resting",
    ),
    Mutant(
        "command leaves without a record",
        CORE + "engine/record.pyx",
        "            if self.journaling:\n                self._command(c, c.command_encoded)\n",
        "            if self.journaling and cmd.kind != 1:\n                self._command(c, c.command_encoded)\n",
        "an order without an intent in the journal",
    ),
    Mutant(
        "early request leaves without a record",
        CORE + "engine/pipeline.pyx",
        "        if self.n_waiting() != 1 or (self.recorder.journaling and self.recorder.journal.has_died()):\n",
        "        if self.n_waiting() != 1:\n",
        "the bytes are gone when the process dies, and its journal knows nothing of them",
        faults="kill",
    ),
    Mutant(
        "early request sent once more",
        "otrade/brokers/transport/order_pool.py",
        "        if written_to is not None:\n            self._book(written_to, request)\n            return\n",
        "        if written_to is not None:\n            self._idle.append(written_to)\n            written_to.line.settle()\n",
        "both ways write it: one intent, two orders",
    ),
    Mutant(
        "early request never waited for",
        "otrade/brokers/transport/order_pool.py",
        "            self._book(written_to, request)\n            return\n",
        "            return\n",
        "its answer meets nobody, and its connection is lost to the pool",
    ),
    Mutant(
        "order book alone makes a bar",
        CORE + "market/market.pyx",
        "    market.traded = traded\n",
        "    market.ts_bar_ns = market.ts_bar_ns if traded else tick.ts_exch_ns\n    traded = True\n    market.traded = traded\n",
        "the last trade again, with another book, is counted as one more",
        faults="thin,tick_part",
    ),
    Mutant(
        "any price believed",
        CORE + "market/market.pyx",
        "    if high - low <= few:\n        return True\n",
        "    if high - low >= 0:\n        return True\n",
        "a price that is wrong by a decimal point moves bars, stops and profit",
        faults="tick_wrong",
    ),
    Mutant(
        "limits by slice",
        CORE + "orders/risk.pyx",
        "    if limits.max_order_qty > 0 and qty > limits.max_order_qty:\n",
        "    if limits.max_order_qty > 0 and slice_qty > limits.max_order_qty:\n",
        "what the freeze quantity cuts passes the limit piece by piece",
    ),
    Mutant(
        "no budget kept for stops",
        CORE + "orders/risk.pyx",
        "    owed = obligations(c)\n",
        "    owed = 0\n",
        "entries eat the second in which their stops are wanted",
    ),
    Mutant(
        "waiting entry asks no gate",
        CORE + "orders/entry.pyx",
        "    if reason == REASON_OK:\n        reason = _gate(c, strategy_id, &e)\n"
        "    if reason != REASON_OK:\n        return reason\n    rate",
        "    if reason != REASON_OK:\n        return reason\n    rate",
        "what was allowed when it began to wait is not when its turn comes",
    ),
    Mutant(
        "remaining slices forgotten silently",
        CORE + "orders/entry.pyx",
        "    if e.qty > 0:\n        waiting.put(",
        "    if e.qty > 0 and reason != REASON_OK:\n        waiting.put(",
        "half a position that everybody takes for a whole one",
    ),
    Mutant(
        "refused target closes the position",
        CORE + "orders/bracket.pyx",
        "    if o.leg == LEG_TARGET:\n        # The stop stands",
        "    if o.leg == LEG_TARGET:\n        if b.n_target_rejects >= REFUSALS:\n"
        "            exits.begin_exit(c, o.bracket_id, EXIT_RISK)\n        # The stop stands",
        "what the stop protects is thrown away for want of a target",
        faults="reject_targets",
    ),
    Mutant(
        "refusals never forgotten",
        CORE + "orders/refusal.pyx",
        "    if in_a_row(b, o.leg)[0] == 0 or",
        "    if in_a_row(b, o.leg)[0] >= 0 or",
        "stops lost minutes apart, and placed anew each time, end in an exit",
        faults="lose_stops",
    ),
    Mutant(
        "entries without a brake",
        CORE + "orders/refusal.pyx",
        "    return c.now_ns < s.brake_until_ns\n",
        "    return False\n",
        "entries go on as long as a ban does",
        faults="reject_entries",
    ),
    Mutant(
        "half a book acted on",
        CORE + "orders/report.pyx",
        "    c.in_book = 1\n",
        "    c.in_book = 0\n",
        "a stop's fill that is read before its entry's looks like an over-exit",
    ),
    Mutant(
        "our tag is read only where it should stand",
        "otrade/brokers/parse.py",
        "if OWN_TAG.fullmatch(word)), words[0]",
        "if not tag), words[0]",
        "an order that the broker has marked with its own words is a stranger's, and ours is sent again",
        "broker_tags,answer_504,kill,push_dropped",
    ),
    Mutant(
        "a step of the machine's clock is believed at once",
        "otrade/clock.py",
        "        if abs(error_ns) <= self.STEP_NS:\n",
        "        if abs(error_ns) < 86_400 * NS_PER_S:\n",
        "a clock that is wrong for four seconds ends the day with its positions open",
        "clock_wrong",
    ),
    Mutant(
        "exits not bounded by the broker's net",
        "otrade/live/reconciliation/position_audit.py",
        "        elif self._is_told(instrument_id, foreign):\n",
        "        elif False:\n",
        "what somebody has closed is closed again: the other side opens",
        "closed_by_hand,broker_square_off",
    ),
    Mutant(
        "products summed",
        "otrade/live/reconciliation/position_audit.py",
        "            if position.product == self._plan.instruments[instrument_id].product:\n                had",
        "            if True:\n                had",
        "what is held for delivery is taken for what is traded within the day",
        "other_product",
    ),
    Mutant(
        "ladder never leaves an old touch",
        CORE + "orders/exits.pyx",
        "    if quote.touch_is_old(c, b.instrument_id):\n        inst.quote_wanted = 1\n        if b.ladder_step",
        "    if False:\n        inst.quote_wanted = 1\n        if b.ladder_step",
        "with the feed silent and no quote the exit rests two per cent from a price nobody stands at",
        "silent_run",
    ),
    Mutant(
        "way out not priced by the broker's quote",
        CORE + "orders/exits.pyx",
        "    if quote.is_newer_than_tick(c, b.instrument_id):\n        px = inst.quote_ask_e4",
        "    if False:\n        px = inst.quote_ask_e4",
        "the broker has told the price, and the exit follows the feed's last word",
        "silent_run",
    ),
    Mutant(
        "end of a halt not noticed",
        CORE + "engine/pipeline.pyx",
        "        if inst.halted > 0 and m.d_volume > 0:\n",
        "        if False:\n",
        "what the halt cancelled comes back half a minute late",
        "halt_market",
    ),
    Mutant(
        "quotes asked for at every beat",
        "otrade/live/day/quote_poller.py",
        "        if self._task is not None or now_ns < self._next_ns:\n",
        "        if self._task is not None:\n",
        "the broker's limit of questions is passed just when they are needed",
        "silent_run",
    ),
    Mutant(
        "margin preview asked and not heeded",
        "otrade/live/startup/exit_modes.py",
        "FREE if with_both_e4 <= with_stop_e4 else COSTS",
        "FREE",
        "a second exit works where the broker asks margin for it, and takes the money of other positions",
    ),
    Mutant(
        "a later start asks for margin again",
        "otrade/live/startup/exit_modes.py",
        "    known = {name: text for name, text in before.items() if isinstance(text, str) and text}\n",
        "    known: dict[str, str] = {}\n",
        "the broker says otherwise by then: brackets change their mode, and the core cannot use its journal",
        "kill",
    ),
)
HARMLESS = {
    "early request never waited for": "what nobody answers becomes a doubt, which the book resolves; the early way stays shut from then on",
    "half a book acted on": "Kite's book lists an order's entry before its exits, so the wrong order does not come up",
    "modification forgets what has filled": "the exit ends early, and what is left open gets an exit of its own within the bound",
}
"""Planted all the same, not caught, and why that need not be: nothing that a trader would lose by
follows from them.
"""


def prepare() -> None:
    """A copy of the tree with its compiled modules, so that a mutant rebuilds one of them."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    tracked = subprocess.check_output(
        [
            "git",
            "ls-files",
            "-z",
            "otrade",
            "tests",
            "setup.py",
            "pyproject.toml",
            "README.md",
            "LICENSE",
        ],
        cwd=ROOT,
    )
    made = [
        str(p.relative_to(ROOT))
        for p in (ROOT / "otrade").rglob("*")
        if p.suffix in (".so", ".c")
        or p.name in ("types.h", "types.pxd", "notes.pxd", "otk.h", "otk.pxd")
    ]
    for name in [*tracked.decode().split("\0")[:-1], *made]:
        (COPY / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, COPY / name)
    if (ROOT / "build" / "kernels").exists():
        shutil.copytree(
            ROOT / "build" / "kernels", COPY / "build" / "kernels", copy_function=shutil.copy2
        )
    build()  # once whole; each mutant then rebuilds one module, and the one before it


def build() -> None:
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=COPY,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"the mutant does not compile:\n{done.stderr[-2000:]}")


def drill(seeds: int, jobs: int, faults: str = "") -> tuple[int, str]:
    """(seeds until the first violation, its words); 0 when there was none."""
    words = [
        sys.executable,
        "-m",
        "otrade.drill.until",
        "--seeds",
        str(seeds),
        "--jobs",
        str(jobs),
        "--faults",
        faults,
    ]
    done = subprocess.run(
        words,
        cwd=COPY,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(COPY), "PATH": "/usr/bin:/bin"},
        timeout=3600,
    )
    found = re.search(r"^CAUGHT (\d+) (.*)$", done.stdout, re.M)
    if found:
        return int(found[1]), found[2]
    if "SURVIVED" not in done.stdout:
        return (
            1,
            f"CRASH {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}",
        )
    return 0, ""


def plant(mutant: Mutant) -> str:
    """Change the copy; the original text, to be put back."""
    path = COPY / mutant.file
    text = path.read_text()
    if text.count(mutant.old) != 1:
        raise SystemExit(
            f"mutant {mutant.name!r}: its text occurs {text.count(mutant.old)} times in {mutant.file}; bring the table up to date"
        )
    path.write_text(text.replace(mutant.old, mutant.new))
    return text


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument(
        "--only", default="", metavar="PART,PART", help="mutants whose name holds one of these"
    )
    ap.add_argument("--seeds", type=int, default=3_000)
    ap.add_argument("--jobs", type=int, default=0)
    args = ap.parse_args()
    prepare()
    survivors = []
    print(f"{'planted bug':<40}{'seeds':>7}  caught as", flush=True)
    for mutant in MUTANTS:
        if args.only and not any(part in mutant.name for part in args.only.split(",")):
            continue
        text = plant(mutant)
        try:
            began = time.monotonic()
            build()  # of a Python file too: the mutant before it is still compiled in
            built = time.monotonic()
            took, words = drill(
                min(args.seeds, 200) if mutant.name in HARMLESS else args.seeds,
                args.jobs,
                mutant.faults,
            )
        finally:
            (COPY / mutant.file).write_text(text)
        seconds = f"{built - began:.0f}+{time.monotonic() - built:.0f} s"
        if took == 0 and mutant.name not in HARMLESS:
            survivors.append(mutant.name)
        verdict = words[:110] or (
            f"harmless: {HARMLESS[mutant.name]}" if mutant.name in HARMLESS else "NOT CAUGHT"
        )
        print(f"{mutant.name:<40}{took or '-':>7}  {verdict}  ({seconds})", flush=True)
    if survivors:
        print(f"not caught: {', '.join(survivors)}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
