import { sendCommand } from "../api";
import type { CommandName } from "../wire";

/** A question to the person before a command is given; `word` must be typed when it is not empty. */
export interface Question {
  name: CommandName;
  args: object;
  title: string;
  lines: readonly string[];
  action: string;
  word: string;
}

/** Commands on their way to the engine, and what it said to the last one. */
export class Commands {
  question = $state.raw<Question | null>(null);
  busy = $state(false);
  answer = $state.raw<{ ok: boolean; words: string } | null>(null);

  ask(question: Question): void {
    this.answer = null;
    this.question = question;
  }

  async give(name: CommandName, args: object = {}): Promise<void> {
    this.question = null;
    this.busy = true;
    try {
      const result = await sendCommand(name, args);
      this.answer = { ok: true, words: result.words };
    } catch (error) {
      this.answer = { ok: false, words: error instanceof Error ? error.message : String(error) };
    } finally {
      this.busy = false;
    }
  }
}
