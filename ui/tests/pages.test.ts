// Every page of the main window with something on it, and with nothing.
import { clearMocks, mockIPC, mockWindows } from "@tauri-apps/api/mocks";
import { cleanup, fireEvent, render, waitFor } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as fixtures from "../dev/fixtures";
import Main from "../src/main/Main.svelte";
import Vault from "../src/vault/Vault.svelte";

let calls: { command: string; args: unknown }[] = [];
let answers: Record<string, unknown> = {};

const full = {
  // Two deployments of one token share a symbol; two tokens share a day.
  status: { ...fixtures.status, accounts: [{ ...fixtures.status.accounts[0]!, balances: [fixtures.trx("5"), fixtures.usdt("1.00"), fixtures.usdt("2.00")] }] },
  payments: { payments: fixtures.payments, days: fixtures.daySums, next: null },
  payment: fixtures.detail,
  summary: fixtures.summary,
  sites: fixtures.sites.map((s) => ({ ...s, totals: [...s.totals, ...s.totals] })),
  site: { ...fixtures.siteDetail, days: [...fixtures.siteDetail.days, ...fixtures.siteDetail.days], payees: [...fixtures.siteDetail.payees, ...fixtures.siteDetail.payees] },
  apps: fixtures.apps,
  pairings: fixtures.pairings,
  tokens: fixtures.tokens,
  payers: fixtures.payers,
  errand: { kind: "unlock" },
  new_words: fixtures.newWords,
};

beforeEach(() => {
  calls = [];
  answers = full;
  Element.prototype.scrollTo = () => undefined;
  HTMLDialogElement.prototype.showModal = function () { this.open = true; };
  mockWindows("main");
  mockIPC((command, args) => {
    calls.push({ command, args });
    const answer = answers[command];
    return answer instanceof Error ? Promise.reject(JSON.parse(answer.message)) : (answer ?? null);
  }, { shouldMockEvents: true });
});
async function settle() {
  for (let i = 0; i < 5; i += 1) {
    await new Promise((done) => setTimeout(done, 0));
    await tick();
  }
}
afterEach(async () => {
  cleanup();
  await settle();
  clearMocks();
});
const text = () => document.body.textContent ?? "";
async function press(css: string) {
  const element = document.querySelector(css);
  expect(element, css).not.toBeNull();
  await fireEvent.click(element!);
  await settle();
}

/** What is brought is judged when the typing pauses. */
const judged = (how: "good" | "wrong") => waitFor(() => expect(document.querySelector(`[data-judged=${how}]`)).not.toBeNull());

describe("the main window", () => {
  test("activity shows days, words for every state and what left", async () => {
    render(Main);
    await settle();
    for (const part of ["Today", "settled", "expired, not paid", "nothing left", "41.26", "1 question waits", "A program wants to be paired"]) expect(text(), part).toContain(part);
    expect(document.querySelectorAll("nav .balance")).toHaveLength(3);
    await press("[data-payment=p1] .open");
    for (const part of ["Authorization", "Settlement", "Delivery", fixtures.payments[0]!.transaction!]) expect(text(), part).toContain(part);
  });

  test("a lock leaves neither record nor balances on any page", async () => {
    answers = { ...full, tags: fixtures.tags, status: { ...fixtures.status, locked: true } };
    render(Main);
    await settle();
    for (const page of ["activity", "sites", "apps", "accounts", "settings", "inspector"]) {
      await press(`[data-go=${page}]`);
      for (const hidden of ["news.example", "118.48", "41.26", "4120.00", "14 times", "12 payments"]) expect(text(), page).not.toContain(hidden);
    }
    await press("[data-go=activity]");
    expect(text()).toContain("Countersign is locked");
    // Who asks to be paired is nobody's record yet.
    await press("[data-go=apps]");
    expect(text()).toContain("K7M-4QX");
  });

  test("Esc closes the panel that was opened last", async () => {
    answers = { ...full, tags: fixtures.tags, suggest_export_path: "/home/you/payments.csv" };
    render(Main);
    await settle();
    const open = () => [document.querySelector("form[aria-label='Export payments']"), document.querySelector(".filters")].map((panel) => panel !== null);
    await press(".head button[aria-expanded]");
    await press("[data-action=export]");
    expect(open()).toEqual([true, true]);
    await fireEvent.keyDown(document.body, { key: "Escape" });
    await settle();
    expect(open()).toEqual([false, true]);
    await fireEvent.keyDown(document.body, { key: "Escape" });
    await settle();
    expect(open()).toEqual([false, false]);
  });

  test("sites, a site's page, apps and settings open", async () => {
    render(Main);
    await settle();
    await press("[data-go=sites]");
    expect(text()).toContain("blocked");
    await press("[data-site]");
    expect(text()).toContain("14 times since 12 March");
    await press("[data-rule] .link");
    await fireEvent.submit(document.querySelector("[data-rule] form")!);
    await settle();
    expect(calls.find((c) => c.command === "set_rule")?.args).toMatchObject({ rule: { appId: "a1", mode: { kind: "allow", perPayment: "0.50", perDay: "2.00", perMonth: null, covers: "claimedAndVerified" } } });
    await press("[data-go=apps]");
    expect(text()).toContain("K7M-4QX");
    await press("[data-app=a1] [data-act=revoke]");
    await press("[data-act=revoke-sure]");
    expect(calls.find((c) => c.command === "revoke_app")?.args).toEqual({ id: "a1" });
    await press("[data-go=settings]");
    expect(text()).toContain("127.0.0.1:4020");
  });

  test("a day's heading is the sum of the day and not of the rows that are loaded", async () => {
    render(Main);
    await settle();
    const heading = document.querySelector("tr.day")?.textContent;
    expect(heading).toBe("Today · 12.61 USDT · 0.75 USDT test");
    cleanup();
    answers = { ...full, payments: { ...full.payments, days: fixtures.daySums.map((d) => ({ ...d, sums: null })) } };
    render(Main);
    await settle();
    expect(document.querySelector("tr.day")?.textContent, "no sum rather than a wrong one").toBe("Today");
  });

  test("each payment says how its site is known, and a limit says which it covers", async () => {
    render(Main);
    await settle();
    for (const [id, word] of [["p1", "claimed"], ["p4", "verified"], ["p5", "not recorded"]]) {
      expect(document.querySelector(`[data-payment=${id}] [data-provenance]`)?.textContent, id).toBe(word);
    }
    await press("[data-go=apps]");
    expect(text()).toContain("verified sites only");
    await press("[data-app=a1] [data-rule] .link");
    expect(document.querySelector<HTMLInputElement>("[data-field=verified-only]")?.checked).toBe(true);
    await fireEvent.submit(document.querySelector("[data-rule] form")!);
    await settle();
    expect(calls.find((c) => c.command === "set_rule")?.args).toMatchObject({ rule: { mode: { covers: "verifiedOnly" } } });
  });

  test("a record that is gone is not replaced without a word and a press", async () => {
    const failure = { code: "LEDGER_GONE", message: "The record is not there.", advice: "Put it back.", field: null, found: null, expected: null, retryAfter: null };
    answers = { ...full, status: new Error(JSON.stringify(failure)), begin_new_record: fixtures.status };
    render(Main);
    await settle();
    for (const part of ["The record is not there.", "ledger.db"]) expect(text(), part).toContain(part);
    const begin = document.querySelector<HTMLButtonElement>("[data-act=new-record]")!;
    expect(begin.disabled).toBe(true);
    await fireEvent.submit(document.querySelector("form")!);
    expect(calls.some((c) => c.command === "begin_new_record")).toBe(false);
    await fireEvent.click(document.querySelector("[data-field=forget]")!);
    answers = { ...full, begin_new_record: fixtures.status };
    await fireEvent.submit(document.querySelector("form")!);
    await settle();
    expect(calls.filter((c) => c.command === "begin_new_record")).toHaveLength(1);
    expect(text()).toContain("Today");
  });

  test("with nothing yet, every page says what makes something appear", async () => {
    answers = { ...full, payments: { payments: [], days: [], next: null }, sites: [], apps: [], pairings: [], tokens: [] };
    render(Main);
    await settle();
    expect(text()).toContain("No payments yet");
    await press("[data-go=sites]");
    expect(text()).toContain("No sites yet");
    await press("[data-go=apps]");
    expect(text()).toContain("No program is paired");
  });

  test("a failure says what happened and what to do", async () => {
    const failure = { code: "LEDGER_UNAVAILABLE", message: "The ledger can't be read.", advice: "Free some space.", field: null, found: null, expected: null, retryAfter: null };
    answers = { ...full, payments: new Error(JSON.stringify(failure)) };
    render(Main);
    await settle();
    expect(document.querySelector("[role=alert]")?.textContent).toContain("Free some space.");
    answers = full;
    await press("[role=alert] .btn");
    expect(text()).toContain("Today");
  });
});

describe("accounts", () => {
  const fill = async (css: string, value: string) => fireEvent.input(document.querySelector(css)!, { target: { value } });
  const submit = async () => { await fireEvent.submit(document.querySelector("form")!); await settle(); };
  const [first, imported, watched] = fixtures.status.accounts.map((a) => a.address.address) as [string, string, string];
  const asked = (command: string) => calls.find((c) => c.command === command)?.args;

  test("each says where its key is, and one that is watched can neither pay nor be exported", async () => {
    answers = { ...full, status: fixtures.status };
    render(Main);
    await settle();
    await press("[data-go=accounts]");
    for (const part of ["Everyday", "pays", "from the words", "imported", "watched only", "4120.00"]) expect(text(), part).toContain(part);
    expect(document.querySelector(`[data-account="${watched}"] [data-act=use]`)).toBeNull();
    expect(document.querySelector(`[data-account="${watched}"] [data-act=export]`)).toBeNull();
    expect(document.querySelector(`[data-account="${first}"] [data-act=remove]`)).toBeNull();
    await press(`[data-account="${imported}"] [data-act=use]`);
    expect(asked("use_account")).toEqual({ account: imported });
    await press(`[data-account="${imported}"] [data-act=export]`);
    expect(asked("open_errand")).toEqual({ errand: { kind: "export", account: imported } });
  });

  test("a locked wallet adds none", async () => {
    answers = { ...full, status: { ...fixtures.status, locked: true } };
    render(Main);
    await settle();
    await press("[data-go=accounts]");
    expect(document.querySelector("[data-act=add]")).toBeNull();
    expect(document.querySelector("[data-hidden]")).not.toBeNull();
  });

  test("an app's account is chosen on its page", async () => {
    answers = { ...full, status: fixtures.status };
    render(Main);
    await settle();
    await press("[data-go=apps]");
    const payer = document.querySelector<HTMLSelectElement>("[data-payer=a1]")!;
    expect(payer.value).toBe(imported);
    expect([...payer.options].map((o) => o.value)).toEqual(["", first, imported]);
    await fireEvent.change(payer, { target: { value: first } });
    await settle();
    expect(asked("choose_payer")).toEqual({ appId: "a1", siteKey: null, account: first });
  });

  test("words that were asked for are hidden first and gone when the window loses the focus", async () => {
    answers = { ...full, status: fixtures.status, errand: { kind: "words" }, reveal_words: { words: fixtures.newWords.words } };
    render(Vault);
    await settle();
    await fill("[data-field=passphrase]", "long enough");
    await submit();
    expect(asked("reveal_words")).toEqual({ passphrase: "long enough" });
    const word = fixtures.newWords.words[1]!;
    expect(text()).not.toContain(word);
    await press("[data-act=reveal]");
    expect(text()).toContain(word);
    await fireEvent.blur(window);
    await settle();
    expect(text()).not.toContain(word);
  });

  test("a new passphrase is typed twice before it is sent", async () => {
    answers = { ...full, status: fixtures.status, errand: { kind: "passphrase" } };
    render(Vault);
    await settle();
    await fill("[data-field=passphrase]", "the old one");
    await fill("[data-field=fresh]", "long enough");
    await fill("[data-field=repeat]", "long enouhg");
    expect(document.querySelector<HTMLButtonElement>("[data-act=run]")!.disabled).toBe(true);
    await fill("[data-field=repeat]", "long enough");
    await submit();
    expect(asked("change_passphrase")).toEqual({ current: "the old one", fresh: "long enough" });
  });

  test("what another window asked for is named, takes the passphrase, and the window closes", async () => {
    const about = "moc.live <b>x</b>";
    answers = { ...full, status: fixtures.status, errand: { kind: "confirm", act: "pair", about } };
    render(Vault);
    await settle();
    expect(text()).toContain("Let a program ask for payments");
    expect(document.querySelector("b")).toBeNull();
    expect(document.querySelector<HTMLButtonElement>("[data-act=run]")!.disabled).toBe(true);
    await fill("[data-field=passphrase]", "long enough");
    await submit();
    expect(asked("confirm")).toEqual({ passphrase: "long enough" });
    expect(calls.at(-1)?.command).toBe("close_window");
  });

  test("an imported key is sent once and the window closes", async () => {
    answers = { ...full, status: fixtures.status, errand: { kind: "import" }, check_import: null };
    render(Vault);
    await settle();
    await fill("[data-field=key]", "ab".repeat(32));
    await fill("[data-field=passphrase]", "long enough");
    await judged("good");
    await submit();
    expect(asked("import_key")).toEqual({ name: "", key: "ab".repeat(32), passphrase: "long enough" });
    expect(calls.at(-1)?.command).toBe("close_window");
  });
});

describe("the first run", () => {
  const fill = async (css: string, value: string) => fireEvent.input(document.querySelector(css)!, { target: { value } });

  test("new words are asked back before a passphrase can be set", async () => {
    answers = { ...full, status: { ...fixtures.status, empty: true } };
    render(Vault);
    await settle();
    await press("[data-act=create]");
    expect(document.querySelectorAll(".word")).toHaveLength(12);
    await press("[data-act=written]");
    expect(document.querySelectorAll(".word")).toHaveLength(0);
    for (const n of fixtures.newWords.ask) await fill(`[data-word="${n}"]`, "wrong");
    await fireEvent.submit(document.querySelector("form")!);
    await settle();
    expect(text()).toContain("Look at your paper again");
    for (const n of fixtures.newWords.ask) await fill(`[data-word="${n}"]`, ` ${fixtures.newWords.words[n - 1]!.toUpperCase()} `);
    await fireEvent.submit(document.querySelector("form")!);
    await settle();
    await fill("[data-field=passphrase]", "long enough");
    await fill("[data-field=repeat]", "long enough!");
    expect(document.querySelector<HTMLButtonElement>("[data-act=finish]")?.disabled).toBe(true);
    await fill("[data-field=repeat]", "long enough");
    await fireEvent.submit(document.querySelector("form")!);
    await settle();
    expect(calls.find((c) => c.command === "confirm_words")?.args).toEqual({ answers: ["able", "absorb", "accident"], passphrase: "long enough" });
    expect(calls.at(-1)?.command).toBe("close_window");
  });

  test("the core judges what is brought, before a passphrase is asked", async () => {
    const wrong = { code: "BAD_REQUEST", message: "word 3 is not in the BIP-39 English list", advice: null, field: null, found: null, expected: null, retryAfter: null };
    answers = { ...full, status: { ...fixtures.status, empty: true }, check_import: new Error(JSON.stringify(wrong)) };
    render(Vault);
    await settle();
    await press("[data-act=import]");
    const next = () => document.querySelector<HTMLButtonElement>("[data-act=next]")!;
    await fill("[data-field=words]", "1. abandon 2. abandon 3. abandn");
    await judged("wrong");
    expect(text()).toContain("word 3 is not in the BIP-39 English list");
    expect(next().disabled).toBe(true);
    // Eighteen numbered words are words, and what was said of the text before is gone at once.
    answers = { ...answers, check_import: 18 };
    await fill("[data-field=words]", "1. abandon 2. abandon 3. abandon");
    expect(text()).not.toContain("BIP-39");
    await judged("good");
    expect(text()).toContain("18 words");
    expect(next().disabled).toBe(false);
    expect(calls.findLast((c) => c.command === "check_import")?.args).toEqual({ what: "words", text: "1. abandon 2. abandon 3. abandon" });
  });

  test("a wrong passphrase is told and forgotten", async () => {
    const failure = { code: "WRONG_PASSPHRASE", message: "The passphrase is not the right one.", advice: null, field: null, found: null, expected: null, retryAfter: null };
    answers = { ...full, status: { ...fixtures.status, empty: false, locked: true }, unlock: new Error(JSON.stringify(failure)) };
    render(Vault);
    await settle();
    await fill("[data-field=passphrase]", "not this one");
    await fireEvent.submit(document.querySelector("form")!);
    await settle();
    expect(document.querySelector("[data-code=WRONG_PASSPHRASE]")).not.toBeNull();
    expect(document.querySelector<HTMLInputElement>("[data-field=passphrase]")?.value).toBe("");
  });
});
