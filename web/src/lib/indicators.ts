// The strategies' indicators as the chart draws them: which belong together, in which pane and colour, and at which candle each
// value stands. Pure functions.

import { chartSeconds, count, decimal, grouped, MINUS, NOTHING, price } from "./format";
import type { Candle, IndicatorSeries } from "../api/contract";

const E4 = 10_000;
/** So much is asked for again: of bars that closed in one instant one may have been told before the other. */
const OVERLAP_MS = 15 * 60_000;
export const COLOURS = 8;

/** One line of an indicator. `pane` is empty over the candles. */
export interface Line {
  key: string;
  part: string;
  pane: string;
  colour: number;
  /** Beside the first number of an indicator that shares its colour. */
  dashed: boolean;
  /** By the chart's time; null: not known there. */
  values: ReadonlyMap<number, number | null>;
}

/** An indicator of a strategy: it has a name, and is hidden or shown as one. */
export interface Indicator {
  key: string;
  strategy: string;
  name: string;
  label: string;
  lines: Line[];
}

/** From where on to ask. */
export function since(rows: readonly IndicatorSeries[]): number {
  const ends = rows.flatMap((row) => row.end_ms.slice(-1));
  return ends.length === 0 ? 0 : Math.max(0, Math.min(...ends) - OVERLAP_MS);
}

/** What was known, with what has come: a bar that is told again replaces what was told of it. Null: these are other strategies, and
 * what has come is not all that is known of them. */
export function merge(before: readonly IndicatorSeries[], came: readonly IndicatorSeries[]): readonly IndicatorSeries[] | null {
  if (before.length === 0) return came;
  const shape = (rows: readonly IndicatorSeries[]) =>
    JSON.stringify(rows.map((row) => [row.strategy_id, row.name, row.lines.map((line) => [line.indicator, line.label, line.part, line.pane])]));
  if (shape(before) !== shape(came)) return null;
  return came.map((row, i) => {
    const old = before[i] as IndicatorSeries;
    const first = row.end_ms[0];
    const kept = first === undefined ? old.end_ms.length : old.end_ms.filter((end) => end < first).length;
    return {
      ...row,
      ts_ms: [...old.ts_ms.slice(0, kept), ...row.ts_ms],
      end_ms: [...old.end_ms.slice(0, kept), ...row.end_ms],
      lines: row.lines.map((line, at) => ({ ...line, values: [...(old.lines[at]?.values.slice(0, kept) ?? []), ...line.values] })),
    };
  });
}

/** A strategy's values at the candles in which they became known: at the last one that its bar touches. */
export function placed(row: IndicatorSeries, values: readonly (number | null)[], candles: readonly Candle[], interval_s: number): Map<number, number | null> {
  const at = new Map<number, number | null>();
  const interval_ms = interval_s * 1000;
  let n = 0;
  row.end_ms.forEach((end_ms, i) => {
    const begins_ms = row.ts_ms[i] ?? end_ms;
    while (n < candles.length && (candles[n] as Candle).ts_ms < end_ms) n += 1;
    const candle = candles[n - 1];
    if (candle && candle.ts_ms + interval_ms > begins_ms) at.set(chartSeconds(candle.ts_ms), values[i] ?? null);
  });
  return at;
}

/** All indicators in the order in which the strategies name them. Over the candles an indicator has one colour, in a pane each line has. */
export function indicators(rows: readonly IndicatorSeries[], candles: readonly Candle[], interval_s: number): Indicator[] {
  const found = new Map<string, Indicator>();
  let colour = -1;
  for (const row of rows) {
    for (const line of row.lines) {
      const key = `${row.name}/${line.indicator}`;
      let one = found.get(key);
      const is_first = one === undefined;
      if (one === undefined) {
        one = { key, strategy: row.name, name: line.indicator, label: line.label, lines: [] };
        found.set(key, one);
      }
      if (is_first || line.pane !== "") colour += 1;
      one.lines.push({
        key: `${key}/${line.part}`,
        part: line.part,
        pane: line.pane,
        colour: colour % COLOURS,
        dashed: !is_first && line.pane === "",
        values: placed(row, line.values, candles, interval_s),
      });
    }
  }
  return [...found.values()];
}

/** The panes below the candles, in order. */
export function panesOf(shown: readonly Indicator[]): string[] {
  return [...new Set(shown.flatMap((one) => one.lines.map((line) => line.pane)))].filter((pane) => pane !== "");
}

/** What stands under the crosshair, or is the newest; null: not known there. */
export function valueAt(line: Line, time: number | null): number | null {
  if (time !== null) return line.values.get(time) ?? null;
  return [...line.values.values()].at(-1) ?? null;
}

/** A value with the decimals that its size needs: prices in paise, 12,34,567 without, 0.0021 with four. */
export function valueText(value: number | null, is_price: boolean): string {
  if (value === null) return NOTHING;
  if (is_price) return price(Math.round(value * 100) * 100);
  const size = Math.abs(value);
  if (size >= 100_000) return count(Math.round(value));
  if (size >= 1_000) {
    const [whole = "0", part = "0"] = size.toFixed(1).split(".");
    return `${value < 0 ? MINUS : ""}${grouped(whole)}.${part}`;
  }
  return decimal(value, size >= 1 || size === 0 ? 2 : size >= 0.01 ? 4 : 6);
}

/** A price on the axis and under the crosshair: whole ticks, so no decimals that no order may have. */
export function tickText(rupees: number, tick_size_e4: number): string {
  return price(Math.round((rupees * E4) / tick_size_e4) * tick_size_e4);
}
