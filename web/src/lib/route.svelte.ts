// Which view is shown: the part behind the #, so that the browser's own back, forward and bookmarks work.

export const VIEWS = [
  { id: "today", title: "Today", key: "t" },
  { id: "instrument", title: "Instrument", key: "i" },
  { id: "positions", title: "Positions", key: "p" },
  { id: "orders", title: "Orders", key: "o" },
  { id: "signals", title: "Signals", key: "s" },
  { id: "trades", title: "Trades", key: "r" },
  { id: "latency", title: "Latency", key: "l" },
  { id: "limits", title: "Limits", key: "m" },
  { id: "journal", title: "Journal", key: "j" },
  { id: "config", title: "Configuration", key: "c" },
  { id: "preflight", title: "Preflight", key: "f" },
  { id: "account", title: "Account", key: "a" },
  { id: "log", title: "Log", key: "n" },
] as const;
export type ViewId = (typeof VIEWS)[number]["id"];

export interface Place {
  view: ViewId;
  /** What is looked at within the view: an instrument, an order; empty for none. */
  at: string;
}

/** `#/orders/OT1` -> orders, OT1. What is not known is Today. */
export function placeOf(hash: string): Place {
  const [view = "", at = ""] = hash.replace(/^#\/?/, "").split("/");
  const known = VIEWS.find((row) => row.id === view);
  return known === undefined ? { view: "today", at: "" } : { view: known.id, at: decoded(at) };
}

export function hashOf(view: ViewId, at: string | number = ""): string {
  return at === "" ? `#/${view}` : `#/${view}/${encodeURIComponent(at)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** The place that the address names. `follow` belongs on mount. */
export class Route {
  place = $state.raw<Place>(placeOf(location.hash));

  follow(): () => void {
    const look = () => (this.place = placeOf(location.hash));
    window.addEventListener("hashchange", look);
    return () => window.removeEventListener("hashchange", look);
  }

  go(view: ViewId, at: string | number = ""): void {
    location.hash = hashOf(view, at);
  }
}

export const route = new Route();
