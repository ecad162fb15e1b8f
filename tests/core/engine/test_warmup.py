"""The warm-up goes all of an order's way, and leaves no trace in the engine that it is for."""

from typing import Any

from otrade._core.engine.engine import Engine
from otrade._core.engine.warmup import WarmUp
from otrade._core.journal_writer import JournalWriter
from tests.harness.core_engine import OPEN_NS, SECOND, frame, make_engine, packet, token_of


def everything(engine: Engine) -> tuple[Any, ...]:
    """All that an engine shows."""
    return (
        engine.counters(),
        engine.risk(),
        engine.instrument(0),
        engine.market(0),
        engine.position(0),
        engine.series(0),
        engine.strategy(0),
        [engine.order(i) for i in range(engine.n_orders)],
        [engine.bracket(i) for i in range(engine.n_brackets)],
        engine.now_ns,
    )


def tick(engine: Engine, paise: int, second: int) -> None:
    engine.on_frame_bytes(
        frame(packet(token_of(0), paise, ts_s=(OPEN_NS // SECOND) + second)),
        OPEN_NS + second * SECOND,
    )


def test_every_run_decides_one_order_and_encodes_it() -> None:
    warm_up = WarmUp(make_engine())
    for _ in range(5_000):
        warm_up.try_run()
    assert warm_up.n_runs == warm_up.n_orders == 5_000
    assert warm_up.request.startswith(b"POST /orders/regular HTTP/1.1\r\n")
    assert b"tradingsymbol=WARMUP" in warm_up.request, "no exchange has such an instrument"


def test_the_engine_does_not_notice() -> None:
    memory = bytearray(1 << 16)
    engine = make_engine()
    writer = JournalWriter(memory)
    engine.open_journal(writer, b"{}", OPEN_NS)
    tick(engine, 9_900, 1)
    tick(engine, 10_100, 2)
    warm_up = WarmUp(engine)
    before = everything(engine), bytes(memory), writer.seq
    for _ in range(100):
        warm_up.try_run()
    assert (everything(engine), bytes(memory), writer.seq) == before


def test_decisions_are_the_same_with_it_and_without() -> None:
    def trade(warms_up: bool) -> list[tuple[int, bytes]]:
        engine = make_engine(plan={"on_opposite": 0}, params={"side_mask": 1})
        warm_up = WarmUp(engine)
        requests = []
        for second in range(400):
            tick(engine, 10_000 + 70 * (-1) ** (second // 7), second)
            if warms_up:
                warm_up.try_run()
            while (command := engine.take_command()) is not None:
                requests.append((command.seq, command.request))
        return requests

    assert trade(True) == trade(False)
    assert trade(True), "there is something to compare"
