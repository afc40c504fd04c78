// What the approval window does, apart from how it looks: which question is in front, whether its buttons
// are awake, and what became of the answer. A question stays in front until it is answered or closed; the
// queue never swaps what is under the pointer.
import { Arming, keyMeaning, touches } from "./arming";
import type { AnswerView, Failure, PaymentView, QuestionView } from "./bindings";
import { asFailure, core, onChange } from "./transport";

/** What became of a question: signed; approved and on its way; rejected; ended for another reason. */
export interface Outcome {
  kind: "signed" | "approved" | "rejected" | "ended";
  question: QuestionView;
  /** How many were rejected at once. */
  all?: number;
}

/** As in the core, which enforces it. */
export const ARMING_MS = 1000;

function became(state: PaymentView["state"]): Outcome["kind"] {
  if (state === "signed" || state === "approved") return state;
  return state === "asked" ? "approved" : "ended";
}

export class Answering {
  question = $state.raw<QuestionView>();
  outcome = $state.raw<Outcome>();
  failure = $state.raw<Failure>();
  loading = $state(true);
  busy = $state(false);
  /** The plan changed while it was open. */
  changed = $state(false);
  /** What is new in it, where an answer was refused for that. */
  news = $state<string>();
  armed = $state(false);
  /** Restarts the animation of the waiting button. */
  turn = $state(0);
  waiting = $state(0);
  /** How many open questions the app of the one in front has. */
  ofApp = $state(0);
  #arming = new Arming(ARMING_MS);
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The plan that the person's own choice of an option made: no surprise to them. */
  chosen: string | undefined;
  /** A choice is on its way. The core tells of the new plan too, and what the person chose is no change behind their back. */
  #choosing = false;
  #pressedArmed = false;
  #asking = 0;
  /** What the core told of the question in front while its answer was on its way. */
  #told: PaymentView["state"] | undefined;

  /** Fetches the open questions; keeps the one that is in front. */
  async refresh(): Promise<void> {
    const turn = ++this.#asking;
    let open: QuestionView[];
    try {
      // What needs an answer first; then what was refused already and is only shown.
      open = (await Promise.all([core.questions(), core.dangers()])).flat();
    } catch (error) {
      if (turn === this.#asking) {
        this.failure = asFailure(error);
        this.loading = false;
      }
      return;
    }
    if (turn !== this.#asking) return;
    this.loading = false;
    const held = this.question;
    const same = held && open.find((q) => q.id === held.id);
    this.waiting = open.length - (same ? 1 : 0);
    const app = (same ?? open[0])?.appId;
    this.ofApp = open.filter((q) => q.appId === app && !q.danger).length;
    if (this.busy || this.#choosing || this.outcome) return;
    if (held && !same) {
      this.#close({ kind: "ended", question: held });
    } else if (same) {
      const changed = same.digest !== held.digest;
      this.question = same;
      if (changed) this.changed = true;
      if (changed || same.locked !== held.locked) await this.rearm();
    } else if (open[0]) {
      await this.#show(open[0]);
    }
  }

  /** Brings the next question in front, when the person asked for it. */
  async next(): Promise<void> {
    this.outcome = undefined;
    this.question = undefined;
    await this.refresh();
  }

  async #show(question: QuestionView): Promise<void> {
    this.question = question;
    this.failure = undefined;
    this.changed = false;
    this.news = undefined;
    await this.rearm();
  }

  #close(outcome: Outcome): void {
    this.outcome = outcome;
    this.question = undefined;
    this.suspend();
  }

  /** Starts the wait again, in the core first, so that the buttons never wake up before the core agrees. */
  async rearm(): Promise<void> {
    const question = this.question;
    if (!question || this.#choosing) return;
    this.suspend();
    try {
      // What was refused already takes no answer: nothing to arm in the core.
      if (!question.danger) await core.shown(question.id, question.digest);
    } catch (error) {
      this.#take(asFailure(error));
      return;
    }
    if (this.question?.id !== question.id || this.question.digest !== question.digest) return;
    this.#arming.restart(performance.now(), ARMING_MS);
    this.turn += 1;
    this.#schedule();
  }

  suspend(): void {
    clearTimeout(this.#timer);
    this.#arming.suspend();
    this.armed = false;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const left = this.#arming.left(performance.now());
    if (left === null) return;
    if (left > 0) this.#timer = setTimeout(() => this.#schedule(), left);
    else this.armed = this.#arming.armed(performance.now());
  }

  /** A press anywhere: before the buttons are awake it only starts the wait again. */
  press(): void {
    this.#pressedArmed = !this.#arming.touched(performance.now());
    if (!this.#pressedArmed) void this.rearm();
  }

  /** A click counts when the press that began it counted. */
  get clickCounts(): boolean {
    return this.armed && this.#pressedArmed && !this.busy;
  }

  /** What a click does when it counts. */
  guarded(act: () => void): () => void {
    return () => {
      if (this.clickCounts) act();
    };
  }

  /** Returns what the key asks for, once the buttons are awake. Keys before that only start the wait again. */
  key(event: KeyboardEvent): "approve" | "reject" | null {
    const meaning = keyMeaning(event);
    const pressing = event.key === "Enter" || event.key === " " || meaning !== "other";
    if (touches(event) && this.#arming.touched(performance.now())) {
      if (pressing) event.preventDefault();
      void this.rearm();
      return null;
    }
    if (pressing) this.#pressedArmed = true;
    if (meaning === "inert") event.preventDefault();
    if (meaning !== "approve" && meaning !== "reject") return null;
    event.preventDefault();
    return this.busy ? null : meaning;
  }

  async answer(answer: AnswerView): Promise<void> {
    const question = this.question;
    if (!question || this.busy || this.#choosing) return;
    this.busy = true;
    this.failure = undefined;
    this.#told = undefined;
    try {
      if (question.danger) await core.dismissDanger(question.id, answer.kind === "reject" && answer.blockSite);
      const row = question.danger ? null : await core.answer(question.id, question.digest, answer);
      this.busy = false;
      // The row may be older than what was told meanwhile: an allowance can be there at once.
      const state = row?.state === "approved" ? (this.#told ?? row.state) : row?.state;
      this.#close({ kind: state && answer.kind === "approve" ? became(state) : "rejected", question });
    } catch (error) {
      this.busy = false;
      this.#take(asFailure(error));
    }
    await this.refresh();
  }

  /** No to everything that the app of the question in front asks by now. */
  async rejectAll(): Promise<void> {
    const question = this.question;
    if (!question || this.busy || this.#choosing || question.danger) return;
    this.busy = true;
    this.failure = undefined;
    try {
      const all = await core.rejectApp(question.id);
      this.busy = false;
      this.#close({ kind: "rejected", question, all });
    } catch (error) {
      this.busy = false;
      this.#take(asFailure(error));
    }
    await this.refresh();
  }

  /** Takes another option of the 402: another plan, so the wait begins again. */
  async choose(option: number): Promise<void> {
    await this.#takeAnother((question) => core.choose(question.id, question.digest, option));
  }

  /** Takes another Permit2 deployment, in the same way. */
  async choosePermit2(set: string): Promise<void> {
    await this.#takeAnother((question) => core.choosePermit2(question.id, question.digest, set));
  }

  async #takeAnother(take: (question: QuestionView) => Promise<QuestionView>): Promise<void> {
    const question = this.question;
    if (!question || this.busy || this.#choosing || question.danger) return;
    this.suspend();
    this.failure = undefined;
    this.#choosing = true;
    try {
      const chosen = await take(question);
      this.chosen = chosen.digest;
      if (this.question?.id === chosen.id) this.question = chosen;
    } catch (error) {
      this.#take(asFailure(error));
    }
    this.#choosing = false;
    await this.refresh();
    await this.rearm();
  }

  #take(failure: Failure): void {
    switch (failure.code) {
      // The core's clock disagreed: look a second longer. Nothing to tell.
      case "NOT_ARMED":
        void this.rearm();
        return;
      case "PLAN_CHANGED":
        this.changed = true;
        this.news = failure.message;
        return;
      case "EXPIRED":
      case "CANCELLED":
      case "NOT_FOUND":
        if (this.question) this.#close({ kind: "ended", question: this.question });
        return;
      default:
        this.failure = failure;
    }
  }

  /** Follows the core and the window's focus while the calling component lives. */
  follow(): void {
    $effect(() => {
      void this.refresh();
      const stop = onChange((event) => {
        if (event.event === "payment") {
          if (event.id === this.question?.id) this.#told = event.status;
          if (event.id === this.outcome?.question.id && this.outcome.kind === "approved") {
            this.outcome = { ...this.outcome, kind: became(event.status) };
          }
        }
        if (event.event !== "rules" && event.event !== "pairing") void this.refresh();
      });
      const focus = () => void this.rearm();
      const blur = () => this.suspend();
      addEventListener("focus", focus);
      addEventListener("blur", blur);
      return () => {
        stop();
        clearTimeout(this.#timer);
        removeEventListener("focus", focus);
        removeEventListener("blur", blur);
      };
    });
  }
}
