// The one connection to the engine: it comes back by itself, and says loudly when it is gone.

import { SOCKET } from "../api/http";
import { deltaAction } from "./deltas";
import type { ClientMessage, ServerMessage } from "../api/contract";

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 15_000;
/** The engine speaks several times a second; this long a silence is a lost connection, whatever TCP believes. */
const SILENCE_MS = 4_000;
const CHECK_MS = 500;

export class Socket {
  state = $state<"connecting" | "open" | "lost">("connecting");
  /** Milliseconds since the last message that was taken, counted in half seconds. */
  silent_ms = $state(0);
  /** Milliseconds until the next attempt while the connection is lost. */
  retry_in_ms = $state(0);

  #socket: WebSocket | null = null;
  #seq: number | null = null;
  #retry_ms = RETRY_FIRST_MS;
  #retry_at = 0;
  #heard_at = performance.now();
  #opened_at = 0;
  #timer = 0;

  /** `onLost` hears of every end of a connection: the engine may be gone, or know us no longer. */
  constructor(
    private readonly onMessage: (message: ServerMessage) => void,
    private readonly onLost: () => void = () => {},
  ) {}

  /** Connect and stay connected. Returns the function that ends it. */
  start(): () => void {
    this.state = "connecting";
    this.#connect();
    this.#timer = window.setInterval(() => this.#check(), CHECK_MS);
    return () => {
      window.clearInterval(this.#timer);
      this.#drop();
    };
  }

  retryNow(): void {
    if (this.state === "lost") this.#connect();
  }

  #connect(): void {
    this.#drop();
    this.#opened_at = performance.now();
    this.#retry_at = 0;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${SOCKET}`);
    this.#socket = socket;
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data as string) as ServerMessage);
    socket.onclose = () => {
      this.#lose();
      this.onLost();
    };
  }

  #receive(message: ServerMessage): void {
    this.#heard_at = performance.now();
    this.silent_ms = 0;
    const next = deltaAction(this.#seq, message);
    if (next === "resync") {
      this.#seq = null;
      this.#send({ type: "resync" });
    }
    if (next !== "apply") return;
    this.#seq = message.seq;
    this.#retry_ms = RETRY_FIRST_MS;
    this.state = "open";
    this.onMessage(message);
  }

  #send(message: ClientMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #check(): void {
    const now = performance.now();
    this.silent_ms = now - this.#heard_at;
    if (this.#retry_at > 0) {
      this.retry_in_ms = Math.max(0, this.#retry_at - now);
      if (now >= this.#retry_at) this.#connect();
    } else if (now - Math.max(this.#heard_at, this.#opened_at) > SILENCE_MS) {
      this.#lose();
    }
  }

  #lose(): void {
    this.#drop();
    this.state = "lost";
    // A little chance keeps several pages from knocking at the same moment.
    const wait = this.#retry_ms * (0.8 + 0.4 * Math.random());
    this.#retry_at = performance.now() + wait;
    this.retry_in_ms = wait;
    this.#retry_ms = Math.min(this.#retry_ms * 2, RETRY_MAX_MS);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#seq = null;
    if (socket === null) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }
}
