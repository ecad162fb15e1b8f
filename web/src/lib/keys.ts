// The keyboard: a letter after "g" goes to a view, a capital asks for a command. Nothing is done by a key alone: a dialogue asks first.
// The kill switch has its own keys (public/kill.js).

import { flatten, pause, reduce, resume } from "./questions";
import { route, VIEWS } from "./route.svelte";
import type { Desk } from "./state/desk.svelte";

const GO_MS = 1500;
let went = -Infinity;

export const COMMAND_KEYS = [
  ["Shift+P", "pause or resume"],
  ["Shift+E", "stop entries"],
  ["Shift+F", "close every open position"],
  ["Shift+R", "re-arm"],
  ["Shift+K, twice", "kill: halt the engine"],
] as const;

function writes(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, dialog[open], [contenteditable]") !== null;
}

/** What a key press came to. */
export function pressed(event: KeyboardEvent, desk: Desk): "none" | "help" | "done" {
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
  const status = desk.engine.status;
  if (!event.shiftKey || status === null || !desk.session.may("trade") || desk.socket.state !== "open") return "none";
  const is_active = status.state === "ACTIVE";
  switch (event.code) {
    case "KeyP":
      if (is_active) desk.commands.ask(status.paused ? resume(desk) : pause(desk));
      return "done";
    case "KeyE":
      if (is_active) desk.commands.ask(reduce(desk));
      return "done";
    case "KeyF":
      desk.commands.ask(flatten(desk, null));
      return "done";
    case "KeyR":
      if (!is_active) desk.commands.ask(resume(desk));
      return "done";
    default:
      return "none";
  }
}
