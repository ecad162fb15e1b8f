import { describe, expect, it } from "vitest";

import { nakedQty, protectedSince, protectingOrders } from "./protection";
import type { BracketView, OrderView } from "../api/contract";

const bracket = { id: 4, open_qty: 150, protected_qty: 100 } as BracketView;
const order = (fields: Partial<OrderView>) => ({ bracket_id: 4, leg: "STOP", ord_status: "NEW", ts_ack_ms: 5, ts_last_ms: 9, ...fields }) as OrderView;

describe("protection", () => {
  it("counts exits that work at the exchange", () => {
    const stop = order({});
    const others = [
      order({ leg: "ENTRY" }),
      order({ bracket_id: 3 }),
      order({ ord_status: "PENDING_NEW" }),
      order({ ord_status: "CANCELED" }),
      order({ ord_status: "FILLED" }),
    ];
    expect(protectingOrders(bracket, [...others, stop])).toEqual([stop]);
  });

  it("says what is naked", () => {
    expect(nakedQty(bracket)).toBe(50);
    expect(nakedQty({ ...bracket, protected_qty: 200 })).toBe(0);
  });

  it("is as old as its oldest order", () => {
    expect(protectedSince([])).toBeNull();
    expect(protectedSince([order({ ts_ack_ms: 7 }), order({ ts_ack_ms: null, ts_last_ms: 6 })])).toBe(6);
  });
});
