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

/** The lowest and the highest of some values; both 0 of none. */
export function extremes(values: readonly number[]): { low: number; high: number } {
  return values.length === 0 ? { low: 0, high: 0 } : { low: Math.min(...values), high: Math.max(...values) };
}

/** The points of a path, which has no use for more than its pixels: of each of `n` stretches the ends, and where each of these values is
 * lowest and highest. Nothing that a curve reached is lost. */
export function thinned<T>(points: readonly T[], n: number, values: readonly ((point: T) => number)[]): readonly T[] {
  if (points.length <= 2 * n) return points;
  const kept = new Set<number>([0, points.length - 1]);
  for (let i = 0; i < n; i++) {
    const from = Math.floor((i * points.length) / n);
    const to = Math.floor(((i + 1) * points.length) / n);
    kept.add(from);
    for (const value of values) {
      let low = from;
      let high = from;
      for (let at = from; at < to; at++) {
        const here = value(points[at] as T);
        if (here < value(points[low] as T)) low = at;
        if (here > value(points[high] as T)) high = at;
      }
      kept.add(low).add(high);
    }
  }
  return [...kept].sort((x, y) => x - y).map((at) => points[at] as T);
}

/** Round amounts between two ends, at most `most` of them and zero among them: 1, 2 or 5 times a power of ten apart. */
export function ticks(range: { low: number; high: number }, most: number): number[] {
  const least = (range.high - range.low) / most;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((n) => n * power).find((one) => one >= least) ?? 10 * power;
  const found = [];
  for (let n = Math.ceil(range.low / step); n <= Math.floor(range.high / step); n++) found.push(n * step);
  return found;
}

/** The point nearest to a time; points are in the order of time. */
export function nearest<T extends { ts_ms: number }>(points: readonly T[], ts_ms: number): T | undefined {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle] as T).ts_ms < ts_ms) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [points[low - 1], points[low]];
  return before && after && ts_ms - before.ts_ms < after.ts_ms - ts_ms ? before : after;
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
