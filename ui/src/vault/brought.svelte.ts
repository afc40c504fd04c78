/** What a person brings, judged by the core while it is typed and as soon as a file is chosen: before any passphrase. */
import type { BroughtView, Failure } from "../lib/bindings";
import { asFailure, core } from "../lib/transport";

/** Typing pauses so long before it is judged, in milliseconds. */
const PAUSE = 250;

export class Brought {
  what = $state<BroughtView>("words");
  text = $state("");
  /** The passphrase of a keystore. */
  its = $state("");
  /** It is right: words with their count. */
  good = $state(false);
  words = $state<number | null>(null);
  /** Why it is not. */
  failure = $state.raw<Failure>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #latest = 0;

  constructor(what: BroughtView = "words") {
    this.what = what;
  }

  /** Nothing is missing, and nothing is known to be wrong with it. */
  get ready(): boolean {
    return this.text.trim() !== "" && this.failure === undefined && (this.what !== "keystore" || this.its !== "");
  }

  /** Whether it is right; somebody who goes on quickly does not wait for the pause. */
  async right(): Promise<boolean> {
    clearTimeout(this.#timer);
    if (!this.good && this.failure === undefined) await this.#judge();
    return this.good;
  }

  /** Another text: what was said of the one before counts no more. */
  type(text: string, pause = PAUSE): void {
    this.text = text;
    this.#unjudged();
    if (text.trim() !== "") this.#timer = setTimeout(() => void this.#judge(), pause);
  }

  choose(what: BroughtView): void {
    this.forget();
    this.what = what;
  }

  async pick(event: Event): Promise<void> {
    const file = (event.currentTarget as HTMLInputElement).files?.[0];
    // A larger one is none: the core says so of its beginning.
    this.type(file ? await file.slice(0, 65_537).text() : "", 0);
  }

  forget(): void {
    this.#unjudged();
    this.text = this.its = "";
  }

  #unjudged(): void {
    clearTimeout(this.#timer);
    this.#latest += 1;
    this.good = false;
    this.words = null;
    this.failure = undefined;
  }

  async #judge(): Promise<void> {
    const asked = this.#latest;
    try {
      const words = await core.checkImport(this.what, this.text);
      if (asked === this.#latest) [this.good, this.words] = [true, words];
    } catch (error) {
      if (asked === this.#latest) this.failure = asFailure(error);
    }
  }
}
