// What a screen shows of the core: the last answer, or why there is none, kept fresh by events.
import type { Failure } from "./bindings";
import { asFailure, onChange, type EventView } from "./transport";

export class Loaded<T> {
  value = $state.raw<T>();
  failure = $state.raw<Failure>();
  loading = $state(true);
  #ask: () => Promise<T>;
  #turn = 0;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  /** Asks again. Of overlapping answers only the newest counts. */
  async refresh(): Promise<void> {
    const turn = ++this.#turn;
    this.loading = true;
    try {
      const value = await this.#ask();
      if (turn !== this.#turn) return;
      this.value = value;
      this.failure = undefined;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.failure = asFailure(error);
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }

  /** Keeps it fresh while the calling component lives: now, and after every event of these kinds. */
  follow(kinds: EventView["event"][]): void {
    $effect(() => {
      void this.refresh();
      let due: ReturnType<typeof setTimeout> | undefined;
      const stop = onChange(({ event }) => {
        if (!kinds.includes(event)) return;
        // Events come in bursts (asked, approved, signed): one refresh serves them all.
        clearTimeout(due);
        due = setTimeout(() => void this.refresh(), 40);
      });
      return () => {
        clearTimeout(due);
        stop();
      };
    });
  }
}

/** One clock for everything that counts down; runs only while something shows it. */
export class Now {
  ms = $state(Date.now());
  constructor(every = 1000) {
    $effect(() => {
      const timer = setInterval(() => (this.ms = Date.now()), every);
      return () => clearInterval(timer);
    });
  }
}
