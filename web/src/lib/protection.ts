// Which orders cover a bracket, and since when. Pure functions over the rows.

import type { BracketView, OrderView } from "./wire";

const WORKING: ReadonlySet<OrderView["ord_status"]> = new Set(["NEW", "PARTIALLY_FILLED"]);

/** Exits of the bracket that work at the exchange, the oldest first. */
export function covering(bracket: BracketView, orders: readonly OrderView[]): OrderView[] {
  return orders.filter((row) => row.bracket_id === bracket.id && row.leg !== "ENTRY" && WORKING.has(row.ord_status));
}

/** Open quantity that nothing covers. */
export function bare(bracket: BracketView): number {
  return Math.max(0, bracket.open_qty - bracket.protected_qty);
}

/** Since when the oldest covering order is known to work; null without one. */
export function coveredSince(orders: readonly OrderView[]): number | null {
  const known = orders.map((row) => row.ts_ack_ms ?? row.ts_last_ms);
  return known.length === 0 ? null : Math.min(...known);
}
