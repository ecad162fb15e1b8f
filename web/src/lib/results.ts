// What the results' view works out of its numbers. Pure functions.

import type { BacktestPrices, Candle, ResultTradeView } from "../api/contract";

/** `#/results/a~b`: one result, or two beside each other. No result's name has a tilde. */
export function chosenOf(item: string): { name: string; other: string } {
  const [name = "", other = ""] = item.split("~");
  return { name, other };
}

/** `SYMBOL=SERIES` a line. What is no such line is told. */
export function pricesOf(text: string): { prices: BacktestPrices[]; wrong: string } {
  const prices: BacktestPrices[] = [];
  for (const line of text.split("\n").map((one) => one.trim()).filter(Boolean)) {
    const [symbol, series, ...more] = line.split("=").map((one) => one.trim());
    if (!symbol?.includes(":") || !series?.includes(":") || more.length > 0) return { prices: [], wrong: line };
    prices.push({ symbol, series });
  }
  return { prices, wrong: "" };
}

export interface PriceBox {
  x: (ts_ms: number) => number;
  y: (px_e4: number) => number;
  low_e4: number;
  high_e4: number;
}

/** Places of times and prices in a picture that holds all candles and trades. */
export function boxOf(candles: readonly Candle[], trades: readonly ResultTradeView[], width: number, height: number): PriceBox {
  const prices = [...candles.flatMap((row) => [row.low_e4, row.high_e4]), ...trades.flatMap((row) => [row.entry_px_e4, row.exit_px_e4])];
  const times = [...candles.map((row) => row.ts_ms), ...trades.flatMap((row) => [row.ts_entry_ms, row.ts_exit_ms])];
  const low_e4 = Math.min(...prices);
  const high_e4 = Math.max(...prices);
  const first = Math.min(...times);
  const span = Math.max(1, Math.max(...times) - first);
  return {
    x: (ts_ms) => (width * (ts_ms - first)) / span,
    y: (px_e4) => (height * (high_e4 - px_e4)) / Math.max(1, high_e4 - low_e4),
    low_e4,
    high_e4,
  };
}

/** A stroke from low to high for each candle that rose, or for each that fell. */
export function wicksOf(candles: readonly Candle[], box: PriceBox, rising: boolean): string {
  return candles
    .filter((row) => row.close_e4 >= row.open_e4 === rising)
    .map((row) => `M${box.x(row.ts_ms).toFixed(1)} ${box.y(row.low_e4).toFixed(1)}V${(box.y(row.high_e4) - 0.5).toFixed(1)}`)
    .join("");
}
