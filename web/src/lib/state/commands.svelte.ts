import { NoAnswerError, sendCommand } from "../api";
import type { CommandName } from "../wire";

/** What is said of a command's effect, read from what the engine and the broker report: never from our own wish. */
export interface Effect {
  is_done: boolean;
  words: string;
}

/** A question to the person before a command is given; `word` must be typed when it is not empty. */
export interface Question {
  name: CommandName;
  args: object;
  title: string;
  lines: readonly string[];
  action: string;
  word: string;
  /** How far it has come. Absent for a command whose answer is all there is. */
  effect?: () => Effect;
  /** What is said first when it was not done; "Refused" when absent. */
  failure?: string;
}

interface Given {
  title: string;
  ok: boolean;
  /** Said before the engine's own words. */
  lead: string;
  words: string;
  url: string | null;
  effect: (() => Effect) | null;
}

/** Commands on their way to the engine, and what it said to the last one. */
export class Commands {
  question = $state.raw<Question | null>(null);
  busy = $state(false);
  given = $state.raw<Given | null>(null);

  ask(question: Question): void {
    this.given = null;
    this.question = question;
  }

  async give(question: Question): Promise<void> {
    // A key for the question, so that a second click is the same command.
    const key = crypto.randomUUID();
    this.question = null;
    this.busy = true;
    try {
      const told = await sendCommand(question.name, question.args, key);
      this.given = { title: question.title, ok: true, lead: "", words: told.words, url: told.url ?? null, effect: question.effect ?? null };
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      const is_unknown = error instanceof NoAnswerError;
      const lead = is_unknown ? "Not known. " : `${question.failure ?? "Refused"}. `;
      // What was refused has no effect; what is not known may have one, and it shows in what is reported.
      this.given = { title: question.title, ok: false, lead, words, url: null, effect: is_unknown ? (question.effect ?? null) : null };
    } finally {
      this.busy = false;
    }
  }
}
