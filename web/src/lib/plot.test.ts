import { describe, expect, it } from "vitest";

import { binned, extremes, nearest, pathOf, rangeOf, thinned, ticks } from "./plot";

const point = (ts_ms: number, net_e4: number) => ({ ts_ms, net_e4, gross_e4: 0 });

describe("a curve", () => {
  it("has zero in its range", () => {
    expect(rangeOf([5, 9])).toEqual({ low: 0, high: 9 });
    expect(rangeOf([-5, -2])).toEqual({ low: -5, high: 0 });
    expect(rangeOf([])).toEqual({ low: -1, high: 1 });
  });

  it("has its own extremes", () => {
    expect(extremes([3, -5, 9])).toEqual({ low: -5, high: 9 });
    expect(extremes([4])).toEqual({ low: 4, high: 4 });
    expect(extremes([])).toEqual({ low: 0, high: 0 });
  });

  it("is drawn from corner to corner", () => {
    const points = [point(1000, -10), point(2000, 0), point(3000, 10)];
    const path = pathOf(points, (p) => p.net_e4 ?? 0, { low: -10, high: 10 }, { width: 100, height: 50 });
    expect(path).toBe("M0.0 50.0L50.0 25.0L100.0 0.0");
  });

  it("keeps its ends and its extremes when it is thinned", () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({ n: i, value: i === 137 ? -50 : i === 861 ? 90 : Math.sin(i) }));
    const few = thinned(many, 20, [(p) => p.value]);
    expect(few.length).toBeLessThanOrEqual(62);
    expect(few[0]?.n).toBe(0);
    expect(few.at(-1)?.n).toBe(999);
    expect(Math.min(...few.map((p) => p.value))).toBe(-50);
    expect(Math.max(...few.map((p) => p.value))).toBe(90);
    expect(few.map((p) => p.n)).toEqual([...few.map((p) => p.n)].sort((a, b) => a - b));
    expect(thinned([1, 2], 10, [(p) => p])).toEqual([1, 2]);
  });

  it("has an axis of round amounts with zero among them", () => {
    expect(ticks({ low: -13_000, high: 41_000 }, 6)).toEqual([-10_000, 0, 10_000, 20_000, 30_000, 40_000]);
    expect(ticks({ low: 0, high: 9 }, 4)).toEqual([0, 5]);
    expect(ticks({ low: -1, high: 1 }, 4)).toEqual([-1, -0.5, 0, 0.5, 1]);
  });

  it("tells the point under the pointer", () => {
    const points = [point(1000, 1), point(2000, 2), point(4000, 3)];
    expect([0, 1400, 1600, 2999, 3001, 9000].map((ts) => nearest(points, ts)?.net_e4)).toEqual([1, 1, 2, 2, 3, 3]);
    expect(nearest([], 5)).toBeUndefined();
  });
});

describe("bins", () => {
  it("lose nothing", () => {
    const buckets = [1, 10, 100, 1000, 10_000].map((up_to_ns, i) => ({ up_to_ns, n: i + 1 }));
    const bins = binned(buckets, 4);
    expect(bins.map((bin) => bin.n)).toEqual([1, 2, 3, 9]);
    expect(bins[0]?.from_ns).toBe(1);
    expect(Math.round(bins.at(-1)?.to_ns ?? 0)).toBe(10_000);
  });

  it("are there for nothing and for one", () => {
    expect(binned([], 3).reduce((sum, bin) => sum + bin.n, 0)).toBe(0);
    expect(binned([{ up_to_ns: 500, n: 7 }], 3).reduce((sum, bin) => sum + bin.n, 0)).toBe(7);
  });
});
