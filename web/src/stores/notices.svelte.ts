import { append } from "./deltas";
import type { NoticesMessage, NoticeView, Snapshot } from "../api/contract";

const NOTICES_KEPT = 500;

/** What the engine has to say, oldest first. An alarm stays on top until a person has seen it. */
export class Notices {
  all = $state.raw<readonly NoticeView[]>([]);
  seen_seq = $state(0);
  alarms = $derived(this.all.filter((row) => row.severity === "alarm" && row.seq > this.seen_seq));

  apply(message: Snapshot | NoticesMessage): void {
    if (message.type === "notice") {
      this.all = append(this.all, message.notices, NOTICES_KEPT);
      return;
    }
    // Numbers begin again with a new start of the engine.
    if ((message.notices.at(-1)?.seq ?? 0) < this.seen_seq) this.seen_seq = 0;
    this.all = message.notices;
  }

  acknowledge(): void {
    this.seen_seq = this.all.at(-1)?.seq ?? 0;
  }
}
