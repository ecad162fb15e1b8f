import { getContext, setContext } from "svelte";

import { Socket } from "./socket.svelte";
import type { ServerMessage } from "../api/contract";
import { Commands } from "./commands.svelte";
import { EngineView } from "./engine.svelte";
import { Market } from "./market.svelte";
import { Notices } from "./notices.svelte";
import { Session } from "./session.svelte";
import { Trading } from "./trading.svelte";

/** Joins the socket to the concepts. It has no state of its own; each message is switched here, once. */
export class AppState {
  readonly engine = new EngineView();
  readonly market = new Market();
  readonly trading = new Trading();
  readonly notices = new Notices();
  readonly commands = new Commands();
  readonly session = new Session();
  readonly socket = new Socket(
    (message) => this.#apply(message),
    () => void this.session.refresh(),
  );

  /** Nothing that is shown is of now: the page's server does not answer, or the engine does not answer it. */
  get is_lost(): boolean {
    return this.socket.state === "lost" || this.is_gone;
  }

  /** The page's server answers, and says that the engine does not. */
  get is_gone(): boolean {
    return Boolean(this.engine.status?.gone);
  }

  /** The symbol of an instrument, or its number when it is not known. */
  symbol(instrument_id: number): string {
    return this.market.instruments.find((row) => row.id === instrument_id)?.symbol ?? `#${instrument_id}`;
  }

  #apply(message: ServerMessage): void {
    switch (message.type) {
      case "snapshot":
        this.engine.apply(message);
        this.market.apply(message);
        this.trading.apply(message);
        this.notices.apply(message);
        break;
      case "delta":
        this.engine.apply(message);
        this.market.apply(message);
        this.trading.apply(message);
        break;
      case "notice":
        this.notices.apply(message);
        break;
    }
  }
}

const KEY = Symbol("app");

export function setApp(): AppState {
  return setContext(KEY, new AppState());
}

export function getApp(): AppState {
  return getContext<AppState>(KEY);
}
