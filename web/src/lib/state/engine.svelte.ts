import type { Delta, Snapshot, Status } from "../wire";

/** How the engine is: everything of `Status`. Null until the first snapshot. */
export class EngineView {
  status = $state.raw<Status | null>(null);

  take(message: Snapshot | Delta): void {
    this.status = message.status;
  }
}
