// Charges as the lines of a contract note. A line that is not known is null and stays so in every sum.

import { known } from "./format";
import type { ChargesView } from "../api/contract";

type Line = Exclude<keyof ChargesView, "words">;

export const LINES: readonly (readonly [Line, string])[] = [
  ["brokerage_e4", "Brokerage"],
  ["stt_e4", "STT"],
  ["exchange_e4", "Exchange"],
  ["ipft_e4", "IPFT"],
  ["sebi_e4", "SEBI"],
  ["gst_e4", "GST"],
  ["stamp_e4", "Stamp"],
  ["dp_e4", "DP"],
  ["square_off_e4", "Square-off fee"],
];

const NONE: ChargesView = {
  brokerage_e4: 0,
  stt_e4: 0,
  exchange_e4: 0,
  ipft_e4: 0,
  sebi_e4: 0,
  gst_e4: 0,
  stamp_e4: 0,
  dp_e4: 0,
  square_off_e4: 0,
  words: "",
};

/** null as soon as one of them is. */
export function sumOf(rows: readonly ChargesView[]): ChargesView {
  const sum = { ...NONE };
  for (const row of rows) {
    for (const [line] of LINES) {
      const [so_far, more] = [sum[line], row[line]];
      sum[line] = so_far === null || more === null ? null : so_far + more;
    }
  }
  sum.words = [...new Set(rows.map((row) => row.words).filter((words) => words !== ""))].join("; ");
  return sum;
}

/** null when a line is not known. */
export function totalOf(charges: ChargesView): number | null {
  let total = 0;
  for (const [line] of LINES) {
    const amount_e4 = charges[line];
    if (amount_e4 === null) return null;
    total += amount_e4;
  }
  return total;
}

/** In one line, what is 0 left out. */
export function breakdown(charges: ChargesView): string {
  return LINES.filter(([line]) => charges[line] !== 0)
    .map(([line, name]) => `${name} ${known(charges[line])}`)
    .join(" \u00b7 ");
}
