import { expect, test } from "vitest";
import { breakdown, sumOf, totalOf } from "./charges";
import type { ChargesView } from "../api/contract";

const row = (more: Partial<ChargesView>): ChargesView => ({ ...sumOf([]), ...more });

test("lines are summed, and the total is their sum", () => {
  const sum = sumOf([row({ brokerage_e4: 200_000, stt_e4: 5_000 }), row({ brokerage_e4: 200_000 })]);
  expect([sum.brokerage_e4, sum.stt_e4, totalOf(sum), sum.words]).toEqual([400_000, 5_000, 405_000, ""]);
  expect(breakdown(sum)).toBe("Brokerage \u20b940.00 \u00b7 STT \u20b90.50");
});

test("what is not known stays so, and is never a zero", () => {
  const sum = sumOf([row({ brokerage_e4: 200_000 }), row({ exchange_e4: null, words: "MCX" }), row({ exchange_e4: 100, words: "MCX" })]);
  expect([sum.brokerage_e4, sum.exchange_e4, totalOf(sum), sum.words]).toEqual([200_000, null, null, "MCX"]);
  expect(breakdown(sum)).toBe("Brokerage \u20b920.00 \u00b7 Exchange not known");
});
