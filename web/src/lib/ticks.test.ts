import { describe, expect, it } from "vitest";

import { TickRing } from "./ticks";

describe("ticks", () => {
  it("keeps the newest, oldest first", () => {
    const ring = new TickRing(3);
    for (const ts of [1, 2, 3, 4, 5]) expect(ring.push(ts, ts * 10)).toBe(true);
    expect(ring.size).toBe(3);
    expect([...ring.from(0)].map((tick) => tick.ts_ms)).toEqual([3, 4, 5]);
    expect([...ring.from(2)]).toEqual([{ ts_ms: 5, px_e4: 50 }]);
  });

  it("takes nothing that is not later", () => {
    const ring = new TickRing(3);
    ring.push(5, 1);
    expect(ring.push(5, 2)).toBe(false);
    expect(ring.push(4, 2)).toBe(false);
    expect([...ring.from(0)]).toEqual([{ ts_ms: 5, px_e4: 1 }]);
    ring.clear();
    expect(ring.size).toBe(0);
    expect(ring.push(1, 1)).toBe(true);
  });
});
