// Invented answers of the core, for the gallery and the component tests. Never part of the product.
import type {
  AddressView, AppView, ChoiceView, DaySumView, DayView, LimitBarView, MoneyView, PairingView, PaymentDetailView, PayerView, PaymentView,
  QuestionView, RuleView, SiteDetailView, SiteView, StatusView, SummaryView, TagView,
} from "../src/lib/bindings";
import { dayKey } from "../src/lib/format";

export function usdt(display: string, known = true): MoneyView {
  const [whole = "0", fraction = ""] = display.split(".");
  return { smallest: BigInt(whole + fraction.padEnd(6, "0")).toString(), display, symbol: "USDT", known, test: false };
}
export const trx = (display: string): MoneyView => ({ smallest: "0", display, symbol: "TRX", known: true, test: false });
export function address(text: string): AddressView {
  const middle = text.slice(6, -6).match(/.{1,4}/g) ?? [];
  return { address: text, groups: [text.slice(0, 6), ...middle, text.slice(-6)] };
}
const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const ahead = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

const PAYEE = address("TSxR4dyhUk2fPq9vNeWb7cGmA3JtLQ8zKe");
const ME = address("TNPeeaaFB7K9cmo4uQpcU32zGK8G1NYqeL");
const USDT = address("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf");
const PERMIT = address("TQr1nSWDLWgmJ3tkbFZANnaFcB5ci7Hvxa");

export const status: StatusView = {
  version: "0.1.0", profile: "main", practice: false, dataDir: "/home/you/.local/share/countersign", empty: false, locked: false,
  autoLockMinutes: 15,
  remembered: { way: "whenAsked", problem: null },
  permit2: [{ name: "first", contract: address("TTJxU3P8rHycAyFY4kVtGNfmnMH4ezcuM9"), chosen: true }], accounts: [{ name: "Everyday", address: ME, kind: "derived", hidden: false, pays: true, balances: [trx("24.1"), usdt("118.48"), usdt("0.00")], balanceFailure: null },
    { name: "From TronLink", address: address("TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC"), kind: "imported", hidden: false, pays: false, balances: [trx("3.0"), usdt("12.00")], balanceFailure: null },
    { name: "Cold storage", address: PAYEE, kind: "watched", hidden: false, pays: false, balances: [trx("0"), usdt("4120.00")], balanceFailure: null }],
  openQuestions: 1, openPairings: 1, port: "127.0.0.1:4020", network: "TRON Nile", ledgerFailure: null, wrongPassphrases: 0, passphraseWait: 0, clock: null, record: null,
};

export const payers: PayerView[] = [{ appId: "a1", appName: "fetcher", siteKey: null, account: "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC", accountName: "From TronLink" }];

const bar = (label: string, spent: string, after: string, limit: string, s: number, a: number): LimitBarView => ({
  label, spent: usdt(spent), after: usdt(after), limit: usdt(limit), left: usdt((Number(limit) - Number(spent)).toFixed(2)),
  frees: { at: "2026-11-23T09:14:00Z", more: usdt("0.25") }, spentPercent: s, afterPercent: a,
});

export const question: QuestionView = {
  id: "q1", digest: "d1", appId: "a1", appName: "fetcher", appSince: "2026-03-12T10:00:00Z", position: 1, queue: 3,
  price: usdt("0.25"), fee: usdt("0.01"), feePercent: 4, maximum: usdt("0.26"), accountName: "Everyday", account: ME,
  before: usdt("118.74"), after: usdt("118.48"), site: "news.example", siteKey: "https://news.example", provenance: "claimed",
  provenanceNote: "fetcher says that it asked news.example; Countersign has not asked it.", method: "GET",
  path: "/articles/8841", siteWords: "Full text of one article", appWords: null, payee: PAYEE,
  payeeNote: "same address 14 times since March", payeeKnown: true,
  recipients: [{ label: "Fee goes to", address: PERMIT, note: "known at this site", known: true }], network: "TRON Nile", testMoney: true, scheme: "exact_permit",
  token: USDT, contract: PERMIT, contractName: "PaymentPermit",
  findings: [
    { code: "priceAboveUsual", weight: "warn", title: "Price went up.", text: "You usually pay 0.10 here; this is 2.5 times that.", compare: null },
    { code: "allKnown", weight: "good", title: "", text: "Known token, known contract, exact amount, energy paid by the facilitator.", compare: null },
  ],
  limits: [bar("news.example, last 24 hours", "0.50", "0.76", "2.00", 25, 38)], allowance: null, expiresAt: ahead(252), validBefore: ahead(600), lifetimeSeconds: null, options: 1, otherPermit2: null,
  armingMs: 1000, danger: null, locked: false, askerGone: null,
  document: '{\n  "x402Version": 2,\n  "accepts": [\n    {\n      "scheme": "exact_permit",\n      "network": "tron:nile",\n      "amount": "250000"\n    }\n  ]\n}',
  typedData: '{\n  "primaryType": "PaymentPermitDetails"\n}',
};

export const firstTime: QuestionView = {
  ...question, id: "q2", digest: "d2", position: 1, queue: 1, appName: "notes-agent", site: "127.0.0.1:4021", siteKey: "http://127.0.0.1:4021",
  path: "/weather/hourly", siteWords: "Hourly weather for one place", appWords: "You asked what to wear tomorrow", recipients: [], fee: null, feePercent: null,
  price: usdt("0.10"), maximum: usdt("0.10"), before: usdt("100.00"), after: usdt("99.90"), payeeNote: "first time", payeeKnown: false, limits: [],
  findings: [
    { code: "payeeFirstSeen", weight: "warn", title: "First payment to this address.", text: "This site was never paid before.", compare: null },
    { code: "allowanceMissing", weight: "note", title: "Allowance missing.", text: "The contract may take 0.00, this needs 0.10.", compare: null },
    { code: "testMoney", weight: "note", title: "Test money.", text: "TRON Nile's tokens are worth nothing.", compare: null },
  ],
  allowance: { spender: PERMIT, spenderName: "PaymentPermit contract", have: usdt("0.00"), exact: usdt("0.10"), cost: trx("12.6"), totals: [usdt("2.00"), usdt("20.00")] },
};

export const several: QuestionView = {
  ...question, id: "q6", digest: "d6", position: 1, queue: 1, fee: null, feePercent: null, price: usdt("0.25"), maximum: usdt("0.25"),
  after: usdt("118.49"), scheme: "exact/permit2", contractName: "x402 exact proxy (Permit2)", options: 4, lifetimeSeconds: 300, limits: [],
  findings: [
    { code: "optionChosen", weight: "note", title: "One of 4 options", text: "This option was taken: cheapest that can settle.", compare: null },
    { code: "allKnown", weight: "good", title: "", text: "Known token, known contract, exact amount, energy paid by the facilitator.", compare: null },
  ],
};

const choice = { taken: false, usable: true, network: "TRON Nile", testMoney: true, fee: null, burns: null, balance: usdt("118.74"), note: null };
export const choices: ChoiceView[] = [
  { ...choice, index: 0, taken: true, scheme: "exact/permit2", maximum: usdt("0.25"), note: "cheapest that can settle" },
  { ...choice, index: 1, scheme: "exact_permit", maximum: usdt("0.27"), fee: usdt("0.02"), burns: trx("8.4") },
  { ...choice, index: 2, usable: false, scheme: "exact/eip3009", maximum: usdt("0.20"), note: "USDT has no transferWithAuthorization (TIP-3009), so this kind of payment can't move it. Take another option, or ask the site to offer Permit2 or exact_permit." },
  { ...choice, index: 3, usable: false, scheme: "upto", network: null, maximum: null, balance: null, note: "scheme upto is not supported" },
];

export const fake: QuestionView = {
  ...question, id: "q3", digest: "d3", position: 1, queue: 1, appName: "unknown-bot", site: "cheap-api.example", siteKey: "https://cheap-api.example",
  price: usdt("25.00", false), maximum: usdt("25.00", false), fee: null, feePercent: null, payeeNote: "first time", payeeKnown: false,
  siteWords: "Cheap API, <b>best</b> price", findings: [],
  danger: {
    title: "This token only calls itself USDT",
    text: "The contract that would be paid is not Tether's on TRON Mainnet. Its name and its 6 decimals are its own claim. Countersign doesn't sign for tokens that it doesn't know.",
    compare: { askedLabel: "Asked for", asked: "TR7NHqjaKQxGTCi8q8ZY4pL8otSzgj1j6t", knownLabel: "Real USDT", known: "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t" },
    also: ["The contract to be trusted is not in the registry.", "The permission would last 30 days."],
  },
};

export const locked: QuestionView = { ...question, id: "q4", digest: "d4", locked: true, position: 1, queue: 1 };

export const verified: QuestionView = {
  ...question, id: "q7", digest: "d7", position: 1, queue: 1, provenance: "verified",
  provenanceNote: "Countersign's own command asked news.example and met this 402.",
};

export const long: QuestionView = {
  ...question, id: "q5", digest: "d5", appName: "a-program-with-quite-a-long-name-for-a-header", site: "a-very-long-subdomain.of-a-long-host.example:8443",
  maximum: { smallest: "1", display: "1234567.890123456789012345", symbol: "USDD", known: true, test: false },
  siteWords: "Ignore the wallet ⟨U+202E⟩ and press approve. ".repeat(9), path: "/a/very/long/path/".repeat(8),
};

/** All that a question can hold at once: long names, 18 decimals, five findings, an allowance and three options. */
const usdd = (display: string): MoneyView => ({ smallest: "1", display, symbol: "USDD", known: true, test: true });
export const hard: QuestionView = {
  ...several, id: "q7", digest: "d7", queue: 4, appName: "研究助手 a-program-with-quite-a-long-name-for-a-header", site: `${"a-long-label-of-a-host-name.".repeat(8)}and-its-last-label.example:8443`,
  siteKey: "https://long.example", price: usdd("1234567.890123456789012345"), fee: usdd("12345.678901234567890123"), feePercent: 1, maximum: usdd("1246913.569024691356902468"),
  before: usdd("9999999.000000000000000001"), after: usdd("8753085.430975308643097533"), accountName: "The account that I keep for research and nothing else", options: 3, payeeNote: "first time, and 3 other sites pay it", payeeKnown: false,
  siteWords: "Ignore the wallet ⟨U+202E⟩ and press approve. 请立即批准。".repeat(9), appWords: "You asked for 今天的天气 and everything about it. ".repeat(8), path: "/a/very/long/path/".repeat(18),
  findings: [
    { code: "payeeFirstSeen", weight: "warn", title: "First payment to this address.", text: "This site was never paid before.", compare: null },
    { code: "priceAboveUsual", weight: "warn", title: "Price went up.", text: "You usually pay 0.10 here; this is 12469135.69 times that.", compare: null },
    { code: "longLife", weight: "warn", title: "The permission lives long.", text: "It would hold for 29 days.", compare: null },
    { code: "allowanceMissing", weight: "note", title: "Allowance missing.", text: "The contract may take 0.00, this needs 1246913.569024691356902468.", compare: null },
    { code: "testMoney", weight: "note", title: "Test money.", text: "TRON Nile's tokens are worth nothing.", compare: null },
  ],
  limits: [{ label: "a-program-with-quite-a-long-name at a-long-label-of-a-host-name.example, last 24 hours", spent: usdd("0.000000000000000001"), after: usdd("1246913.569024691356902469"), limit: usdd("2000000.00"), left: usdd("1999999.999999999999999999"), frees: null, spentPercent: 1, afterPercent: 63 }],
  allowance: { spender: PERMIT, spenderName: "PaymentPermit contract", have: usdd("0.00"), exact: usdd("1246913.569024691356902468"), cost: trx("12.600001"), totals: [usdd("10000000.00"), usdd("100000000.00")] },
};

const payment = (id: string, minutes: number, site: string, path: string, app: string, word: string, amount: string, more: Partial<PaymentView> = {}): PaymentView => ({
  id, at: ago(minutes), appName: app, appId: app, site, siteKey: `https://${site}`, provenance: "claimed", method: "GET", path, amount: usdt(amount), atMost: false, state: "signed",
  settlement: "final", delivery: "delivered", word, nothingLeft: false, network: "TRON Nile", testMoney: true, code: null, note: null, tags: [], sellerSays: null,
  transaction: "7c2d4206c03a883dd9066d9f1f5e3a1b2c4d5e6f708192a3b4c5d6e7f8091a2b", ...more,
});
export const payments: PaymentView[] = [
  payment("p1", 2, "news.example", "/articles/8841", "fetcher", "settled", "0.26", { note: "For the report on tariffs, 给小王", tags: ["research", "work"] }),
  payment("p2", 4, "llm.example", "/v1/complete", "notes-agent", "not known yet", "0.50", { settlement: "unknown", delivery: "notReported", atMost: true, transaction: null }),
  payment("p3", 40, "cheap-api.example", "/search", "unknown-bot", "refused", "25.00", { amount: usdt("25.00", false), state: "refused", settlement: "none", delivery: "notReported", nothingLeft: true, code: "UNKNOWN_TOKEN", transaction: null }),
  payment("p4", 50, "maps.example", "/tiles/7/12/9.png", "You, at the command line", "settled", "1.85", { provenance: "verified" }),
  payment("p5", 90, "weather.example", "/hourly", "curl", "expired, not paid", "0.10", { provenance: "notRecorded", state: "expired", settlement: "none", delivery: "notReported", nothingLeft: true, code: "EXPIRED", transaction: null }),
  payment("p6", 1500, "papers.example", "/2611.0198.pdf", "reader", "settled", "3.00"),
  payment("p7", 1600, "news.example", "/articles/8790", "fetcher", "settled", "0.10"),
  payment("p8", 1700, "news.example", "/articles/8789", "fetcher", "paid, not delivered", "0.10", { delivery: "refusedBySeller" }),
];

/** What the days of these payments come to: more than the page has, and play money by itself. */
export const daySums: DaySumView[] = [...new Set(payments.map((p) => dayKey(p.at)))].map((day, i) => ({
  day, sums: [usdt(i === 0 ? "12.61" : "3.20"), { ...usdt("0.75"), test: true }],
}));

export const detail: PaymentDetailView = {
  payment: payments[0]!, url: "https://news.example/articles/8841", price: usdt("0.25"), fee: usdt("0.01"), maximum: usdt("0.26"), payer: ME, payee: PAYEE, recipients: question.recipients, token: USDT,
  contract: PERMIT, contractName: "PaymentPermit", scheme: "exact_permit", siteWords: "Full text of one article", appWords: null, validBefore: ahead(300),
  steps: [
    { name: "asked", at: ago(3), note: null }, { name: "approved", at: ago(2), note: "by you, in the window" }, { name: "signed", at: ago(2), note: null },
    { name: "settled", at: ago(2), note: "block 61 204 118" }, { name: "final", at: ago(1), note: null }, { name: "delivered", at: ago(2), note: "the seller answered 200" },
  ],
  findings: question.findings, document: question.document, signedPayload: '{ "signature": "0x…" }', block: "61204118",
};

const days: DayView[] = [18, 30, 12, 44, 22, 0, 8, 52, 25, 31, 64, 20, 16, 40, 28, 72, 35, 0, 48, 30, 88, 12, 33, 47, 0, 21, 60, 100, 41, 38].map((percent, i) => ({
  day: new Date(Date.now() - (29 - i) * 86_400_000).toISOString().slice(0, 10), amount: usdt((percent / 20).toFixed(2)), percent,
}));
export const summary: SummaryView = {
  totals: [usdt("41.26"), { smallest: "1", display: "3.5", symbol: "USDD", known: true, test: false }], days,
  sites: [
    { site: "news.example", siteKey: "https://news.example", amount: usdt("12.40"), percent: 62 },
    { site: "maps.example", siteKey: "https://maps.example", amount: usdt("9.75"), percent: 48 },
    { site: "llm.example", siteKey: "https://llm.example", amount: usdt("8.02"), percent: 40 },
  ],
  limits: [
    bar("llm.example, last 24 hours", "1.85", "1.85", "2.00", 93, 93), bar("fetcher, last 30 days", "22.10", "22.10", "40.00", 56, 56),
    bar("news.example, last 24 hours", "0.76", "0.76", "2.00", 38, 38),
  ],
};
const rule: RuleView = {
  appId: "a1", appName: "fetcher", siteKey: "https://news.example", network: "tron:nile", token: USDT.address, symbol: "USDT",
  mode: { kind: "allow", perPayment: "0.50", perDay: "2.00", perMonth: null, covers: "claimedAndVerified" }, bars: [summary.limits[2]!],
};
const site = (name: string, n: number, total: string | null, blocked = false): SiteView => ({
  site: name, siteKey: `https://${name}`, payments: n, totals: total ? [usdt(total)] : [], firstAt: ago(400000), lastAt: ago(n * 30), blocked, hostBlocked: false, permit2: [],
});
export const sites: SiteView[] = [site("news.example", 44, "12.40"), site("maps.example", 9, "9.75"), site("llm.example", 31, "8.02"), site("papers.example", 2, "6.00"), site("cheap-api.example", 1, null, true)];
export const siteDetail: SiteDetailView = {
  site: sites[0]!, rules: [rule, { ...rule, appId: "a2", appName: "notes-agent", mode: { kind: "ask" }, bars: [] }],
  payees: [{ address: PAYEE, times: 14, since: "2026-03-12T10:00:00Z" }], days, payments: { payments: payments.filter((p) => p.site === "news.example"), days: [], next: null, lookedTo: null, unindexed: 0 },
};
export const apps: AppView[] = [
  { id: "a1", name: "fetcher", pairedAt: "2026-03-12T10:00:00Z", lastSeen: ago(2), revoked: false, payments: 44, limits: [{ ...rule, siteKey: null, mode: { kind: "allow", perPayment: null, perDay: "5.00", perMonth: "40.00", covers: "verifiedOnly" }, bars: [summary.limits[1]!] }] },
  { id: "a2", name: "notes-agent", pairedAt: "2026-09-01T10:00:00Z", lastSeen: ago(4), revoked: false, payments: 31, limits: [] },
  { id: "a3", name: "old-bot", pairedAt: "2026-01-05T10:00:00Z", lastSeen: null, revoked: true, payments: 0, limits: [] },
];
export const pairings: PairingView[] = [{ id: "r1", name: "shopping-helper", code: "K7M-4QX", expiresAt: ahead(150) }];
export const newWords = {
  words: "abandon ability able about above absent absorb abstract absurd abuse access accident".split(" "), ask: [3, 7, 12],
};
export const tokens = [{ network: "TRON Nile", token: address("TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"), symbol: "JST", decimals: 18, addedAt: ago(5000) }];
export const tags: TagView[] = [{ name: "research", payments: 12 }, { name: "taxes", payments: 3 }, { name: "work", payments: 40 }];
