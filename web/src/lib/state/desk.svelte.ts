import { getContext, setContext } from "svelte";

import { Socket } from "../socket.svelte";
import type { ServerMessage } from "../wire";
import { Commands } from "./commands.svelte";
import { EngineView } from "./engine.svelte";
import { Market } from "./market.svelte";
import { Notices } from "./notices.svelte";
import { Session } from "./session.svelte";
import { Trading } from "./trading.svelte";

/** Joins the socket to the concepts. It has no state of its own; each message is switched here, once. */
export class Desk {
  readonly engine = new EngineView();
  readonly market = new Market();
  readonly trading = new Trading();
  readonly notices = new Notices();
  readonly commands = new Commands();
  readonly session = new Session();
  readonly socket = new Socket(
    (message) => this.#take(message),
    () => void this.session.look(),
  );

  /** The symbol of an instrument, or its number when it is not known. */
  symbol(instrument_id: number): string {
    return this.market.instruments.find((row) => row.id === instrument_id)?.symbol ?? `#${instrument_id}`;
  }

  #take(message: ServerMessage): void {
    switch (message.type) {
      case "snapshot":
        this.engine.take(message);
        this.market.take(message);
        this.trading.take(message);
        this.notices.take(message);
        break;
      case "delta":
        this.engine.take(message);
        this.market.take(message);
        this.trading.take(message);
        break;
      case "notice":
        this.notices.take(message);
        break;
    }
  }
}

const KEY = Symbol("desk");

export function setDesk(): Desk {
  return setContext(KEY, new Desk());
}

export function getDesk(): Desk {
  return getContext<Desk>(KEY);
}
