import { fetchIndicators } from "../api/queries";
import { merge, since } from "../lib/indicators";
import { Query } from "./query.svelte";
import type { IndicatorSeries } from "../api/contract";

const KEY = "otrade-hidden-indicators";

/** An instrument's indicators, asked for as they come. */
export function indicatorsOf(instrument_id: number): Query<readonly IndicatorSeries[]> {
  let known: readonly IndicatorSeries[] = [];
  return new Query(async (signal) => {
    const came = await fetchIndicators(instrument_id, since(known), signal);
    known = merge(known, came) ?? (await fetchIndicators(instrument_id, 0, signal));
    return known;
  });
}

/** Which indicators a person does not want to see, in this browser. */
export class HiddenIndicators {
  keys = $state.raw<ReadonlySet<string>>(stored());

  toggle(key: string): void {
    const keys = new Set(this.keys);
    if (!keys.delete(key)) keys.add(key);
    this.keys = keys;
    localStorage.setItem(KEY, JSON.stringify([...keys]));
  }
}

function stored(): ReadonlySet<string> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return new Set(Array.isArray(found) ? found.filter((key) => typeof key === "string") : []);
  } catch {
    return new Set();
  }
}
