# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The only place where an order request is made: budget, state machine, command. Nothing else writes to the command ring.

`place` returns the new order's slot or minus a Reason; the others return REASON_OK or a Reason. A refusal here has changed
nothing, so the caller may simply ask again later: supervision is level-triggered.
"""
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from otrade._core cimport notes
from otrade._core.orders cimport order, risk
from otrade._core.state cimport core_t, new_order, push_command
from otrade._core.types cimport (
    CMD_CANCEL, CMD_LOOK, CMD_NEW, CMD_REPLACE, EV_SEND_CANCEL, EV_SEND_NEW, EV_SEND_REPLACE, LANE_PROTECT,
    REASON_CAPACITY, REASON_ILLEGAL_EVENT, REASON_OK, REASON_RING_FULL, SEV_ALARM,
    command_t, instrument_t, order_t,
)


cdef void _fill_command(core_t* c, command_t* cmd, int kind, int slot, int lane) noexcept nogil:
    cdef order_t* o = &c.orders[slot]
    cdef instrument_t* inst = &c.instruments[o.instrument_id]
    cmd.kind = kind
    cmd.lane = lane
    cmd.order_slot = slot
    cmd.instrument_id = o.instrument_id
    cmd.side = o.side
    cmd.ord_type = o.req_type
    cmd.tif = o.tif
    cmd.product = o.product
    cmd.protection_e2 = o.protection_e2
    cmd.qty = o.req_qty
    cmd.price_e4 = o.req_price_e4
    cmd.trigger_e4 = o.req_trigger_e4
    memcpy(cmd.cl_ord_id, o.cl_ord_id, sizeof(cmd.cl_ord_id))
    memcpy(cmd.broker_order_id, o.broker_order_id, sizeof(cmd.broker_order_id))
    memcpy(cmd.symbol, inst.symbol, sizeof(cmd.symbol))
    memcpy(cmd.exchange, inst.exchange, sizeof(cmd.exchange))
    o.request_seq = cmd.seq


cdef bint _room(core_t* c) noexcept nogil:
    return c.command_tail - c.command_head < c.cap_commands


cdef int place(
    core_t* c, int bracket_id, int leg, int side, int ord_type, int64_t qty, int64_t price_e4, int64_t trigger_e4, int lane
) noexcept nogil:
    cdef int reason = risk.budget_left(c, lane, True)
    cdef int slot
    cdef order_t* o
    if reason != REASON_OK:
        c.budget.n_denied += 1
        return -reason
    if not _room(c):
        return -REASON_RING_FULL
    slot = new_order(c, bracket_id, leg, side)
    if slot < 0:
        notes.capacity(c, SEV_ALARM, c.brackets[bracket_id].instrument_id, bracket_id, -1, REASON_CAPACITY)
        return -REASON_CAPACITY
    o = &c.orders[slot]
    o.ord_type = o.req_type = ord_type
    o.order_qty = o.req_qty = qty
    o.price_e4 = o.req_price_e4 = price_e4
    o.trigger_e4 = o.req_trigger_e4 = trigger_e4
    o.protection_e2 = c.strategies[c.brackets[bracket_id].strategy_id].plan.protection_e2
    order.apply(o, EV_SEND_NEW, c.now_ns)
    _fill_command(c, push_command(c), CMD_NEW, slot, lane)
    risk.spend(c, True)
    c.counters.orders += 1
    return slot


cdef int replace(core_t* c, int slot, int ord_type, int64_t qty, int64_t price_e4, int64_t trigger_e4, int lane) noexcept nogil:
    """Ask for new terms; `qty` is the new total, filled part included, as exchanges count it."""
    cdef order_t* o = &c.orders[slot]
    cdef int reason = risk.budget_left(c, lane, False)
    if reason != REASON_OK:
        c.budget.n_denied += 1
        return reason
    if not _room(c):
        return REASON_RING_FULL
    if not order.may_request(o) or order.apply(o, EV_SEND_REPLACE, c.now_ns) != REASON_OK:
        return REASON_ILLEGAL_EVENT
    o.req_type = ord_type
    o.req_qty = qty
    o.req_price_e4 = price_e4
    o.req_trigger_e4 = trigger_e4
    o.n_modifies += 1
    _fill_command(c, push_command(c), CMD_REPLACE, slot, lane)
    risk.spend(c, False)
    return REASON_OK


cdef int cancel(core_t* c, int slot, int lane) noexcept nogil:
    cdef order_t* o = &c.orders[slot]
    cdef int reason = risk.budget_left(c, lane, False)
    if reason != REASON_OK:
        c.budget.n_denied += 1
        return reason
    if not _room(c):
        return REASON_RING_FULL
    if not order.may_request(o) or order.apply(o, EV_SEND_CANCEL, c.now_ns) != REASON_OK:
        return REASON_ILLEGAL_EVENT
    _fill_command(c, push_command(c), CMD_CANCEL, slot, lane)
    risk.spend(c, False)
    return REASON_OK


cdef void poll_book(core_t* c) noexcept nogil:
    """Ask the world to read the broker's order book: something is in doubt. Costs no order budget."""
    cdef command_t* cmd
    if not _room(c):
        return
    cmd = push_command(c)
    cmd.kind = CMD_LOOK
    cmd.lane = LANE_PROTECT
    cmd.order_slot = -1
    cmd.instrument_id = -1
