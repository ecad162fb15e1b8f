import { fetchSession, setFirstPassword, signIn, signOut, whenSignedOut } from "../api";
import type { FirstPassword, Scope, SessionView, SignIn } from "../wire";

/** Who sits here, as far as the engine knows; null until it has answered once. */
export class Session {
  view = $state.raw<SessionView | null>(null);

  constructor() {
    whenSignedOut(() => void this.look());
  }

  get state(): SessionView["state"] | "unknown" {
    return this.view?.state ?? "unknown";
  }

  may(scope: Scope): boolean {
    return this.view?.state === "in" && this.view.scopes.includes(scope);
  }

  /** Ask again. An engine that does not answer changes nothing: whoever was in sees that the connection is lost. */
  async look(): Promise<void> {
    try {
      this.view = await fetchSession();
    } catch {
      // The socket tries on, and asks again when it is lost the next time.
    }
  }

  async signIn(given: SignIn): Promise<void> {
    await signIn(given);
    await this.look();
  }

  async setFirstPassword(given: FirstPassword): Promise<void> {
    await setFirstPassword(given);
    await this.look();
  }

  async signOut(): Promise<void> {
    try {
      await signOut();
    } finally {
      await this.look();
    }
  }
}
