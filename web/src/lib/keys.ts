// The keyboard: a letter after "g" goes to a view, a capital asks for a command. Nothing is done by a key alone: a dialogue asks first.
// The kill switch has its own keys (public/kill.js).

import { flatten, pause, rearm, resume, stopEntries } from "./prompts";
import { route, VIEWS } from "../stores/route.svelte";
import type { AppState } from "../stores/app.svelte";

const GO_MS = 1500;
let went = -Infinity;

export const COMMAND_KEYS = [
  ["Shift+P", "pause or resume"],
  ["Shift+E", "stop entries"],
  ["Shift+F", "flatten every open position"],
  ["Shift+R", "re-arm"],
  ["Shift+K, twice", "kill: halt the engine"],
] as const;

function writes(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, dialog[open], [contenteditable]") !== null;
}

/** What a key press came to. */
export function pressed(event: KeyboardEvent, app: AppState): "none" | "help" | "done" {
  if (writes(event.target) || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return "none";
  if (event.key === "?") return "help";
  if (event.key === "g" && !event.shiftKey) {
    went = performance.now();
    return "done";
  }
  if (performance.now() - went < GO_MS) {
    went = -Infinity;
    const view = VIEWS.find((row) => row.key === event.key);
    if (view === undefined) return "none";
    route.go(view.id);
    document.getElementById("view")?.scrollIntoView();
    return "done";
  }
  const status = app.engine.status;
  if (!event.shiftKey || status === null || !app.session.may("trade") || app.socket.state !== "open") return "none";
  const is_active = status.state === "ACTIVE";
  switch (event.code) {
    case "KeyP":
      if (is_active) app.commands.ask(status.paused ? resume(app) : pause(app));
      return "done";
    case "KeyE":
      if (is_active) app.commands.ask(stopEntries(app));
      return "done";
    case "KeyF":
      app.commands.ask(flatten(app, null));
      return "done";
    case "KeyR":
      if (!is_active) app.commands.ask(rearm(app));
      return "done";
    default:
      return "none";
  }
}
