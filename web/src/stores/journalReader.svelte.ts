// Reading in a journal: a window of rows that moves forward, never more than `KEPT` of them.

import { fetchJournal } from "../api/queries";
import { append } from "./deltas";
import type { JournalRow } from "../api/contract";

const KEPT = 500;

interface Filter {
  name: string;
  kinds: string;
  text: string;
}

export class JournalReader {
  rows = $state.raw<readonly JournalRow[]>([]);
  trouble = $state.raw<readonly string[]>([]);
  is_end = $state(true);
  busy = $state(false);

  #filter: Filter | null = null;
  #offset = 0;
  #abort = new AbortController();

  /** Read afresh: from the file's start, or its newest rows. */
  async begin(filter: Filter, from: "start" | "end"): Promise<void> {
    this.#abort.abort();
    this.#filter = filter;
    this.#offset = 0;
    this.rows = [];
    this.trouble = [];
    await this.#ask(from === "end" ? "yes" : "no");
  }

  /** The rows that follow those that are shown. */
  async more(): Promise<void> {
    if (!this.busy) await this.#ask("no");
  }

  async #ask(tail: "yes" | "no"): Promise<void> {
    if (this.#filter === null) return;
    const abort = (this.#abort = new AbortController());
    this.busy = true;
    try {
      const page = await fetchJournal({ ...this.#filter, offset: this.#offset, tail }, abort.signal);
      if (abort.signal.aborted) return;
      this.rows = append(this.rows, page.rows, KEPT);
      this.trouble = page.trouble;
      this.is_end = page.is_end;
      this.#offset = page.next_offset;
    } catch (error) {
      if (!abort.signal.aborted) this.trouble = [error instanceof Error ? error.message : String(error)];
    } finally {
      if (this.#abort === abort) this.busy = false;
    }
  }
}
