import { describe, expect, it } from "vitest";

import { boxOf, chosenOf, pricesOf, wicksOf } from "./results";
import type { Candle } from "../api/contract";

const candle = (ts_ms: number, open_e4: number, close_e4: number): Candle => ({
  ts_ms, open_e4, close_e4, low_e4: Math.min(open_e4, close_e4) - 10, high_e4: Math.max(open_e4, close_e4) + 10, volume: 0,
});

describe("what is chosen", () => {
  it.each([
    ["", "", ""],
    ["a", "a", ""],
    ["2026-11-20-live~my first.b", "2026-11-20-live", "my first.b"],
  ])("%s", (item, name, other) => expect(chosenOf(item)).toEqual({ name, other }));
});

describe("other prices", () => {
  it("reads a line each", () => {
    expect(pricesOf(" NFO:NIFTY.FUT = NSE:NIFTY 50 \n\nNSE:A=NSE:B").prices).toEqual([
      { symbol: "NFO:NIFTY.FUT", series: "NSE:NIFTY 50" },
      { symbol: "NSE:A", series: "NSE:B" },
    ]);
  });
  it.each(["NIFTY=NSE:A", "NSE:A", "NSE:A=", "NSE:A=NSE:B=NSE:C"])("refuses %s", (line) => expect(pricesOf(line).wrong).toBe(line));
});

describe("a day's picture", () => {
  const rows = [candle(0, 100, 120), candle(60_000, 120, 90)];
  const box = boxOf(rows, [], 100, 50);
  it("holds every price and time", () => {
    expect([box.low_e4, box.high_e4]).toEqual([80, 130]);
    expect([box.x(0), box.x(60_000), box.y(130), box.y(80)]).toEqual([0, 100, 0, 50]);
  });
  it("tells rising candles from falling ones", () => {
    expect(wicksOf(rows, box, true)).toBe("M0.0 40.0V-0.5");
    expect(wicksOf(rows, box, false)).toBe("M100.0 50.0V-0.5");
  });
});
