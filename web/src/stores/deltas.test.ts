import { describe, expect, it } from "vitest";

import { append, foldTick, mergeCandles, commonPrefix, deltaAction, upsert } from "./deltas";
import type { Candle, Delta, NoticesMessage, Snapshot } from "../api/contract";

const row = (id: number, value: string) => ({ id, value });
const key = (r: { id: number }) => r.id;

describe("rows", () => {
  it("replaces in place and puts new ones last", () => {
    const rows = [row(1, "a"), row(2, "b"), row(3, "c")];
    const next = upsert(rows, [row(9, "new"), row(2, "B")], key);
    expect(next).toEqual([row(1, "a"), row(2, "B"), row(3, "c"), row(9, "new")]);
    expect(next[0]).toBe(rows[0]);
    expect(rows[1]).toEqual(row(2, "b"));
  });

  it("is the same array when nothing changed", () => {
    const rows = [row(1, "a")];
    expect(upsert(rows, undefined, key)).toBe(rows);
    expect(upsert(rows, [], key)).toBe(rows);
    expect(append(rows, undefined, 5)).toBe(rows);
  });

  it("keeps only the newest", () => {
    expect(append([1, 2, 3], [4, 5], 4)).toEqual([2, 3, 4, 5]);
  });
});

describe("the order of messages", () => {
  const snapshot = (seq: number) => ({ type: "snapshot", seq }) as Snapshot;
  const delta = (seq: number) => ({ type: "delta", seq }) as Delta;
  const notice = (seq: number) => ({ type: "notice", seq, notices: [] }) as NoticesMessage;

  it("takes what follows", () => {
    expect(deltaAction(7, delta(8))).toBe("apply");
    expect(deltaAction(7, notice(8))).toBe("apply");
  });

  it("takes a snapshot always", () => {
    for (const seq of [null, 3, 7, 100]) expect(deltaAction(seq, snapshot(7))).toBe("apply");
  });

  it("asks again after a gap, a repeat or a deltaAction back", () => {
    for (const seq of [9, 7, 6]) expect(deltaAction(7, delta(seq))).toBe("resync");
  });

  it("takes nothing before the first snapshot", () => {
    expect(deltaAction(null, delta(1))).toBe("ignore");
    expect(deltaAction(null, notice(1))).toBe("ignore");
  });
});

describe("candles", () => {
  const minute = 60_000;
  const candle = (n: number, px_e4: number): Candle => ({
    ts_ms: n * minute,
    open_e4: px_e4,
    high_e4: px_e4,
    low_e4: px_e4,
    close_e4: px_e4,
    volume: 10,
  });

  it("draws a tick into the forming candle", () => {
    const rows = [candle(1, 100), candle(2, 200)];
    const up = foldTick(rows, 2 * minute + 500, 250, minute);
    expect(up.at(-1)).toEqual({ ...candle(2, 200), high_e4: 250, close_e4: 250 });
    expect(foldTick(up, 3 * minute - 1, 150, minute).at(-1)).toEqual({
      ...candle(2, 200),
      high_e4: 250,
      low_e4: 150,
      close_e4: 150,
    });
    expect(rows.at(-1)).toEqual(candle(2, 200));
  });

  it("begins a candle at the interval's multiple", () => {
    const rows = foldTick([candle(5, 100)], 11 * minute + 1, 120, 5 * minute);
    expect(rows.at(-1)).toEqual({ ...candle(10, 120), volume: 0 });
    expect(rows).toHaveLength(2);
  });

  it("leaves the past alone", () => {
    const rows = [candle(5, 100)];
    expect(foldTick(rows, 5 * minute - 1, 1, minute)).toBe(rows);
  });

  it("lays the engine's candles over the drawn ones", () => {
    const drawn = [candle(1, 1), candle(2, 2), candle(3, 3), candle(4, 4)];
    expect(mergeCandles(drawn, [candle(2, 20), candle(3, 30)])).toEqual([
      candle(1, 1),
      candle(2, 20),
      candle(3, 30),
      candle(4, 4),
    ]);
    expect(mergeCandles(drawn, [])).toBe(drawn);
  });

  it("tells from where on it must be drawn anew", () => {
    const before = [candle(1, 1), candle(2, 2), candle(3, 3), candle(4, 4)];
    expect(commonPrefix(before, [...before, candle(5, 5)])).toBe(4);
    expect(commonPrefix(before, before.slice(0, 2))).toBe(2);
    expect(commonPrefix(before, [...before.slice(0, 3), candle(4, 40)])).toBe(3);
    // One in the middle was replaced by the engine's own; those behind it were not.
    expect(commonPrefix(before, mergeCandles(before, [candle(2, 20)]))).toBe(1);
  });
});
