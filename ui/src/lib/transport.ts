// The one way from the screens to the core: the generated commands, with every error turned into a Failure,
// and the one event that says what changed.
import { listen } from "@tauri-apps/api/event";
import { commands, type EventView, type Failure } from "./bindings";
import { words } from "./words";

export type { EventView } from "./bindings";

type Core = typeof commands;

/** A Failure from the core as it is; anything else (the core is gone) as one that says what to do. */
export function asFailure(error: unknown): Failure {
  if (typeof error === "object" && error !== null && "code" in error && "message" in error) return error as Failure;
  return {
    code: "INTERNAL",
    message: typeof error === "string" && error !== "" ? error : words.failed.lost,
    advice: words.failed.lostAdvice,
    field: null,
    found: null,
    expected: null,
    retryAfter: null,
  };
}

/** Every command; rejects with a Failure and nothing else. */
export const core = Object.fromEntries(
  Object.entries(commands).map(([name, call]) => [
    name,
    async (...args: unknown[]) => {
      try {
        return await (call as (...args: unknown[]) => Promise<unknown>)(...args);
      } catch (error) {
        throw asFailure(error);
      }
    },
  ]),
) as Core;

/** Tells the core now and then that a person is there, so that the auto-lock waits. */
export function tellPresence(): void {
  const EVERY_MS = 20_000;
  let last = -EVERY_MS;
  const here = () => {
    if (performance.now() - last < EVERY_MS) return;
    last = performance.now();
    // When the core is gone every screen says so already.
    void core.touch().catch(() => undefined);
  };
  for (const sign of ["pointerdown", "keydown"]) addEventListener(sign, here, { capture: true, passive: true });
}

/** Calls back with every change the core reports, until the returned function is called. */
export function onChange(callback: (event: EventView) => void): () => void {
  const stop = listen<EventView>("changed", (event) => callback(event.payload));
  return () => void stop.then((off) => off());
}
