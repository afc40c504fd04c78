// The approval window as a component, against a core that is played by hand.
import { clearMocks, mockIPC, mockWindows } from "@tauri-apps/api/mocks";
import { cleanup, fireEvent, render, screen } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as fixtures from "../dev/fixtures";
import Approval from "../src/approval/Approval.svelte";
import type { QuestionView } from "../src/lib/bindings";
import { FORBIDDEN, hostile } from "./hostile";

interface Call { command: string; args: Record<string, unknown> }
let calls: Call[] = [];
let open: QuestionView[] = [];
let dangers: QuestionView[] = [];
let row: () => Promise<object>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] });
  calls = [];
  open = [fixtures.question];
  dangers = [];
  row = () => Promise.resolve({ ...fixtures.payments[0], state: "signed" });
  // jsdom knows neither scrolling nor dialogs.
  Element.prototype.scrollTo = () => undefined;
  mockWindows("approval");
  mockIPC(
    (command, args) => {
      calls.push({ command, args: args as Record<string, unknown> });
      switch (command) {
        case "questions": return open;
        case "dangers": return dangers;
        case "shown": return 1000;
        case "choices": return fixtures.choices;
        case "choose_permit2": return open[0];
        case "answer": {
          open = open.slice(1);
          return row();
        }
        default: return null;
      }
    },
    { shouldMockEvents: true },
  );
});
afterEach(async () => {
  cleanup();
  // Listeners end a moment after the component does.
  await settle();
  clearMocks();
  vi.useRealTimers();
});

async function settle(ms = 0) {
  for (let i = 0; i < 8; i += 1) await Promise.resolve();
  await vi.advanceTimersByTimeAsync(ms);
  for (let i = 0; i < 8; i += 1) await Promise.resolve();
  await tick();
}
async function shown() {
  const view = render(Approval);
  await settle();
  return view;
}
const button = (act: string) => document.querySelector<HTMLButtonElement>(`[data-act="${act}"]`);
const answers = () => calls.filter((c) => c.command === "answer");
async function press(target: Element) {
  await fireEvent.pointerDown(target);
  await fireEvent.click(target);
  await settle();
}

describe("the other Permit2", () => {
  test("is offered where the seller refused one, and taking it is a new question that answers nothing", async () => {
    open = [{ ...fixtures.question, otherPermit2: "second" }];
    await shown();
    await settle(1000);
    const other = document.querySelector("[data-permit2=second]")!;
    expect(other.textContent).toBe("Take the second Permit2 for this site");
    open = [{ ...fixtures.question, digest: "d2", otherPermit2: null }];
    await press(other);
    expect(calls.find((c) => c.command === "choose_permit2")?.args).toEqual({ id: fixtures.question.id, digest: fixtures.question.digest, set: "second" });
    expect(document.querySelector("[data-permit2]")).toBeNull();
    await press(button("approve")!);
    expect(answers()).toHaveLength(0);
  });

  test("is not offered otherwise", async () => {
    await shown();
    expect(document.querySelector("[data-permit2]")).toBeNull();
  });
});

describe("how the site is known", () => {
  const proof = () => document.querySelector("h1 [data-provenance]");
  const choose = async (value: string) => {
    await fireEvent.click(document.querySelector(`input[name=scope][value=${value}]`)!);
    await settle();
  };

  test("a claim has its word, a sentence and no mark, and a limit given for it says that it covers claims", async () => {
    await shown();
    expect(proof()?.textContent).toBe("claimed by the app");
    expect(proof()?.classList.contains("claimed")).toBe(true);
    expect(document.querySelector("main")?.textContent).toContain("fetcher says that it asked news.example; Countersign has not asked it.");
    await choose("day");
    expect(document.querySelector("[data-covers]")?.textContent).toBe("That includes payments where only fetcher says that it asked news.example.");
    await settle(1000);
    await press(button("approve")!);
    expect(answers()[0]?.args).toMatchObject({ answer: { scope: { kind: "limit", covers: "claimedAndVerified" } } });
  });

  test("a limit given for a verified site covers claims only when that is chosen", async () => {
    open = [fixtures.verified, { ...fixtures.verified, id: "q8", digest: "d8" }];
    await shown();
    expect(proof()?.textContent).toBe("verified by Countersign");
    await choose("day");
    expect(document.querySelector<HTMLInputElement>("[data-field=claims]")?.checked).toBe(false);
    await settle(1000);
    await press(button("approve")!);
    expect(answers()[0]?.args).toMatchObject({ answer: { scope: { kind: "limit", covers: "verifiedOnly" } } });
  });

  test("claims are covered for a verified site when the person says so", async () => {
    open = [fixtures.verified];
    await shown();
    await choose("day");
    await fireEvent.click(document.querySelector("[data-field=claims]")!);
    await settle(1000);
    await press(button("approve")!);
    expect(answers()[0]?.args).toMatchObject({ answer: { scope: { kind: "limit", covers: "claimedAndVerified" } } });
  });

  test("the owner's command line, which is always asked, is offered no limit", async () => {
    open = [{ ...fixtures.verified, appId: "owner", appSince: null }];
    await shown();
    expect(document.querySelectorAll("input[name=scope]")).toHaveLength(1);
  });
});

describe("arming", () => {
  test("the core hears that the question is shown before the buttons wake up", async () => {
    await shown();
    expect(calls.some((c) => c.command === "shown" && c.args.digest === "d1")).toBe(true);
    expect(button("approve")?.dataset.armed).toBe("false");
    await settle(999);
    expect(button("approve")?.dataset.armed).toBe("false");
    await settle(1);
    expect(button("approve")?.dataset.armed).toBe("true");
    await press(button("approve")!);
    expect(answers()).toHaveLength(1);
    expect(answers()[0]?.args).toMatchObject({ id: "q1", digest: "d1", answer: { kind: "approve", scope: { kind: "once" }, allowanceTotal: null } });
  });

  test("clicking ten times a second never answers, however long", async () => {
    await shown();
    for (let i = 0; i < 60; i += 1) {
      await press(button("approve")!);
      await press(button("reject")!);
      await settle(90);
    }
    expect(answers()).toHaveLength(0);
  });

  test("typing ten keys a second never answers, Ctrl+Enter and Esc among them", async () => {
    await shown();
    const keys = ["a", "Enter", " ", "Escape", "y", "Tab"];
    for (let i = 0; i < 60; i += 1) {
      await fireEvent.keyDown(document.body, { key: keys[i % keys.length], ctrlKey: i % 7 === 0 });
      await fireEvent.keyDown(document.body, { key: "Enter", ctrlKey: true });
      await settle(90);
    }
    expect(answers()).toHaveLength(0);
  });

  test("focus starts the wait again, and so does a changed plan", async () => {
    await shown();
    await settle(1000);
    await fireEvent(window, new Event("blur"));
    await fireEvent(window, new Event("focus"));
    await settle();
    expect(button("approve")?.dataset.armed).toBe("false");
    await settle(1000);
    expect(button("approve")?.dataset.armed).toBe("true");
    open = [{ ...fixtures.question, digest: "other" }];
    const { emit } = await import("@tauri-apps/api/event");
    await emit("changed", { event: "question", id: "q1", appId: "a1" });
    await settle();
    expect(screen.getByRole("alert").textContent).toContain("changed while it was open");
    expect(button("approve")?.dataset.armed).toBe("false");
    expect(calls.at(-1)).toMatchObject({ command: "shown", args: { digest: "other" } });
  });

  test("Enter on the focused button does nothing, Ctrl+Enter answers", async () => {
    await shown();
    await settle(1000);
    button("approve")!.focus();
    const enter = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
    button("approve")!.dispatchEvent(enter);
    expect(enter.defaultPrevented).toBe(true);
    await settle();
    expect(answers()).toHaveLength(0);
    await fireEvent.keyDown(document.body, { key: "Enter", ctrlKey: true });
    await settle();
    expect(answers()).toHaveLength(1);
  });

  test("Esc rejects", async () => {
    await shown();
    await settle(1000);
    await fireEvent.keyDown(document.body, { key: "Escape" });
    await settle();
    expect(answers()[0]?.args.answer).toEqual({ kind: "reject", blockSite: false });
    expect(document.querySelector("[data-outcome]")?.getAttribute("data-outcome")).toBe("rejected");
  });
});

describe("the queue", () => {
  test("a new question never takes the place of the one in front", async () => {
    await shown();
    await settle(1000);
    open = [{ ...fixtures.firstTime, id: "earlier" }, fixtures.question];
    const { emit } = await import("@tauri-apps/api/event");
    await emit("changed", { event: "question", id: "earlier", appId: "a2" });
    await settle();
    expect(document.querySelector("[data-question]")?.getAttribute("data-question")).toBe("q1");
    expect(button("approve")?.dataset.armed).toBe("true");
  });

  test("a question that closes by itself leaves a note, not the next question", async () => {
    await shown();
    open = [fixtures.firstTime];
    const { emit } = await import("@tauri-apps/api/event");
    await emit("changed", { event: "payment", id: "q1", appId: "a1", status: "expired", settlement: "none" });
    await settle();
    expect(document.querySelector("[data-outcome]")?.getAttribute("data-outcome")).toBe("ended");
    await press(button("next")!);
    await settle();
    expect(document.querySelector("[data-question]")?.getAttribute("data-question")).toBe("q2");
    expect(button("approve")?.dataset.armed).toBe("false");
  });
});

describe("an allowance that comes first", () => {
  const outcome = () => document.querySelector<HTMLElement>("[data-outcome]")?.dataset.outcome;
  const signed = async () => {
    const { emit } = await import("@tauri-apps/api/event");
    await emit("changed", { event: "payment", id: "q1", appId: "a1", status: "signed", settlement: "unknown" });
  };
  const approved = { ...fixtures.payments[0], state: "approved" };

  test("is told until the payment is signed", async () => {
    row = () => Promise.resolve(approved);
    await shown();
    await settle(1000);
    await press(button("approve")!);
    expect(outcome()).toBe("approved");
    await signed();
    await settle();
    expect(outcome()).toBe("signed");
  });

  test("may be there, and the payment signed, before the answer has come back", async () => {
    row = async () => {
      await signed();
      return approved;
    };
    await shown();
    await settle(1000);
    await press(button("approve")!);
    expect(outcome()).toBe("signed");
  });
});

describe("Esc in an open panel closes the panel", () => {
  const esc = async () => {
    await fireEvent.keyDown(document.activeElement ?? document.body, { key: "Escape" });
    await settle();
  };

  test("limits of one's own, whether typed in or not; the next Esc is the answer", async () => {
    await shown();
    await settle(1000);
    const other = document.querySelector<HTMLInputElement>("input[name=scope][value=other]")!;
    await fireEvent.click(other);
    await settle();
    document.querySelector<HTMLInputElement>(".fields input")!.focus();
    await esc();
    expect(document.querySelector(".fields")).toBeNull();
    expect(document.querySelector<HTMLInputElement>("input[name=scope][value=once]")?.checked).toBe(true);
    expect(answers()).toHaveLength(0);
    await esc();
    expect(answers()[0]?.args.answer).toEqual({ kind: "reject", blockSite: false });
  });

  test("the details", async () => {
    await shown();
    await settle(1000);
    document.querySelector("details")!.open = true;
    await esc();
    expect(document.querySelector("details")!.open).toBe(false);
    expect(answers()).toHaveLength(0);
  });

  test("before the buttons are awake it starts the wait again, as every key", async () => {
    await shown();
    await settle(900);
    document.querySelector("details")!.open = true;
    await esc();
    await settle(900);
    expect(button("approve")?.dataset.armed).toBe("false");
  });
});

describe("all of an app", () => {
  const asked = () => calls.filter((c) => c.command === "reject_app");

  test("is rejected at once, when the buttons are awake, and told in numbers", async () => {
    open = [fixtures.question, { ...fixtures.question, id: "q8" }, { ...fixtures.firstTime, appId: "a2" }];
    await shown();
    expect(button("reject-app")?.textContent).toContain("Reject all 2 of this app");
    await press(button("reject-app")!);
    expect(asked()).toHaveLength(0);
    await settle(1000);
    mockIPC((command, args) => {
      calls.push({ command, args: args as Record<string, unknown> });
      if (command === "reject_app") open = open.slice(2);
      return { questions: open, dangers: [], reject_app: 2 }[command] ?? null;
    }, { shouldMockEvents: true });
    await press(button("reject-app")!);
    expect(asked().map((c) => c.args)).toEqual([{ id: "q1" }]);
    expect(document.querySelector("[data-outcome=rejected]")?.textContent).toContain("2 questions rejected");
    expect(button("next")).not.toBeNull();
  });

  test("is not offered where it asks once", async () => {
    open = [fixtures.question, { ...fixtures.firstTime, appId: "a2" }];
    await shown();
    expect(button("reject-app")).toBeNull();
  });
});

test("a limit tells what is left of it and when there is more", async () => {
  render(Approval);
  await settle();
  expect(document.body.textContent).toMatch(/1\.50 left · 0\.25 more: \d+ November/);
});

test("nothing of a name, an amount or an address is left out, however long", async () => {
  open = [fixtures.hard];
  await shown();
  const text = document.body.textContent ?? "";
  expect(document.querySelector("[data-act=approve]")?.textContent).toContain("1246913.569024691356902468 USDD");
  for (const part of [fixtures.hard.site, fixtures.hard.appName, fixtures.hard.payee.address, fixtures.hard.path]) expect(text).toContain(part);
  // The payee comes before what the site says of itself.
  expect(text.indexOf(fixtures.hard.payee.address)).toBeLessThan(text.indexOf("the site's words"));
});

test("words of two lines open with more, stay open, and close with Esc", async () => {
  const heights = vi.spyOn(Element.prototype, "scrollHeight", "get").mockReturnValue(90);
  open = [fixtures.firstTime];
  await shown();
  const more = [...document.querySelectorAll<HTMLButtonElement>(".said [aria-expanded]")];
  expect(more.map((b) => b.textContent)).toEqual(["more", "more", "more"]);
  await fireEvent.click(more[1]!);
  await settle();
  expect(more.map((b) => b.getAttribute("aria-expanded"))).toEqual(["false", "true", "false"]);
  await settle(1000);
  await fireEvent.keyDown(document.body, { key: "Escape" });
  await settle();
  expect(more[1]!.getAttribute("aria-expanded")).toBe("false");
  expect(answers()).toHaveLength(0);
  heights.mockRestore();
});

describe("what can't be approved", () => {
  test("a danger has no approve button, and the difference is marked letter by letter", async () => {
    open = [];
    dangers = [fixtures.fake];
    await shown();
    await settle(1000);
    expect(button("approve")).toBeNull();
    expect([...document.querySelectorAll("mark")].map((m) => m.textContent)).toEqual(["a", "1"]);
    await fireEvent.keyDown(document.body, { key: "Enter", ctrlKey: true });
    await settle();
    expect(answers()).toHaveLength(0);
    await press(button("block")!);
    expect(calls.find((c) => c.command === "dismiss_danger")?.args).toEqual({ id: "q3", blockSite: true });
  });

  test("a locked wallet keeps the question and asks for the unlock", async () => {
    open = [fixtures.locked];
    await shown();
    await settle(1000);
    expect(button("approve")).toBeNull();
    // What the account holds and what was spent is for its owner.
    for (const hidden of ["118.74", "before → after", "last 24 hours"]) expect(document.body.textContent).not.toContain(hidden);
    await press(button("unlock")!);
    expect(calls.find((c) => c.command === "open_window")?.args).toEqual({ label: "vault" });
  });
});

test("300 hostile strings: no markup, no reordering, and always as somebody's words", async () => {
  for (const text of hostile) {
    open = [{ ...fixtures.question, appName: text, siteWords: text, appWords: text, path: text, findings: [{ code: "x", weight: "warn", title: text, text, compare: null }] }];
    const before = calls.length;
    await shown();
    const allowed = new Set(["MAIN", "DIV", "SPAN", "P", "H1", "SMALL", "SECTION", "UL", "LI", "B", "I", "HEADER", "FOOTER", "DETAILS", "SUMMARY", "DL", "DT", "DD", "BR", "LABEL", "INPUT", "BUTTON", "KBD"]);
    for (const element of document.body.querySelectorAll("*")) {
      expect(allowed.has(element.tagName), `${element.tagName} from ${JSON.stringify(text)}`).toBe(true);
      for (const { name } of element.attributes) expect(name.startsWith("on"), name).toBe(false);
    }
    expect(FORBIDDEN.test(document.body.textContent ?? ""), JSON.stringify(text)).toBe(false);
    expect(document.querySelectorAll('[data-act="approve"]')).toHaveLength(1);
    if (text.trim() !== "") expect(document.body.textContent).toContain("the site's words");
    expect(calls.slice(before).every((c) => c.command !== "answer")).toBe(true);
    cleanup();
  }
}, 60_000);

describe("options of a 402", () => {
  const several = async (choose: (args: Record<string, unknown>) => unknown) => {
    open = [fixtures.several];
    clearMocks();
    mockWindows("approval");
    mockIPC(
      (command, args) => {
        calls.push({ command, args: args as Record<string, unknown> });
        switch (command) {
          case "questions": return open;
          case "dangers": return [];
          case "shown": return 1000;
          case "choices": return fixtures.choices.map((c) => ({ ...c, taken: c.index === (open[0]?.digest === "d6" ? 0 : 1) }));
          case "choose": return choose(args as Record<string, unknown>);
          default: return null;
        }
      },
      { shouldMockEvents: true },
    );
    await shown();
    await settle(1200);
  };
  const radios = () => [...document.querySelectorAll<HTMLInputElement>("input[name=option]")];

  test("stand side by side with their cost and reason; the useless ones can't be taken", async () => {
    await several(() => null);
    expect(radios().map((r) => [r.checked, r.disabled])).toEqual([[true, false], [false, false], [false, true], [false, true]]);
    for (const text of ["cheapest that can settle", "0.27 USDT", "8.4 TRX", "TIP-3009", "scheme upto is not supported"]) {
      expect(document.body.textContent).toContain(text);
    }
    expect(document.body.textContent).toContain("Permission holds for");
  });

  test("taking another one makes a new question and puts the buttons to sleep again", async () => {
    await several((args) => {
      expect(args).toEqual({ id: "q6", digest: "d6", option: 1 });
      open = [{ ...fixtures.several, digest: "d7", scheme: "exact_permit", maximum: fixtures.usdt("0.27") }];
      return open[0];
    });
    expect(button("approve")?.getAttribute("aria-disabled")).not.toBe("true");
    const before = calls.filter((c) => c.command === "shown").length;
    await fireEvent.click(radios()[1] as HTMLInputElement);
    await settle();
    const shows = calls.filter((c) => c.command === "shown");
    expect(shows.length).toBeGreaterThan(before);
    expect(shows.at(-1)?.args).toEqual({ id: "q6", digest: "d7" });
    expect(document.querySelector("h1")?.textContent).toContain("0.27");
    expect(radios().map((r) => r.checked)).toEqual([false, true, false, false]);
    await settle(1200);
    await fireEvent.keyDown(document.body, { key: "Enter", ctrlKey: true });
    await settle();
    expect(calls.find((c) => c.command === "answer")?.args.digest).toBe("d7");
  });
});
