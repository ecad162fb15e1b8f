import { expect, test } from "vitest";

import { chartSeconds } from "./format";
import { indicators, merge, panesOf, placed, since, tickText, valueAt, valueText } from "./indicators";
import type { Candle, IndicatorSeries } from "../api/contract";

const MINUTE = 60_000;
const T0 = 1_794_973_500_000; // 09:15 in India

function candle(minute: number): Candle {
  return { ts_ms: T0 + minute * MINUTE, open_e4: 1, high_e4: 1, low_e4: 1, close_e4: 1, volume: 1 } as Candle;
}

function series(minutes: readonly number[], length = 1, extra: Partial<IndicatorSeries> = {}): IndicatorSeries {
  return {
    strategy_id: 0,
    name: "mine",
    ts_ms: minutes.map((m) => T0 + m * MINUTE),
    end_ms: minutes.map((m) => T0 + (m + length) * MINUTE),
    lines: [
      { indicator: "fast", label: "EMA 9", part: "", pane: "", values: minutes.map((m) => (m < 2 ? null : m)) },
      { indicator: "strength", label: "RSI 14", part: "", pane: "RSI", values: minutes.map((m) => 50 + m) },
    ],
    ...extra,
  };
}

const at = (minute: number) => chartSeconds(T0 + minute * MINUTE);

test("a value stands at the candle of its bar, and what is not known is null and not 0", () => {
  const row = series([0, 1, 2, 3]);
  const candles = [0, 1, 2, 3, 4].map(candle);
  expect([...placed(row, row.lines[0]?.values ?? [], candles, 60)]).toEqual([
    [at(0), null],
    [at(1), null],
    [at(2), 2],
    [at(3), 3],
  ]);
});

test("a longer bar's value stands where it became known, not where the bar began", () => {
  const row = series([0, 5], 5);
  const candles = [0, 1, 2, 3, 4, 5, 6, 8].map(candle); // nothing traded in 7 and 9
  expect([...placed(row, [1, 2], candles, 60)]).toEqual([
    [at(4), 1],
    [at(8), 2],
  ]);
});

test("of shorter bars a longer candle has the last, and bars without a candle are left out", () => {
  const row = series([-5, 0, 1, 2, 5], 1);
  const candles = [0, 5].map(candle);
  expect([...placed(row, [9, 1, 2, 3, 4], candles, 300)]).toEqual([
    [at(0), 3],
    [at(5), 4],
  ]);
});

test("what comes again replaces, and nothing is twice", () => {
  const first = merge([], [series([0, 1, 2])]);
  const more = merge(first ?? [], [series([2, 3], 1)]);
  expect(more?.[0]?.end_ms).toEqual([1, 2, 3, 4].map((m) => T0 + m * MINUTE));
  expect(more?.[0]?.lines[0]?.values).toEqual([null, null, 2, 3]);
  expect(merge(more ?? [], [series([])])).toEqual(more);
  expect(merge(more ?? [], [series([9], 1, { name: "another" })])).toBeNull();
});

test("it is asked from the earliest end on, with some minutes over", () => {
  expect(since([])).toBe(0);
  const rows = [series([30]), series([20], 5)];
  expect(since(rows)).toBe(T0 + 10 * MINUTE);
});

test("each indicator has a colour, and a pane where it is no price", () => {
  const bands = series([0], 1, {
    name: "bands",
    lines: [
      { indicator: "b", label: "Bollinger 20, 2", part: "mid", pane: "", values: [1] },
      { indicator: "b", label: "Bollinger 20, 2", part: "upper", pane: "", values: [2] },
      { indicator: "a", label: "ADX 14", part: "value", pane: "ADX", values: [3] },
      { indicator: "a", label: "ADX 14", part: "plus", pane: "ADX", values: [4] },
    ],
  });
  const all = indicators([series([0]), bands], [candle(0)], 60);
  expect(all.map((one) => one.key)).toEqual(["mine/fast", "mine/strength", "bands/b", "bands/a"]);
  expect(all.map((one) => one.lines.map((line) => line.colour))).toEqual([[0], [1], [2, 2], [3, 4]]);
  expect(all[2]?.lines.map((line) => line.dashed)).toEqual([false, true]);
  expect(panesOf(all)).toEqual(["RSI", "ADX"]);
  expect(panesOf(all.slice(0, 1))).toEqual([]);
});

test("the legend has the value under the crosshair, else the newest", () => {
  const [fast] = indicators([series([0, 2, 3])], [0, 2, 3].map(candle), 60);
  const line = fast?.lines[0];
  if (!line) throw new Error("no line");
  expect(valueAt(line, null)).toBe(3);
  expect(valueAt(line, at(2))).toBe(2);
  expect(valueAt(line, at(0))).toBeNull();
  expect(valueAt(line, at(9))).toBeNull();
});

test.each([
  [null, true, "–"],
  [1512.3456, true, "1,512.35"],
  [1234567.8, true, "12,34,567.80"],
  [55.5555, false, "55.56"],
  [0, false, "0.00"],
  [-0.0123456, false, "−0.0123"],
  [0.0012346, false, "0.001235"],
  [1234.56, false, "1,234.6"],
  [-1234.56, false, "−1,234.6"],
  [12345678, false, "1,23,45,678"],
])("%s as text", (value, is_price, text) => {
  expect(valueText(value, is_price)).toBe(text);
});

test("a price under the crosshair is one that an order may have", () => {
  expect(tickText(1512.3412, 500)).toBe("1,512.35");
  expect(tickText(83.123456, 25)).toBe("83.1225");
  expect(tickText(1512.3412, 100)).toBe("1,512.34");
});
