// Which orders protect a bracket, and since when. Pure functions over the rows.

import type { BracketView, OrderView } from "../api/contract";

const WORKING: ReadonlySet<OrderView["ord_status"]> = new Set(["NEW", "PARTIALLY_FILLED"]);

/** Exits of the bracket that work at the exchange, the oldest first. */
export function protectingOrders(bracket: BracketView, orders: readonly OrderView[]): OrderView[] {
  return orders.filter((row) => row.bracket_id === bracket.id && row.leg !== "ENTRY" && WORKING.has(row.ord_status));
}

/** Open quantity that nothing protects. */
export function nakedQty(bracket: BracketView): number {
  return Math.max(0, bracket.open_qty - bracket.protected_qty);
}

/** Since when the oldest of these orders is known to work; null without one. */
export function protectedSince(orders: readonly OrderView[]): number | null {
  const known = orders.map((row) => row.ts_ack_ms ?? row.ts_last_ms);
  return known.length === 0 ? null : Math.min(...known);
}
