import { whenLoggedOut } from "../api/http";
import { fetchSession, setFirstPassword, logIn, logOut } from "../api/session";
import type { FirstPasswordRequest, Scope, SessionView, LoginRequest } from "../api/contract";

/** Who sits here, as far as the engine knows; null until it has answered once. */
export class Session {
  view = $state.raw<SessionView | null>(null);

  constructor() {
    whenLoggedOut(() => void this.refresh());
  }

  get state(): SessionView["state"] | "unknown" {
    return this.view?.state ?? "unknown";
  }

  may(scope: Scope): boolean {
    return this.view?.state === "in" && this.view.scopes.includes(scope);
  }

  /** Ask again. An engine that does not answer changes nothing: whoever was in sees that the connection is lost. */
  async refresh(): Promise<void> {
    try {
      this.view = await fetchSession();
    } catch {
      // The socket tries on, and asks again when it is lost the next time.
    }
  }

  async logIn(given: LoginRequest): Promise<void> {
    await logIn(given);
    await this.refresh();
  }

  async setFirstPassword(given: FirstPasswordRequest): Promise<void> {
    await setFirstPassword(given);
    await this.refresh();
  }

  async logOut(): Promise<void> {
    try {
      await logOut();
    } finally {
      await this.refresh();
    }
  }
}
