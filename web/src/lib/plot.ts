// Numbers into shapes: a curve into an SVG path, latencies into bins. Pure functions.

import type { LatencyBucket } from "../api/contract";

export interface Box {
  width: number;
  height: number;
}

/** The range of a curve's values, zero within it. */
export function rangeOf(values: readonly number[]): { low: number; high: number } {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  return low === high ? { low: low - 1, high: high + 1 } : { low, high };
}

/** At most `n` of the points, evenly chosen, the last one always: a path has no use for more than its pixels. */
export function thinned<T>(points: readonly T[], n: number): readonly T[] {
  if (points.length <= n) return points;
  const step = (points.length - 1) / (n - 1);
  return Array.from({ length: n }, (_, i) => points[Math.round(i * step)] as T);
}

/** `M0 10L5 8...`: the curve of one value over time, in a box whose upper edge is `high`. */
export function pathOf<T extends { ts_ms: number }>(
  points: readonly T[],
  value: (point: T) => number,
  range: { low: number; high: number },
  box: Box,
): string {
  const first = points[0]?.ts_ms ?? 0;
  const span = Math.max(1, (points.at(-1)?.ts_ms ?? 0) - first);
  const y = (v: number) => (box.height * (range.high - v)) / (range.high - range.low);
  return points
    .map((point, i) => {
      const x = (box.width * (point.ts_ms - first)) / span;
      return `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y(value(point)).toFixed(1)}`;
    })
    .join("");
}

export interface Bin {
  from_ns: number;
  to_ns: number;
  n: number;
}

/** Buckets gathered into `n_bins` bins of equal width on a logarithmic scale, from the first that is not empty to the last. */
export function binned(buckets: readonly LatencyBucket[], n_bins: number): Bin[] {
  const low = Math.max(1, buckets[0]?.up_to_ns ?? 1);
  const high = Math.max(low + 1, buckets.at(-1)?.up_to_ns ?? 1);
  const ratio = Math.log(high / low) / n_bins;
  const edge = (i: number) => low * Math.exp(ratio * i);
  const bins: Bin[] = Array.from({ length: n_bins }, (_, i) => ({ from_ns: edge(i), to_ns: edge(i + 1), n: 0 }));
  for (const bucket of buckets) {
    const at = Math.min(n_bins - 1, Math.floor(Math.log(Math.max(1, bucket.up_to_ns) / low) / ratio + 1e-9)); // an edge belongs to its bin
    const bin = bins[Math.max(0, at)];
    if (bin !== undefined) bin.n += bucket.n;
  }
  return bins;
}
