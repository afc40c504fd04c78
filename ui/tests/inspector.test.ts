// The inspector's page: reads what is pasted, asks others only by its buttons, keeps its state, shows nothing as markup.
import { clearMocks, mockIPC, mockWindows } from "@tauri-apps/api/mocks";
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as fixtures from "../dev/fixtures";
import { inspected, unknown } from "../dev/inspected";
import { inspecting } from "../src/lib/inspecting.svelte";
import Main from "../src/main/Main.svelte";
import { FORBIDDEN, hostile } from "./hostile";

// A busy machine renders slowly.
vi.setConfig({ testTimeout: 30_000 });

let calls: { command: string; args: unknown }[] = [];
let answers: Record<string, unknown> = {};

beforeEach(async () => {
  calls = [];
  answers = {
    status: fixtures.status, payments: { payments: fixtures.payments, next: null }, payment: fixtures.detail, summary: fixtures.summary,
    inspect: inspected, look_up: { ...inspected, lookedUp: ["Looked up on TRON Nile: block 71, SUCCESS."] }, fetch_url: "HTTP/1.1 402\n\n{}",
  };
  Element.prototype.scrollTo = () => undefined;
  HTMLDialogElement.prototype.showModal = function () { this.open = true; };
  HTMLDialogElement.prototype.close = function () { this.open = false; };
  mockWindows("main");
  mockIPC((command, args) => {
    calls.push({ command, args });
    return answers[command] ?? null;
  }, { shouldMockEvents: true });
  await inspecting.read("");
});
async function settle(wait = 0) {
  await new Promise((done) => setTimeout(done, wait));
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
const asked = (command: string) => calls.filter((call) => call.command === command);
async function press(css: string) {
  const element = document.querySelector(css);
  expect(element, css).not.toBeNull();
  await fireEvent.click(element!);
  await settle();
}
async function open() {
  render(Main);
  await settle();
  await press("[data-go=inspector]");
}
async function paste(value: string) {
  await fireEvent.input(document.querySelector("[data-field=inspect]")!, { target: { value } });
  await settle(250);
}

test("what is pasted is read and shown, and is still there after another page", async () => {
  await open();
  expect(text()).toContain("Nothing to inspect yet");
  await paste("eyJ4");
  expect(asked("inspect").at(-1)?.args).toEqual({ text: "eyJ4" });
  expect(asked("look_up")).toHaveLength(0);
  expect(document.querySelector("[data-said]")?.textContent).toBe(inspected.title);
  expect(document.querySelectorAll("[data-part] .options .group")).toHaveLength(2);
  expect(text()).toContain("The token's contract.");
  await press("[data-go=settings]");
  await press("[data-go=inspector]");
  expect(document.querySelector("[data-said]")?.textContent).toBe(inspected.title);
  expect((document.querySelector("[data-field=inspect]") as HTMLTextAreaElement).value).toBe("eyJ4");
  await press("[data-act=clear]");
  expect(text()).toContain("Nothing to inspect yet");
});

test("the chain and a URL are asked by their buttons alone", async () => {
  answers["inspect"] = { ...inspected, url: "https://shop.example/", canLookUp: false };
  await open();
  await paste("https://shop.example/");
  expect(asked("fetch_url")).toHaveLength(0);
  answers["inspect"] = { ...inspected, canLookUp: true };
  await press("[data-act=fetch]");
  expect(asked("fetch_url")[0]?.args).toEqual({ url: "https://shop.example/" });
  expect((document.querySelector("[data-field=inspect]") as HTMLTextAreaElement).value).toContain("HTTP/1.1 402");
  expect(asked("look_up")).toHaveLength(0);
  await press("[data-act=look-up]");
  expect(asked("look_up")[0]?.args).toEqual({ text: "HTTP/1.1 402\n\n{}", network: null });
  expect(text()).toContain("block 71, SUCCESS");
});

test("a bare id is looked up only on a network that was chosen", async () => {
  answers["inspect"] = { ...inspected, needsNetwork: true, canLookUp: false };
  await open();
  await paste("ab".repeat(32));
  expect(document.querySelector<HTMLButtonElement>("[data-act=look-up]")?.disabled).toBe(true);
  await fireEvent.change(document.querySelector("[data-field=network]")!, { target: { value: "tron:nile" } });
  await settle();
  await press("[data-act=look-up]");
  expect(asked("look_up")[0]?.args).toMatchObject({ network: "tron:nile" });
});

test("what is not known says what it was tried as", async () => {
  answers["inspect"] = unknown;
  await open();
  await paste("hello");
  expect(document.querySelector("[data-tried=header]")?.textContent).toContain("standard base64 of a JSON document");
});

test("a payment's documents open here", async () => {
  render(Main);
  await settle();
  await press("[data-payment=p1] .open");
  await press("[data-act=inspect-402]");
  expect(document.querySelector("main")?.dataset["page"]).toBe("inspector");
  expect(asked("inspect").at(-1)?.args).toEqual({ text: fixtures.detail.document });
});

test("300 hostile strings are text in every place", { timeout: 60_000 }, async () => {
  await open();
  const part = inspected.parts[0]!;
  const parts = hostile.map((bad) => {
    const line = { label: bad, value: bad, also: bad, remark: bad, help: null, weight: "warn" as const };
    return { ...part, title: bad, place: bad, document: bad, findings: [], groups: [{ name: bad, option: true, lines: [line] }] };
  });
  answers["inspect"] = { ...inspected, parts };
  await inspecting.read("x");
  await settle();
  const shown = [...document.querySelectorAll("[data-part]")];
  expect(shown).toHaveLength(300);
  for (const one of shown) {
    expect(one.querySelector("script,img,iframe,svg,form,base,meta,link,math,template,dialog")).toBeNull();
    expect(FORBIDDEN.test(one.textContent ?? ""), JSON.stringify(one.textContent)).toBe(false);
  }
});
