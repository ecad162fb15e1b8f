import type { Delta, Snapshot, Status } from "../api/contract";

/** How the engine is: everything of `Status`. Null until the first snapshot. */
export class EngineView {
  status = $state.raw<Status | null>(null);
  /** How often what is slow to change is asked for: on a simulated day in a hurry it is not slow. */
  pace_ms = $derived(this.status?.speed === 1 ? 5_000 : 1_000);

  apply(message: Snapshot | Delta): void {
    this.status = message.status;
  }
}
