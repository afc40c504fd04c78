// When the answer buttons wake up. A question arms after it has been in front of the person, untouched, for
// a while: being shown, focused or changed starts the wait again, and so does every click and key before it
// is over, so that somebody who is typing or clicking elsewhere never runs into an answer. Mirrors what the
// core enforces; the core decides.

export type Restart = "shown" | "focused" | "changed" | "touched";

export class Arming {
  #since: number | null = null;
  #wait: number;

  constructor(wait: number) {
    this.#wait = wait;
  }

  /** Starts the wait again. */
  restart(now: number, wait: number = this.#wait): void {
    this.#since = now;
    this.#wait = wait;
  }

  /** Nothing is armed while nothing is shown or the window is not in front. */
  suspend(): void {
    this.#since = null;
  }

  /** A click or key arrived. Returns true when it restarted the wait, so that it must have no effect. */
  touched(now: number): boolean {
    if (this.armed(now)) return false;
    if (this.#since !== null) this.#since = now;
    return true;
  }

  armed(now: number): boolean {
    return this.#since !== null && now - this.#since >= this.#wait;
  }

  /** Milliseconds until armed; null while suspended. */
  left(now: number): number | null {
    return this.#since === null ? null : Math.max(0, this.#wait - (now - this.#since));
  }
}

const MODIFIERS = new Set(["Control", "Shift", "Alt", "Meta", "CapsLock", "AltGraph"]);

export type KeyMeaning = "approve" | "reject" | "inert" | "other";

/** What a key means for the question. Enter alone never approves: where it would press Approve it is inert. */
export function keyMeaning(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey" | "repeat">): KeyMeaning {
  if (MODIFIERS.has(event.key)) return "other";
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
    // A key that is held down since before is no answer.
    return event.repeat ? "inert" : "approve";
  }
  if (event.key === "Escape") return event.repeat ? "inert" : "reject";
  return "other";
}

/** Whether a key press counts as touching: modifiers alone don't. */
export function touches(event: Pick<KeyboardEvent, "key">): boolean {
  return !MODIFIERS.has(event.key);
}
