import { describe, expect, it } from "vitest";

import { change, chartSeconds, clock, count, decimal, duration, grouped, micros, millis, nanos, plural, price, rupees, words } from "./format";

describe("grouping as in India", () => {
  it.each([
    ["0", "0"],
    ["999", "999"],
    ["1000", "1,000"],
    ["99999", "99,999"],
    ["100000", "1,00,000"],
    ["1234567", "12,34,567"],
    ["12345678", "1,23,45,678"],
    ["1000000000", "1,00,00,00,000"],
  ])("%s is %s", (digits, shown) => expect(grouped(digits)).toBe(shown));

  it("counts", () => {
    expect(count(-1234567)).toBe("\u221212,34,567");
    expect(count(0)).toBe("0");
  });
});

describe("money", () => {
  it.each([
    [0, "\u20b90.00"],
    [15_561_200, "\u20b91,556.12"],
    [-101_636_700, "\u2212\u20b910,163.67"],
    [49, "\u20b90.00"],
    [50, "\u20b90.01"],
    [-49, "\u20b90.00"],
    [12_345_678_901_200, "\u20b91,23,45,67,890.12"],
  ])("%i is %s", (amount_e4, shown) => expect(rupees(amount_e4)).toBe(shown));

  it("shows a sign when asked, and none at nothing", () => {
    expect(rupees(10_000, { sign: true })).toBe("+\u20b91.00");
    expect(rupees(-10_000, { sign: true })).toBe("\u2212\u20b91.00");
    expect(rupees(0, { sign: true })).toBe("\u20b90.00");
  });
});

describe("prices", () => {
  it.each([
    [15_072_500, "1,507.25"],
    [500, "0.05"],
    [825_025, "82.5025"],
    [825_050, "82.5050"],
    [-500, "\u22120.05"],
    [null, "\u2013"],
  ])("%s is %s", (px_e4, shown) => expect(price(px_e4)).toBe(shown));

  it("tells the change against the close", () => {
    expect(change(10_100, 10_000)).toBe("+1.00\u2009%");
    expect(change(9_900, 10_000)).toBe("\u22121.00\u2009%");
    expect(change(10_000, 10_000)).toBe("0.00\u2009%");
    expect(change(null, 10_000)).toBe("\u2013");
    expect(change(10_000, 0)).toBe("\u2013");
  });
});

describe("times", () => {
  const open_ms = 1_756_698_300_000; // 2025-09-01 03:45:00 UTC

  it("is India's time of day", () => {
    expect(clock(open_ms)).toBe("09:15:00");
    expect(chartSeconds(open_ms)).toBe(1_756_718_100);
  });

  it("says how long", () => {
    expect(duration(-5)).toBe("0 s");
    expect(duration(12_900)).toBe("12 s");
    expect(duration(245_000)).toBe("4 m 05 s");
    expect(duration(18_240_000)).toBe("5 h 04 m");
    expect([millis(0), millis(0.2), millis(42.4), millis(3120), millis(125_000)]).toEqual([
      "0 ms",
      "<1 ms",
      "42 ms",
      "3.1 s",
      "2 m 05 s",
    ]);
    expect([nanos(850), nanos(21_400), nanos(1_200_000)]).toEqual(["850 ns", "21.4 \u00b5s", "1.2 ms"]);
  });
});

it("words", () => {
  expect(words("PARTIALLY_FILLED")).toBe("Partially filled");
  expect(decimal(-1.234)).toBe("\u22121.23");
  expect(decimal(null)).toBe("\u2013");
});

describe("microseconds", () => {
  it.each([
    [0, "0 \u00b5s"],
    [850, "850 \u00b5s"],
    [22_201, "22.2 ms"],
    [55_981_153, "56.0 s"],
    [125_000_000, "2 m 05 s"],
  ])("%i", (us, said) => {
    expect(micros(us)).toBe(said);
  });
});

it("says one and many", () => {
  expect([0, 1, 2, 1234].map((n) => plural(n, "order", "orders"))).toEqual(["0 orders", "1 order", "2 orders", "1,234 orders"]);
});
