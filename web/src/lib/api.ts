// The routes below /api/. Errors are the engine's own words: what was wrong and how to mend it.

import type { AccountView, Candle, CommandName, CommandResult, PreflightView, Problem } from "./wire";

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.detail} ${problem.fix}`);
  }
}

const token = document.querySelector<HTMLMetaElement>('meta[name="otrade-token"]')?.content ?? "";

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) return (await response.json()) as T;
  if (response.headers.get("content-type")?.startsWith("application/problem+json")) {
    throw new ApiError((await response.json()) as Problem);
  }
  throw new Error(`The engine answered ${response.status} without an explanation.`);
}

export async function fetchCandles(
  instrument_id: number,
  interval_s: number,
  since_ms: number,
  signal: AbortSignal,
): Promise<Candle[]> {
  const query = new URLSearchParams({
    instrument_id: String(instrument_id),
    interval_s: String(interval_s),
    since_ms: String(since_ms),
  });
  return answer(await fetch(`/api/candles?${query}`, { signal }));
}

/** What every configured broker holds for us; the engine asks them at most every quarter of a minute. */
export async function fetchAccounts(signal: AbortSignal): Promise<AccountView[]> {
  return answer(await fetch("/api/accounts", { signal }));
}

/** The morning board of the running engine. */
export async function fetchPreflight(signal: AbortSignal): Promise<PreflightView> {
  return answer(await fetch("/api/preflight", { signal }));
}

export async function sendCommand(name: CommandName, args: object = {}): Promise<CommandResult> {
  return answer(
    await fetch(`/api/commands/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
      body: JSON.stringify(args),
    }),
  );
}
