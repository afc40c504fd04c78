// What is in the inspector: the text, what was found in it, and what is going on. Lives beside the pages, so that
// nothing is lost while another page is open. Asks the network only when a person pressed the button for it.
import type { Failure, InspectView } from "./bindings";
import { asFailure, core } from "./transport";

/** Longer than any text that is read; the core says precisely what is too much. */
const MOST = 400_000;

export class Inspecting {
  text = $state("");
  network = $state("");
  explain = $state(true);
  seen = $state.raw<InspectView>();
  failure = $state.raw<Failure>();
  busy = $state(false);
  #turn = 0;

  /** Reads a text in place of the one before. */
  async read(text: string): Promise<void> {
    this.text = text.slice(0, MOST);
    if (this.text.trim() === "") {
      this.#turn += 1;
      this.seen = undefined;
      this.failure = undefined;
      this.busy = false;
      return;
    }
    await this.#ask(() => core.inspect(this.text));
  }

  /** Asks the wallet's nodes about what the text names. */
  async lookUp(): Promise<void> {
    await this.#ask(() => core.lookUp(this.text, this.network === "" ? null : this.network));
  }

  /** Sends one request to the URL in the text, without any payment, and reads the answer. */
  async fetch(url: string): Promise<void> {
    await this.#ask(async () => {
      const answer = await core.fetchUrl(url);
      this.text = answer;
      return core.inspect(answer);
    });
  }

  async file(file: File): Promise<void> {
    // What is larger is none of these documents; reading all of it would only take long.
    await this.read(await file.slice(0, MOST).text());
  }

  async #ask(what: () => Promise<InspectView>): Promise<void> {
    const turn = ++this.#turn;
    this.busy = true;
    try {
      const seen = await what();
      if (turn !== this.#turn) return;
      this.seen = seen;
      this.failure = undefined;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.failure = asFailure(error);
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  }
}

/** The one inspector of the window. */
export const inspecting = new Inspecting();
