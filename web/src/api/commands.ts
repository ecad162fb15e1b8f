// What changes something: commands, and the configuration file.

import type { BacktestDraft, BacktestView, CommandName, CommandResult, ConfigDraft, ConfigVerdict } from "./contract";
import { engineNow_ms, isNoAnswer, NoAnswerError, post } from "./http";

/** Checks a configuration; writes it only when the draft says so. */
export async function configure(draft: ConfigDraft): Promise<ConfigVerdict> {
  return post("configure", draft);
}

/** A backtest in a process of its own; one at a time. */
export async function startBacktest(draft: BacktestDraft): Promise<BacktestView> {
  return post("start-backtest", draft);
}

export async function stopBacktest(): Promise<BacktestView> {
  return post("stop-backtest", {});
}

/** Longer than the engine waits for whoever takes a test alert. */
const ANSWER_WITHIN_MS = 25_000;

/**
 * The same key again gets the first answer and does nothing: a repeated click is one command, and a lost answer is asked for once more.
 * It says when it was given, so that one that has waited in a dead network does nothing when it comes.
 */
export async function sendCommand(name: CommandName, args: object = {}, key: string = crypto.randomUUID()): Promise<CommandResult> {
  const headers = { "Idempotency-Key": key, "Issued-At": String(engineNow_ms()) };
  const once = () => post<CommandResult>(`commands/${name}`, args, headers, AbortSignal.timeout(ANSWER_WITHIN_MS));
  try {
    return await once();
  } catch (error) {
    if (!isNoAnswer(error)) throw error;
  }
  try {
    return await once();
  } catch (error) {
    throw isNoAnswer(error) ? new NoAnswerError() : error;
  }
}
