// HTTP below /api/v1: one GET, one POST, and errors in the engine's own words: what was wrong and how to mend it.

import type { Problem } from "./contract";

export const API = "/api/v1";
export const SOCKET = `${API}/ws`;
/** Storage belongs to this very address with its port, which cookies do not: nobody else can read this token. */
export const CSRF = "otrade-csrf";

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.detail}${/[.!?]$/.test(problem.detail) ? "" : "."} ${problem.fix}`);
  }
}

/** A command's answer did not come: like an order in doubt, it may have been done. */
export class NoAnswerError extends Error {
  constructor() {
    super("No answer came, and whether it was done is not known. Look at what the engine reports; the kill switch below is on its own.");
  }
}

/** How far the engine's clock is ahead of this browser's, as of the newest answer: a phone's may be wrong by minutes. */
let ahead_ms = 0;

/** UNIX milliseconds as the engine counts them. */
export function engineNow_ms(): number {
  return Date.now() + ahead_ms;
}

/** Called when the engine no longer knows us. */
let onLoggedOut = (): void => {};

export function whenLoggedOut(call: () => void): void {
  onLoggedOut = call;
}

async function answer<T>(response: Response): Promise<T> {
  const told_ms = Date.parse(response.headers.get("date") ?? "");
  if (!Number.isNaN(told_ms)) ahead_ms = told_ms - Date.now();
  if (response.ok) return (await response.json()) as T;
  if (response.headers.get("content-type")?.startsWith("application/problem+json")) {
    const problem = (await response.json()) as Problem;
    if (problem.code === "wrong_csrf") localStorage.removeItem(CSRF);
    if (problem.code === "wrong_csrf" || problem.code === "not_signed_in") onLoggedOut();
    throw new ApiError(problem);
  }
  throw new Error(`The engine answered ${response.status} without an explanation.`);
}

export async function get<T>(path: string, query: Record<string, string | number>, signal: AbortSignal | null = null): Promise<T> {
  const text = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  return answer(await fetch(`${API}/${path}${text.size > 0 ? `?${text}` : ""}`, { signal }));
}

/** Ask for a change: the engine takes it only with the token of this session. */
export async function post<T>(path: string, body: object, headers: Record<string, string> = {}, signal: AbortSignal | null = null): Promise<T> {
  return answer(
    await fetch(`${API}/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": localStorage.getItem(CSRF) ?? "", ...headers },
      body: JSON.stringify(body),
      signal,
    }),
  );
}

/** What `fetch` throws when the network fails, and when the time is over. */
export function isNoAnswer(error: unknown): boolean {
  return error instanceof TypeError || error instanceof DOMException;
}
