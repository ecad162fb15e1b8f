import { fetchCandles } from "../api";
import { fold, overlay, upsert } from "../reduce";
import { TickRing } from "../ticks";
import type { Candle, Delta, InstrumentView, Snapshot } from "../wire";

export const INTERVALS_S = [60, 300, 900] as const;
export type Interval = (typeof INTERVALS_S)[number];

/** The engine's own candles replace those drawn from ticks this often, in real time. */
const REFRESH_MS = 2_000;
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
  #refresh_at = 0;
  /** The newest candle that came from the engine: those behind it are drawn from the ticks that the page saw, which are not all. */
  #fetched_ms = 0;

  take(message: Snapshot | Delta): void {
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
      this.candles = fold(this.candles, tick.ts_recv_ms, tick.ltp_e4, this.interval_s * 1000);
      if (performance.now() >= this.#refresh_at) void this.#fetch(this.#fetched_ms);
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

  async #fetch(since_ms: number): Promise<void> {
    const instrument_id = this.selected_id;
    if (instrument_id === null) return;
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#refresh_at = performance.now() + REFRESH_MS;
    try {
      const fetched = await fetchCandles(instrument_id, this.interval_s, since_ms, abort.signal);
      if (abort.signal.aborted) return;
      this.candles = overlay(this.candles, fetched);
      this.#fetched_ms = fetched.at(-1)?.ts_ms ?? since_ms;
      this.problem = "";
    } catch (error) {
      if (!abort.signal.aborted) this.problem = error instanceof Error ? error.message : String(error);
    }
  }
}
