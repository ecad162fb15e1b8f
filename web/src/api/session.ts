// Login, logout, passwords.

import type { FirstPasswordRequest, LoginSessionView, SessionGrant, SessionView, LoginRequest } from "./contract";
import { CSRF, get, post } from "./http";

export async function fetchSession(): Promise<SessionView> {
  const view: SessionView = await get("session", {});
  // A cookie without its token (another browser profile's storage, or storage that was cleared) can change nothing.
  const is_half = view.state === "in" && view.role !== null && localStorage.getItem(CSRF) === null;
  return is_half ? { ...view, state: "out" } : view;
}

function keep(grant: SessionGrant): SessionGrant {
  localStorage.setItem(CSRF, grant.csrf);
  return grant;
}

export async function logIn(given: LoginRequest): Promise<SessionGrant> {
  return keep(await post("login", given));
}

export async function setFirstPassword(given: FirstPasswordRequest): Promise<SessionGrant> {
  return keep(await post("setup", given));
}

export async function logOut(): Promise<void> {
  await post("logout", {});
  localStorage.removeItem(CSRF);
}

/** One's own logins that are open. */
export const fetchSessions = (signal: AbortSignal) => get<LoginSessionView[]>("sessions", {}, signal);

/** Ends one of them; what is left. */
export async function endSession(id: string): Promise<LoginSessionView[]> {
  return post("end-session", { id });
}
