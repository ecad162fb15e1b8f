import { beforeAll, describe, expect, it, vi } from "vitest";

import type * as RouteModule from "./route.svelte";

let made: typeof RouteModule;
beforeAll(async () => {
  vi.stubGlobal("location", { hash: "" });
  vi.stubGlobal("$state", Object.assign((value: unknown) => value, { raw: (value: unknown) => value }));
  made = await import("./route.svelte");
});

describe("targets", () => {
  it.each([
    ["", "today", ""],
    ["#/", "today", ""],
    ["#/orders", "orders", ""],
    ["#/orders/OT1", "orders", "OT1"],
    ["#/instrument/3", "instrument", "3"],
    ["#/nowhere/3", "today", ""],
    ["#/orders/%E0%A4%A", "orders", ""],
    ["#/journal/2025-09-01.otj", "journal", "2025-09-01.otj"],
  ])("%s", (hash, view, item) => {
    expect(made.parseHash(hash)).toEqual({ view, item });
  });

  it("goes there and back for every view", () => {
    for (const { id } of made.VIEWS) {
      expect(made.parseHash(made.hashOf(id))).toEqual({ view: id, item: "" });
      expect(made.parseHash(made.hashOf(id, "a/b #1"))).toEqual({ view: id, item: "a/b #1" });
    }
  });

  it("has a key of its own for every view", () => {
    expect(new Set(made.VIEWS.map((row) => row.key)).size).toBe(made.VIEWS.length);
  });
});
