import { sendCommand, startEngine } from "../api/commands";
import { NoAnswerError } from "../api/http";
import type { CommandName } from "../api/contract";

/** What is said of a command's effect, read from what the engine and the broker report: never from our own wish. */
export interface Effect {
  is_done: boolean;
  words: string;
}

/** A prompt to the person before a command is sent; `word` must be typed when it is not empty. */
export interface CommandPrompt {
  name: CommandName | "start-engine";
  args: object;
  /** One's own password is asked for again, and goes with it. */
  asks_password?: boolean;
  title: string;
  lines: readonly string[];
  action: string;
  word: string;
  /** How far it has come. Absent for a command whose answer is all there is. */
  effect?: () => Effect;
  /** What is said first when it was not done; "Refused" when absent. */
  failure?: string;
}

interface Outcome {
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
  prompt = $state.raw<CommandPrompt | null>(null);
  busy = $state(false);
  outcome = $state.raw<Outcome | null>(null);

  ask(prompt: CommandPrompt): void {
    this.outcome = null;
    this.prompt = prompt;
  }

  /** What cannot even be asked for, in words. */
  refuse(title: string, words: string): void {
    this.outcome = { title, ok: false, lead: "", words, url: null, effect: null };
  }

  async send(prompt: CommandPrompt, password = ""): Promise<void> {
    // A key for the prompt, so that a second click is the same command.
    const key = crypto.randomUUID();
    this.prompt = null;
    this.busy = true;
    try {
      const args = prompt.asks_password ? { ...prompt.args, password } : prompt.args;
      const told = prompt.name === "start-engine" ? await startEngine(password) : await sendCommand(prompt.name, args, key);
      this.outcome = { title: prompt.title, ok: true, lead: "", words: told.words, url: told.url ?? null, effect: prompt.effect ?? null };
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      const is_unknown = error instanceof NoAnswerError;
      const lead = is_unknown ? "Not known. " : `${prompt.failure ?? "Refused"}. `;
      // What was refused has no effect; what is not known may have one, and it shows in what is reported.
      this.outcome = { title: prompt.title, ok: false, lead, words, url: null, effect: is_unknown ? (prompt.effect ?? null) : null };
    } finally {
      this.busy = false;
    }
  }
}
