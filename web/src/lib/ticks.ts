// The newest ticks of the instrument that is looked at: two typed arrays, written in a circle, that nothing watches.

export class TickRing {
  readonly #ts_ms: Float64Array;
  readonly #px_e4: Float64Array;
  #n = 0;

  constructor(readonly capacity: number) {
    this.#ts_ms = new Float64Array(capacity);
    this.#px_e4 = new Float64Array(capacity);
  }

  get size(): number {
    return Math.min(this.#n, this.capacity);
  }

  clear(): void {
    this.#n = 0;
  }

  /** Whether it was new: a tick that is not later than the last one is not taken. */
  push(ts_ms: number, px_e4: number): boolean {
    if (this.#n > 0 && ts_ms <= (this.#ts_ms[(this.#n - 1) % this.capacity] ?? 0)) return false;
    this.#ts_ms[this.#n % this.capacity] = ts_ms;
    this.#px_e4[this.#n % this.capacity] = px_e4;
    this.#n += 1;
    return true;
  }

  /** The ticks from `oldest` on (0 is the oldest that is kept), oldest first. */
  *from(oldest: number): Generator<{ ts_ms: number; px_e4: number }> {
    for (let i = Math.max(0, this.#n - this.size + oldest); i < this.#n; i++) {
      yield { ts_ms: this.#ts_ms[i % this.capacity] ?? 0, px_e4: this.#px_e4[i % this.capacity] ?? 0 };
    }
  }
}
