// Numbers and times as people in India read them. Pure functions; money is exact integer arithmetic.

const E4 = 10_000;
const IST_MS = 19_800_000;
export const MINUS = "\u2212";
export const NOTHING = "\u2013";

/** 1234567 -> "12,34,567": the last three digits, then pairs. `digits` is a plain non-negative integer. */
export function grouped(digits: string): string {
  if (digits.length <= 3) return digits;
  const head = digits.slice(0, -3).replace(/\B(?=(\d{2})+$)/g, ",");
  return `${head},${digits.slice(-3)}`;
}

export function count(n: number): string {
  return (n < 0 ? MINUS : "") + grouped(Math.abs(Math.trunc(n)).toString());
}

/** A price: two decimals, four when it needs them. */
export function price(px_e4: number | null): string {
  if (px_e4 === null) return NOTHING;
  const size = Math.abs(px_e4);
  const decimals = (size % E4).toString().padStart(4, "0");
  const shown = decimals.endsWith("00") ? decimals.slice(0, 2) : decimals;
  return `${px_e4 < 0 ? MINUS : ""}${grouped(Math.floor(size / E4).toString())}.${shown}`;
}

/** An amount of money with the rupee sign, to the paisa (half away from zero). */
export function rupees(amount_e4: number, options: { sign?: boolean } = {}): string {
  const paise = Math.round(Math.abs(amount_e4) / 100);
  const sign = paise === 0 ? "" : amount_e4 < 0 ? MINUS : options.sign ? "+" : "";
  const part = (paise % 100).toString().padStart(2, "0");
  return `${sign}\u20b9${grouped(Math.floor(paise / 100).toString())}.${part}`;
}

/** An amount that may not be known: words say so, never a zero. */
export function known(amount_e4: number | null, options: { sign?: boolean } = {}): string {
  return amount_e4 === null ? "not known" : rupees(amount_e4, options);
}

/** The change against the former close: "+0.42 %"; nothing when either is unknown. */
export function change(ltp_e4: number | null, close_e4: number | null): string {
  if (ltp_e4 === null || close_e4 === null || close_e4 === 0) return NOTHING;
  const percent = (100 * (ltp_e4 - close_e4)) / close_e4;
  const size = Math.abs(percent).toFixed(2);
  return `${size === "0.00" ? "" : percent < 0 ? MINUS : "+"}${size}\u2009%`;
}

/** The time of day in India, 09:15:00. */
export function clock(ts_ms: number): string {
  return new Date(ts_ms + IST_MS).toISOString().slice(11, 19);
}

/** The day in India, 2026-11-20. */
export function dayOf(ts_ms: number): string {
  return new Date(ts_ms + IST_MS).toISOString().slice(0, 10);
}

/** A moment as the chart counts it: seconds, moved so that its UTC axis shows India's time. */
export function chartSeconds(ts_ms: number): number {
  return Math.floor((ts_ms + IST_MS) / 1000);
}

/** How long until or since: "5 h 04 m", "4 m 05 s", "12 s". Negative counts as 0. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s >= 3600) return `${Math.floor(s / 3600)} h ${two(Math.floor(s / 60) % 60)} m`;
  if (s >= 60) return `${Math.floor(s / 60)} m ${two(s % 60)} s`;
  return `${s} s`;
}

/** A short time: "0 ms", "42 ms", "3.1 s", "2 m 05 s". */
export function millis(ms: number): string {
  if (ms < 1) return ms <= 0 ? "0 ms" : "<1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return duration(ms);
}

/** A latency: "850 ns", "21.4 \u00b5s", "1.2 ms". */
export function nanos(ns: number): string {
  if (ns < 1000) return `${ns} ns`;
  if (ns < 1_000_000) return `${(ns / 1000).toFixed(1)} \u00b5s`;
  return `${(ns / 1_000_000).toFixed(1)} ms`;
}

/** A time in microseconds: "850 \u00b5s", "22.2 ms", "56.0 s". */
export function micros(us: number): string {
  const size = Math.abs(us);
  if (size < 1000) return `${us} \u00b5s`;
  if (size < 1_000_000) return `${(us / 1000).toFixed(1)} ms`;
  return size < 60_000_000 ? `${(us / 1_000_000).toFixed(1)} s` : duration(us / 1000);
}

export function decimal(value: number | null, digits = 2): string {
  return value === null ? NOTHING : value.toFixed(digits).replace("-", MINUS);
}

/** "1 order", "2 orders". */
export function plural(n: number, one: string, many: string): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** PARTIALLY_FILLED -> "Partially filled". */
export function words(name: string): string {
  const text = name.replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function two(n: number): string {
  return n.toString().padStart(2, "0");
}
