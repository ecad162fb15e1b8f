// A query of the engine, repeated while its view is open.

import { untrack } from "svelte";

/** `value` is the last good answer and stays while a later query fails; `trouble` says why it failed. */
export class Query<T> {
  value = $state.raw<T | null>(null);
  trouble = $state("");
  busy = $state(false);

  constructor(private readonly ask: (signal: AbortSignal) => Promise<T>) {}

  async refresh(signal: AbortSignal): Promise<void> {
    // Whoever asks from an effect does not depend on how the asking goes.
    if (untrack(() => this.busy)) return;
    this.busy = true;
    try {
      this.value = await this.ask(signal);
      this.trouble = "";
    } catch (error) {
      if (!signal.aborted) this.trouble = error instanceof Error ? error.message : String(error);
    } finally {
      this.busy = false;
    }
  }

  /** Ask now and every `every_ms`. Returns what ends it. */
  poll(every_ms: number): () => void {
    const ending = new AbortController();
    void this.refresh(ending.signal);
    const timer = setInterval(() => void this.refresh(ending.signal), every_ms);
    return () => {
      clearInterval(timer);
      ending.abort();
    };
  }
}

/** The answer to the newest question: an older one's is dropped when another is asked. */
export class LatestQuery<Q, T> {
  value = $state.raw<T | null>(null);
  trouble = $state("");
  busy = $state(false);

  constructor(private readonly answer: (question: Q, signal: AbortSignal) => Promise<T>) {}

  /** Ask; the answer before stays until then. Returns what gives it up. */
  ask(question: Q): () => void {
    const ending = new AbortController();
    this.busy = true;
    this.trouble = "";
    this.answer(question, ending.signal).then(
      (value) => {
        if (ending.signal.aborted) return;
        this.value = value;
        this.busy = false;
      },
      (error: unknown) => {
        if (ending.signal.aborted) return;
        this.trouble = error instanceof Error ? error.message : String(error);
        this.busy = false;
      },
    );
    return () => ending.abort();
  }

  clear(): void {
    this.value = null;
    this.trouble = "";
    this.busy = false;
  }
}
