import { describe, expect, it } from "vitest";

import { binned, pathOf, rangeOf, thinned } from "./plot";

const point = (ts_ms: number, net_e4: number) => ({ ts_ms, net_e4, gross_e4: 0 });

describe("a curve", () => {
  it("has zero in its range", () => {
    expect(rangeOf([5, 9])).toEqual({ low: 0, high: 9 });
    expect(rangeOf([-5, -2])).toEqual({ low: -5, high: 0 });
    expect(rangeOf([])).toEqual({ low: -1, high: 1 });
  });

  it("is drawn from corner to corner", () => {
    const points = [point(1000, -10), point(2000, 0), point(3000, 10)];
    const path = pathOf(points, (p) => p.net_e4 ?? 0, { low: -10, high: 10 }, { width: 100, height: 50 });
    expect(path).toBe("M0.0 50.0L50.0 25.0L100.0 0.0");
  });

  it("keeps its ends when it is thinned", () => {
    const many = Array.from({ length: 1000 }, (_, i) => i);
    const few = thinned(many, 11);
    expect(few).toEqual([0, 100, 200, 300, 400, 500, 599, 699, 799, 899, 999]);
    expect(thinned([1, 2], 10)).toEqual([1, 2]);
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
