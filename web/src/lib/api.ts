// The routes below /api/v1. Errors are the engine's own words: what was wrong and how to mend it.

import type {
  AccountView,
  Candle,
  ConfigDraft,
  ConfigVerdict,
  ConfigView,
  EquityPoint,
  JournalFileView,
  JournalPage,
  LimitsView,
  Moment,
  OrderStory,
  StageView,
  StrategyLine,
  WhyView,
  CommandName,
  CommandResult,
  FirstPassword,
  PasswordChange,
  PreflightView,
  Problem,
  SessionGrant,
  SessionView,
  SignIn,
} from "./wire";

export const API = "/api/v1";
export const SOCKET = `${API}/ws`;
/** Storage belongs to this very address with its port, which cookies do not: nobody else can read this token. */
const CSRF = "otrade-csrf";

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

/** Called when the engine no longer knows us. */
let onSignedOut = (): void => {};

export function whenSignedOut(call: () => void): void {
  onSignedOut = call;
}

async function answer<T>(response: Response): Promise<T> {
  const told_ms = Date.parse(response.headers.get("date") ?? "");
  if (!Number.isNaN(told_ms)) ahead_ms = told_ms - Date.now();
  if (response.ok) return (await response.json()) as T;
  if (response.headers.get("content-type")?.startsWith("application/problem+json")) {
    const problem = (await response.json()) as Problem;
    if (problem.code === "wrong_csrf") localStorage.removeItem(CSRF);
    if (problem.code === "wrong_csrf" || problem.code === "not_signed_in") onSignedOut();
    throw new ApiError(problem);
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
  return answer(await fetch(`${API}/candles?${query}`, { signal }));
}

/** What every configured broker holds for us; the engine asks them at most every quarter of a minute. */
export async function fetchAccounts(signal: AbortSignal): Promise<AccountView[]> {
  return answer(await fetch(`${API}/accounts`, { signal }));
}

/** The morning board of the running engine. */
export async function fetchPreflight(signal: AbortSignal): Promise<PreflightView> {
  return answer(await fetch(`${API}/preflight`, { signal }));
}

// ------------------------------------------------------------------------- asked when somebody looks
async function get<T>(path: string, query: Record<string, string | number>, signal: AbortSignal): Promise<T> {
  const text = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  return answer(await fetch(`${API}/${path}${text.size > 0 ? `?${text}` : ""}`, { signal }));
}

export const fetchEquity = (since_ms: number, signal: AbortSignal) => get<EquityPoint[]>("equity", { since_ms }, signal);
export const fetchLines = (instrument_id: number, signal: AbortSignal) => get<StrategyLine[]>("lines", { instrument_id }, signal);
export const fetchStory = (cl_ord_id: string, signal: AbortSignal) => get<OrderStory>("story", { cl_ord_id }, signal);
export const fetchWhy = (signal_seq: number, signal: AbortSignal) => get<WhyView>("why", { signal_seq }, signal);
export const fetchLatency = (signal: AbortSignal) => get<StageView[]>("latency", {}, signal);
export const fetchLimits = (signal: AbortSignal) => get<LimitsView>("limits", {}, signal);
export const fetchJournals = (signal: AbortSignal) => get<JournalFileView[]>("journals", {}, signal);
export const fetchJournal = (
  query: { name: string; kinds: string; text: string; offset: number; tail: "yes" | "no" },
  signal: AbortSignal,
) => get<JournalPage>("journal", query, signal);
export const fetchMoment = (query: { name: string; ts_ms: number; curve: "yes" | "no" }, signal: AbortSignal) =>
  get<Moment>("moment", query, signal);
export const fetchConfig = (signal: AbortSignal) => get<ConfigView>("config", {}, signal);

/** Ask for a change: the engine takes it only with the token of this session. */
async function post<T>(path: string, body: object, headers: Record<string, string> = {}, signal: AbortSignal | null = null): Promise<T> {
  return answer(
    await fetch(`${API}/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": localStorage.getItem(CSRF) ?? "", ...headers },
      body: JSON.stringify(body),
      signal,
    }),
  );
}

/** Checks a configuration; writes it only when the draft says so. */
export async function configure(draft: ConfigDraft): Promise<ConfigVerdict> {
  return post("configure", draft);
}

/** Longer than the engine waits for whoever takes a test alert. */
const ANSWER_WITHIN_MS = 25_000;

/**
 * The same key again gets the first answer and does nothing: a repeated click is one command, and a lost answer is asked for once more.
 * It says when it was given, so that one that has waited in a dead network does nothing when it comes.
 */
export async function sendCommand(name: CommandName, args: object = {}, key: string = crypto.randomUUID()): Promise<CommandResult> {
  const headers = { "Idempotency-Key": key, "Issued-At": String(Date.now() + ahead_ms) };
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

/** What `fetch` throws when the network fails, and when the time is over. */
function isNoAnswer(error: unknown): boolean {
  return error instanceof TypeError || error instanceof DOMException;
}

// ------------------------------------------------------------------------------------------ session
export async function fetchSession(): Promise<SessionView> {
  const view: SessionView = await answer(await fetch(`${API}/session`));
  // A cookie without its token (another browser profile's storage, or storage that was cleared) can change nothing.
  const is_half = view.state === "in" && view.role !== null && localStorage.getItem(CSRF) === null;
  return is_half ? { ...view, state: "out" } : view;
}

function keep(grant: SessionGrant): SessionGrant {
  localStorage.setItem(CSRF, grant.csrf);
  return grant;
}

export async function signIn(given: SignIn): Promise<SessionGrant> {
  return keep(await post("login", given));
}

export async function setFirstPassword(given: FirstPassword): Promise<SessionGrant> {
  return keep(await post("setup", given));
}

export async function changePassword(given: PasswordChange): Promise<SessionGrant> {
  return keep(await post("password", given));
}

export async function signOut(): Promise<void> {
  await post("logout", {});
  localStorage.removeItem(CSRF);
}
