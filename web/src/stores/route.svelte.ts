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
  { id: "results", title: "Results", key: "u" },
  { id: "config", title: "Configuration", key: "c" },
  { id: "preflight", title: "Preflight", key: "f" },
  { id: "account", title: "Account", key: "a" },
  { id: "notices", title: "Notices", key: "n" },
  { id: "sessions", title: "Sessions", key: "e" },
] as const;
export type ViewId = (typeof VIEWS)[number]["id"];

export interface RouteTarget {
  view: ViewId;
  /** What is selected in the view: an instrument, an order; empty for none. */
  item: string;
}

/** Views of 0.1 whose bookmarks go on working. */
const RENAMED: Record<string, ViewId> = { log: "notices" };

/** `#/orders/OT1` -> orders, OT1. What is not known is Today. */
export function parseHash(hash: string): RouteTarget {
  const [view = "", item = ""] = hash.replace(/^#\/?/, "").split("/");
  const known = VIEWS.find((row) => row.id === (RENAMED[view] ?? view));
  return known === undefined ? { view: "today", item: "" } : { view: known.id, item: decoded(item) };
}

export function hashOf(view: ViewId, item: string | number = ""): string {
  return item === "" ? `#/${view}` : `#/${view}/${encodeURIComponent(item)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** The target that the address names. `follow` belongs on mount. */
export class Route {
  target = $state.raw<RouteTarget>(parseHash(location.hash));

  follow(): () => void {
    const update = () => (this.target = parseHash(location.hash));
    window.addEventListener("hashchange", update);
    return () => window.removeEventListener("hashchange", update);
  }

  go(view: ViewId, item: string | number = ""): void {
    location.hash = hashOf(view, item);
  }
}

export const route = new Route();
