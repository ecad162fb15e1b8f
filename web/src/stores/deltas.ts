// What a message does to what is already known. Pure: rows in, rows out; the same array when nothing changed.

import type { Candle, ServerMessage } from "../api/contract";

/** Rows of the same key are replaced in place, new ones go to the end. */
export function upsert<T>(
  rows: readonly T[],
  changed: readonly T[] | undefined,
  key: (row: T) => number | string,
): readonly T[] {
  if (changed === undefined || changed.length === 0) return rows;
  const byKey = new Map(changed.map((row) => [key(row), row]));
  const next = rows.map((row) => {
    const found = byKey.get(key(row));
    if (found === undefined) return row;
    byKey.delete(key(row));
    return found;
  });
  return [...next, ...byKey.values()];
}

/** The newest `kept` of the old and the new, oldest first. */
export function append<T>(rows: readonly T[], more: readonly T[] | undefined, kept: number): readonly T[] {
  if (more === undefined || more.length === 0) return rows;
  return [...rows, ...more].slice(-kept);
}

export type DeltaAction = "apply" | "resync" | "ignore";

/**
 * Whether a message may be applied after the one numbered `seq` (null: none yet, or waiting for a snapshot).
 * A gap asks for a resync once; then everything is ignored until the snapshot is there.
 */
export function deltaAction(seq: number | null, message: ServerMessage): DeltaAction {
  if (message.type === "snapshot") return "apply";
  if (seq === null) return "ignore";
  return message.seq === seq + 1 ? "apply" : "resync";
}

/** One tick drawn into the forming candle, or a new candle begun; a tick older than the last candle changes nothing. */
export function foldTick(
  candles: readonly Candle[],
  ts_ms: number,
  px_e4: number,
  interval_ms: number,
): readonly Candle[] {
  const open_ms = ts_ms - (ts_ms % interval_ms);
  const last = candles.at(-1);
  if (last === undefined || open_ms > last.ts_ms) {
    const begun = { ts_ms: open_ms, open_e4: px_e4, high_e4: px_e4, low_e4: px_e4, close_e4: px_e4, volume: 0 };
    return [...candles, begun];
  }
  if (open_ms < last.ts_ms) return candles;
  const drawn = {
    ...last,
    high_e4: Math.max(last.high_e4, px_e4),
    low_e4: Math.min(last.low_e4, px_e4),
    close_e4: px_e4,
  };
  return [...candles.slice(0, -1), drawn];
}

/** Candles fetched from the engine laid over those that were drawn from ticks. */
export function mergeCandles(candles: readonly Candle[], fetched: readonly Candle[]): readonly Candle[] {
  const first = fetched[0];
  const last = fetched.at(-1);
  if (first === undefined || last === undefined) return candles;
  return [
    ...candles.filter((row) => row.ts_ms < first.ts_ms),
    ...fetched,
    ...candles.filter((row) => row.ts_ms > last.ts_ms),
  ];
}

/** How many rows from the first on are the very same. */
export function commonPrefix<T>(before: readonly T[], after: readonly T[]): number {
  const n = Math.min(before.length, after.length);
  let same = 0;
  while (same < n && before[same] === after[same]) same += 1;
  return same;
}
