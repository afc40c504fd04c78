// Any screen with invented answers, for looking at: /dev/?screen=approval&case=question&theme=dark, /dev/?page=accounts
import { mockIPC, mockWindows } from "@tauri-apps/api/mocks";
import { emit } from "@tauri-apps/api/event";
import * as f from "./fixtures";
import { inspected, unknown } from "./inspected";

const wish = new URLSearchParams(location.search);
const screen = wish.get("screen") ?? "main";
const which = wish.get("case") ?? "";
if (wish.get("theme")) localStorage.setItem("theme", wish.get("theme") ?? "");

const questions = { firstTime: [f.firstTime], fake: [], locked: [f.locked], long: [f.long], several: [f.several], hard: [f.hard, { ...f.hard, id: "q8", digest: "d8", position: 2 }], verified: [f.verified], none: [] }[which] ?? [f.question, { ...f.firstTime, position: 2, queue: 3 }];
let open = [...questions];
const fail = (code: string, message: string, advice: string) =>
  Promise.reject({ code, message, advice, field: null, found: null, expected: null, retryAfter: null });

mockWindows(screen);
mockIPC(
  (command, args) => {
    const a = args as Record<string, unknown>;
    switch (command) {
      case "status": return which === "gone" ? fail("LEDGER_GONE", "The record of this wallet, /home/you/.local/share/countersign/main/ledger.db, is not there.", "Put it back from a backup if you can.") : { ...f.status, empty: screen === "vault" && which === "", locked: which === "unlock" || which === "locked", practice: wish.has("practice") };
      case "questions": return which === "failed" ? fail("LEDGER_UNAVAILABLE", "The ledger can't be read.", "Free some space on the disk, then try again.") : open;
      case "dangers": return which === "fake" ? [f.fake] : [];
      case "choices": return which === "hard" ? f.choices.slice(0, 3).map((c) => ({ ...c, maximum: c.maximum && f.hard.maximum, fee: c.fee && f.hard.fee, balance: f.hard.before })) : f.choices;
      case "reject_app": { const n = open.length; open = []; return n; }
      case "choose": {
        const option = Number(a.option);
        const taken = f.choices[option] ?? fail("NOT_FOUND", "No such option.", "");
        f.choices.forEach((c) => { c.taken = c.index === option; });
        open = [{ ...f.several, digest: `d6-${option}`, ...("scheme" in taken ? { scheme: taken.scheme, maximum: taken.maximum ?? f.several.maximum } : {}) }];
        return open[0];
      }
      case "answer":
        open = open.slice(1);
        void emit("changed", { event: "lock" });
        return { ...f.payments[0], state: "signed" };
      case "payments": return which === "empty" ? { payments: [], days: [], next: null, lookedTo: null, unindexed: 0 } : which === "failed" ? fail("LEDGER_UNAVAILABLE", "The ledger can't be read.", "Free some space on the disk, then try again.") : { payments: f.payments, days: f.daySums, next: "more", lookedTo: null, unindexed: 0 };
      case "tags": return f.tags;
      case "set_note": return { ...f.payments[0], note: a.note, tags: a.tags };
      case "payment": return { ...f.detail, payment: f.payments.find((p) => p.id === a.id) ?? f.payments[0] };
      case "summary": return f.summary;
      case "sites": return which === "empty" ? [] : f.sites;
      case "site": return f.siteDetail;
      case "apps": return which === "empty" ? [] : f.apps;
      case "payers": return f.payers;
      case "errand": return { kind: which === "" ? "unlock" : which, ...(["export", "remove"].includes(which) && { account: f.status.accounts.at(-2)?.address.address }) };
      case "reveal_words": return { words: f.newWords.words };
      case "reveal_key": return "4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d21715b23b1d";
      case "save_keystore": return "/home/you/Downloads/countersign-TNPe-2026-11-25T170000Z.json";
      case "restore_words": return { status: f.status, kept: "/home/you/.local/share/countersign/main/vault.2026-11-25T170000Z.json" };
      case "tokens": return f.tokens;
      case "pairings": return which === "empty" ? [] : f.pairings;
      case "inspect": return which === "unknown" ? unknown : inspected;
      case "new_words": return f.newWords;
      case "unlock": return fail("WRONG_PASSPHRASE", "That passphrase does not open this wallet.", "Mind capital letters and the keyboard layout.");
      default: return null;
    }
  },
  { shouldMockEvents: true },
);
await ({ main: () => import("../src/main"), approval: () => import("../src/approval"), vault: () => import("../src/vault") }[screen] ?? (() => import("../src/main")))();
// A page, and a text in the inspector: /dev/?page=inspector
const page = wish.get("page");
if (page) {
  if (page === "inspector") void (await import("../src/lib/inspecting.svelte")).inspecting.read(which || "eyJ4NDAyVmVyc2lvbiI6Mn0=");
  setTimeout(() => document.querySelector<HTMLButtonElement>(`[data-go=${page}]`)?.click(), 300);
}
