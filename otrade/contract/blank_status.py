"""The status of an engine of which nothing is known yet."""

from otrade.contract import views

NO_CHARGES = views.ChargesView(
    brokerage_e4=0,
    stt_e4=0,
    exchange_e4=0,
    ipft_e4=0,
    sebi_e4=0,
    gst_e4=0,
    stamp_e4=0,
    dp_e4=0,
    square_off_e4=0,
    words="",
)

NO_LOOP = views.LoopStatus(
    lag_ms=0.0, longest_turn_ms=0.0, longest_turn_at_ms=None, stalls=0, stalled_ms=0.0
)


def blank_status(
    *,
    version: str,
    mode: views.Mode,
    broker_kind: str,
    lifecycle: views.Lifecycle,
    speed: float = 1.0,
    not_ready: list[str],
    loop: views.LoopStatus = NO_LOOP,
) -> views.Status:
    """Before the first day."""
    return views.Status(
        version=version,
        mode=mode,
        broker_kind=broker_kind,
        lifecycle=lifecycle,
        state="ACTIVE",
        state_reason="",
        paused=False,
        phase="UNKNOWN",
        phase_words="starting" if lifecycle == "starting" else "not known",
        phase_ends_ms=None,
        day="",
        now_ms=0,
        speed=speed,
        feed=views.FeedStatus(
            connected=False, age_ms=None, frames=0, ticks=0, reconnects=0, refused=0
        ),
        broker=views.BrokerStatus(connected=False, token_until_ms=None, orders_sent=0, in_doubt=0),
        pnl=views.PnlStatus(
            gross_e4=0,
            charges_e4=0,
            net_e4=0,
            charges=NO_CHARGES,
            realised_e4=0,
            unrealised_e4=0,
            peak_e4=0,
            drawdown_e4=0,
        ),
        counts=views.CountStatus(signals=0, trades=0, open_brackets=0, orders=0),
        protection=views.ProtectionStatus(
            open_qty=0,
            protected_qty=0,
            naked_ms_total=0.0,
            naked_ms_worst=0.0,
            target_ms_total=0.0,
            target_ms_worst=0.0,
            naked_now=0,
        ),
        latency=views.LatencyStatus(p50_ns=0, p99_ns=0, max_ns=0, count=0),
        loop=loop,
        not_ready=not_ready,
    )
