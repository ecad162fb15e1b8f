// A prompt for every command of the page: what it will do, in words, and how its effect is read from what comes back.
// Labels are those of docs/glossary.md.

import { count } from "./format";
import type { CommandPrompt, Effect } from "../stores/commands.svelte";
import type { AppState } from "../stores/app.svelte";

const HEARD = "as the broker reports it";

function money(app: AppState): string {
  return app.engine.status?.mode === "live" ? "This is REAL MONEY." : "This is simulated money.";
}

/** Real money is never moved by a single click: a word is typed. On paper the dialogue alone asks. */
function word(app: AppState, text: string): string {
  return app.engine.status?.mode === "live" ? text : "";
}

function openUnits(app: AppState, instrument_id: number | null): number {
  return app.trading.open
    .filter((row) => instrument_id === null || row.instrument_id === instrument_id)
    .reduce((sum, row) => sum + row.open_qty, 0);
}

function exposure(app: AppState, instrument_id: number | null): string {
  const units = openUnits(app, instrument_id);
  return units === 0 ? "No open quantity is known now." : `${count(units)} units are open now.`;
}

export function pause(app: AppState): CommandPrompt {
  return {
    name: "pause",
    args: {},
    title: "Pause?",
    lines: ["No new entries until you resume. Entries that wait in the market stay there; stops, targets and exits go on.", money(app)],
    action: "Pause",
    word: "",
    effect: () => {
      const is_done = app.engine.status?.paused === true;
      return { is_done, words: is_done ? "The engine is paused." : "The engine has not said so yet." };
    },
  };
}

export function stopEntries(app: AppState): CommandPrompt {
  return {
    name: "stop-entries",
    args: {},
    title: "Stop entries?",
    lines: [
      "Entries that wait in the market are cancelled and no new ones come, until a person re-arms. Stops, targets and exits go on.",
      exposure(app, null),
      money(app),
    ],
    action: "Stop entries",
    word: "",
    effect: () => {
      const waiting = app.trading.orders.filter(
        (row) => row.leg === "ENTRY" && ["PENDING_NEW", "NEW", "PARTIALLY_FILLED"].includes(row.ord_status),
      ).length;
      const is_done = app.engine.status?.state !== "ACTIVE" && waiting === 0;
      return { is_done, words: is_done ? `No entry is in the market, ${HEARD}.` : `${waiting} entries are still in the market, ${HEARD}.` };
    },
  };
}

const AT_ONCE = "Strategies may open positions again at once.";

function active(app: AppState): Effect {
  const is_done = app.engine.status?.state === "ACTIVE" && !app.engine.status.paused;
  return { is_done, words: is_done ? "The engine is active." : "The engine is not active yet." };
}

export function resume(app: AppState): CommandPrompt {
  return {
    name: "resume",
    args: {},
    title: "Resume?",
    lines: ["It is paused.", AT_ONCE, money(app)],
    action: "Resume",
    word: "",
    effect: () => active(app),
  };
}

export function rearm(app: AppState): CommandPrompt {
  const status = app.engine.status;
  return {
    name: "rearm",
    args: {},
    title: "Re-arm the engine?",
    lines: [`It is ${status?.state ?? "halted"}: ${status?.state_reason || "no reason given"}.`, AT_ONCE, money(app)],
    action: "Re-arm",
    word: "REARM",
    effect: () => active(app),
  };
}

/** `instrument_id` null: everything. */
export function flatten(app: AppState, instrument_id: number | null): CommandPrompt {
  const name = instrument_id === null ? "every open position" : app.symbol(instrument_id);
  return {
    name: "flatten",
    args: { instrument_id },
    title: instrument_id === null ? "Flatten every open position now?" : `Flatten ${name} now?`,
    lines: [
      exposure(app, instrument_id),
      "The resting stop becomes a marketable exit, re-priced until it is filled. Strategies stay switched on and may enter again; pause first if they should not.",
      money(app),
    ],
    action: instrument_id === null ? "Flatten everything" : `Flatten ${name}`,
    word: word(app, "FLATTEN"),
    effect: () => {
      const units = openUnits(app, instrument_id);
      return { is_done: units === 0, words: units === 0 ? `Nothing is open there, ${HEARD}.` : `${count(units)} units are still open, ${HEARD}.` };
    },
  };
}

export function takeOver(app: AppState, instrument_id: number): CommandPrompt {
  const name = app.symbol(instrument_id);
  return {
    name: "take-over",
    args: { instrument_id },
    title: `Take over the foreign position in ${name}?`,
    lines: [
      "Quantity that somebody else has traded becomes the engine's: it gets a stop at once, and is exited like any other.",
      money(app),
    ],
    action: "Take over",
    word: word(app, "TAKE OVER"),
    effect: () => {
      const row = app.market.instruments.find((found) => found.id === instrument_id);
      const is_done = row !== undefined && !row.quarantined;
      return { is_done, words: is_done ? `${name} is explained, ${HEARD}.` : `${name} is still in quarantine.` };
    },
  };
}

/** What is open, and how much of it has a stop. */
function protection(app: AppState): string {
  const units = openUnits(app, null);
  if (units === 0) return exposure(app, null);
  const covered = app.engine.status?.protection.protected_qty ?? 0;
  return `${exposure(app, null)} ${count(covered)} of them have a stop at the exchange.`;
}

/** `stop`: what the engine does then with what is open, as its configuration says. */
export function stopEngine(app: AppState, stop: string): CommandPrompt {
  return {
    name: "stop-engine",
    args: {},
    asks_password: true,
    title: "Stop the engine?",
    lines: [protection(app), `No new entries. ${stop}`, money(app)],
    action: "Stop engine",
    word: word(app, "STOP"),
    effect: () => {
      const lifecycle = app.engine.status?.lifecycle;
      const is_done = lifecycle === "stopped" || lifecycle === "gone" || app.socket.state === "lost";
      return { is_done, words: is_done ? "The engine has ended." : `The engine is ${lifecycle ?? "silent"}.` };
    },
  };
}

/** `start`: what is run, as the machine's owner has written it down. */
export function startEngine(app: AppState, start: string): CommandPrompt {
  const gone = app.engine.status?.gone;
  const was = gone?.open_qty ?? null;
  return {
    name: "start-engine",
    args: {},
    asks_password: true,
    title: "Start the engine?",
    lines: [
      `What is started: ${start}.`,
      was === null ? "What is open is not known here." : `By the last word ${count(was)} units were open.`,
      "It reads its journal and the broker's book first, makes every stop whole, and may then enter.",
      money(app),
    ],
    action: "Start engine",
    word: word(app, "START"),
    failure: "Not started",
    effect: () => {
      const is_done = app.engine.status?.lifecycle === "running";
      return { is_done, words: is_done ? "The engine runs." : `The engine is ${app.engine.status?.lifecycle ?? "silent"}.` };
    },
  };
}

export function login(approve: boolean): CommandPrompt {
  return {
    name: "login",
    args: { approve },
    title: "Log in at the broker?",
    lines: [
      approve
        ? "The broker asks you in its app; the engine takes the new access token by itself."
        : "You go on at the broker's own page, in another tab; the engine takes the new access token by itself, without a restart.",
    ],
    action: "Log in",
    word: "",
  };
}

export function testAlert(): CommandPrompt {
  return {
    name: "test-alert",
    args: {},
    title: "Send a test alert?",
    lines: ["Every configured target gets one message that says that it is a test; what each of them answered is shown here."],
    action: "Test alert",
    word: "",
    failure: "Not all of it has arrived",
  };
}
