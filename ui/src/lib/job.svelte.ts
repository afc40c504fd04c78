// Work that goes on behind the window: begun, looked after until it ends, ended early. Lives as long as the window, so
// that a panel which was closed meanwhile shows it again.
import type { Failure } from "./bindings";
import { asFailure } from "./transport";

const LOOK_MS = 250;

interface View {
  id: string;
  done: boolean;
  failure: Failure | null;
}

export class Job<V extends View> {
  view = $state.raw<V>();
  failure = $state.raw<Failure>();
  readonly running = $derived(this.view !== undefined && !this.view.done);

  constructor(
    private readonly look: (id: string) => Promise<V>,
    private readonly end: (id: string) => Promise<V>,
  ) {}

  /** Resolves when it ended, however it did. */
  async run(begin: () => Promise<V>) {
    this.failure = undefined;
    try {
      let view = (this.view = await begin());
      while (!view.done) {
        await new Promise((due) => setTimeout(due, LOOK_MS));
        view = this.view = await this.look(view.id);
      }
      this.failure = view.failure ?? undefined;
    } catch (error) {
      [this.failure, this.view] = [asFailure(error), undefined];
    }
  }

  async stop() {
    if (this.view) await this.end(this.view.id).catch((error) => (this.failure = asFailure(error)));
  }

  /** What is over is not shown any more: something else is asked for now. */
  forget() {
    if (!this.running) [this.view, this.failure] = [undefined, undefined];
  }
}
