import { fetchCandles } from "../api/queries";
import { foldTick, mergeCandles, upsert } from "./deltas";
import { TickRing } from "../lib/ticks";
import type { Candle, Delta, InstrumentView, Snapshot } from "../api/contract";

export const INTERVALS_S = [60, 300, 900] as const;
export type Interval = (typeof INTERVALS_S)[number];

/** The engine's own candles replace those drawn from ticks this often, in real time; sooner when one has closed. */
const REFRESH_MS = 2_000;
const CLOSED_MS = 250;
const TICKS_KEPT = 1_800;

/** What is traded: the instruments, which of them is looked at, and its candles. */
export class Market {
  instruments = $state.raw<readonly InstrumentView[]>([]);
  candles = $state.raw<readonly Candle[]>([]);
  selected_id = $state<number | null>(null);
  interval_s = $state<Interval>(60);
  selected = $derived(this.instruments.find((row) => row.id === this.selected_id) ?? null);
  /** Why there are no candles, in words; empty when there are. */
  problem = $state("");

  /** Ticks of the selected instrument since it was selected. Only their number is watched. */
  readonly ticks = new TickRing(TICKS_KEPT);
  tick_n = $state(0);

  #abort: AbortController | null = null;
  #refreshed_at = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** The newest candle that came from the engine: those behind it are drawn from the ticks that the page saw, which are not all. */
  #fetched_ms = 0;

  apply(message: Snapshot | Delta): void {
    if (message.type === "snapshot") {
      this.instruments = message.instruments;
      if (this.selected === null) this.select(message.instruments[0]?.id ?? null);
      else void this.#fetch(0);
      return;
    }
    this.instruments = upsert(this.instruments, message.instruments, (row) => row.id);
    const tick = message.instruments?.find((row) => row.id === this.selected_id);
    if (tick && tick.ltp_e4 !== null && tick.ts_recv_ms !== null && this.ticks.push(tick.ts_recv_ms, tick.ltp_e4)) this.tick_n += 1;
    if (tick && tick.ltp_e4 !== null && tick.ts_recv_ms !== null && this.candles.length > 0) {
      const last_ms = this.candles.at(-1)?.ts_ms;
      this.candles = foldTick(this.candles, tick.ts_recv_ms, tick.ltp_e4, this.interval_s * 1000);
      this.#soon(this.candles.at(-1)?.ts_ms === last_ms ? REFRESH_MS : CLOSED_MS);
    }
  }

  select(instrument_id: number | null): void {
    this.selected_id = instrument_id;
    this.ticks.clear();
    this.tick_n = 0;
    this.reload();
  }

  choose(interval_s: Interval): void {
    this.interval_s = interval_s;
    this.reload();
  }

  /** All candles of the selected instrument afresh. */
  reload(): void {
    this.candles = [];
    this.#fetched_ms = 0;
    void this.#fetch(0);
  }

  /** Fetch `after_ms` after the last time, though no further tick may come. */
  #soon(after_ms: number): void {
    if (this.#timer !== null && after_ms === REFRESH_MS) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const in_ms = Math.max(0, this.#refreshed_at + after_ms - performance.now());
    this.#timer = setTimeout(() => void this.#fetch(this.#fetched_ms), in_ms);
  }

  async #fetch(since_ms: number): Promise<void> {
    const instrument_id = this.selected_id;
    if (instrument_id === null) return;
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#refreshed_at = performance.now();
    try {
      const fetched = await fetchCandles(instrument_id, this.interval_s, since_ms, abort.signal);
      if (abort.signal.aborted) return;
      this.candles = mergeCandles(this.candles, fetched);
      this.#fetched_ms = fetched.at(-1)?.ts_ms ?? since_ms;
      this.problem = "";
    } catch (error) {
      if (!abort.signal.aborted) this.problem = error instanceof Error ? error.message : String(error);
    }
  }
}
