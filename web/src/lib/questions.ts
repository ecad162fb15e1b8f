// Every command of the page as a question: what it will do, in words, and how its effect is read from what comes back.

import { count } from "./format";
import type { Question } from "./state/commands.svelte";
import type { Desk } from "./state/desk.svelte";

const HEARD = "as the broker reports it";

function money(desk: Desk): string {
  return desk.engine.status?.mode === "live" ? "This is REAL MONEY." : "This is simulated money.";
}

/** Real money is never moved by a single click: a word is typed. On paper the dialogue alone asks. */
function word(desk: Desk, text: string): string {
  return desk.engine.status?.mode === "live" ? text : "";
}

function openUnits(desk: Desk, instrument_id: number | null): number {
  return desk.trading.open
    .filter((row) => instrument_id === null || row.instrument_id === instrument_id)
    .reduce((sum, row) => sum + row.open_qty, 0);
}

function exposure(desk: Desk, instrument_id: number | null): string {
  const units = openUnits(desk, instrument_id);
  return units === 0 ? "No open quantity is known now." : `${count(units)} units are open now.`;
}

export function pause(desk: Desk): Question {
  return {
    name: "pause",
    args: {},
    title: "Pause?",
    lines: ["No new entries until you resume. Entries that wait in the market stay there; stops, targets and exits go on.", money(desk)],
    action: "Pause",
    word: "",
    effect: () => {
      const is_done = desk.engine.status?.paused === true;
      return { is_done, words: is_done ? "The engine is paused." : "The engine has not said so yet." };
    },
  };
}

export function reduce(desk: Desk): Question {
  return {
    name: "reduce",
    args: {},
    title: "Stop entries?",
    lines: [
      "Entries that wait in the market are cancelled and no new ones come, until a person re-arms. Stops, targets and exits go on.",
      exposure(desk, null),
      money(desk),
    ],
    action: "Stop entries",
    word: "",
    effect: () => {
      const waiting = desk.trading.orders.filter(
        (row) => row.leg === "ENTRY" && ["PENDING_NEW", "NEW", "PARTIALLY_FILLED"].includes(row.ord_status),
      ).length;
      const is_done = desk.engine.status?.state !== "ACTIVE" && waiting === 0;
      return { is_done, words: is_done ? `No entry is in the market, ${HEARD}.` : `${waiting} entries are still in the market, ${HEARD}.` };
    },
  };
}

export function resume(desk: Desk): Question {
  const status = desk.engine.status;
  const is_latched = status !== null && status.state !== "ACTIVE";
  return {
    name: "resume",
    args: { rearm: is_latched },
    title: is_latched ? "Re-arm the engine?" : "Resume?",
    lines: [
      is_latched ? `It is ${status.state}: ${status.state_reason || "no reason given"}.` : "It is paused.",
      "Strategies may open positions again at once.",
      money(desk),
    ],
    action: is_latched ? "Re-arm" : "Resume",
    word: is_latched ? "REARM" : "",
    effect: () => {
      const is_done = desk.engine.status?.state === "ACTIVE" && !desk.engine.status.paused;
      return { is_done, words: is_done ? "The engine is active." : "The engine is not active yet." };
    },
  };
}

/** `instrument_id` null: everything. */
export function flatten(desk: Desk, instrument_id: number | null): Question {
  const name = instrument_id === null ? "every open position" : desk.symbol(instrument_id);
  return {
    name: "flatten",
    args: { instrument_id },
    title: instrument_id === null ? "Close every open position now?" : `Exit ${name} now?`,
    lines: [
      exposure(desk, instrument_id),
      "The resting stop becomes a marketable exit, re-priced until it is filled. Strategies stay switched on and may enter again; pause first if they should not.",
      money(desk),
    ],
    action: instrument_id === null ? "Close everything" : `Exit ${name}`,
    word: word(desk, instrument_id === null ? "FLATTEN" : "EXIT"),
    effect: () => {
      const units = openUnits(desk, instrument_id);
      return { is_done: units === 0, words: units === 0 ? `Nothing is open there, ${HEARD}.` : `${count(units)} units are still open, ${HEARD}.` };
    },
  };
}

export function adopt(desk: Desk, instrument_id: number): Question {
  const name = desk.symbol(instrument_id);
  return {
    name: "adopt",
    args: { instrument_id },
    title: `Take over the foreign position in ${name}?`,
    lines: [
      "Quantity that somebody else has traded becomes the engine's: it gets a stop at once, and is exited like any other.",
      money(desk),
    ],
    action: "Take over",
    word: word(desk, "ADOPT"),
    effect: () => {
      const row = desk.market.instruments.find((found) => found.id === instrument_id);
      const is_done = row !== undefined && !row.quarantined;
      return { is_done, words: is_done ? `${name} is explained, ${HEARD}.` : `${name} is still in quarantine.` };
    },
  };
}

export function stop(desk: Desk): Question {
  return {
    name: "stop",
    args: {},
    title: "Stop the engine?",
    lines: [
      "No new entries; open positions are closed or left with their stops, as the configuration says. Then the program ends.",
      exposure(desk, null),
      money(desk),
    ],
    action: "Stop the engine",
    word: word(desk, "STOP"),
    effect: () => {
      const lifecycle = desk.engine.status?.lifecycle;
      const is_done = lifecycle === "stopped" || desk.socket.state === "lost";
      return { is_done, words: is_done ? "The engine has ended." : `The engine is ${lifecycle ?? "silent"}.` };
    },
  };
}

export function login(approve: boolean): Question {
  return {
    name: "login",
    args: { approve },
    title: "Log in at the broker?",
    lines: [
      approve
        ? "The broker asks you in its app; the engine takes the new access token by itself."
        : "You go on at the broker's own page, in another tab; the engine takes the new access token by itself, without a restart.",
    ],
    action: "Begin",
    word: "",
  };
}

export function testAlert(): Question {
  return {
    name: "test-alert",
    args: {},
    title: "Send a test alert?",
    lines: ["Every configured target gets one message that says that it is a test; what each of them answered is shown here."],
    action: "Send it",
    word: "",
    failure: "Not all of it has arrived",
  };
}
