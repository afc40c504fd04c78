// Numbers and times as people read them. Money stays text: amounts are decimal strings, computed on as
// integers, never as floating point.
import type { MoneyView } from "./bindings";

const MONTH = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" });
const MONTH_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const SHORT_TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** "12 March", with the year when it is another one. Empty for what is no time. */
export function day(at: string, now: Date = new Date()): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  return (date.getFullYear() === now.getFullYear() ? MONTH : MONTH_YEAR).format(date);
}

/** "17:42:08", local time. */
export function time(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "" : TIME.format(date);
}

/** "22 November, 17:42". */
export function moment(at: string, now: Date = new Date()): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "" : `${day(at, now)}, ${SHORT_TIME.format(date)}`;
}

/** The local day of a moment, to group rows by: "2026-11-22". */
export function dayKey(at: string | Date): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  const two = (n: number) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Whole seconds from now until then, never negative. */
export function secondsUntil(at: string, now: number): number {
  const then = new Date(at).getTime();
  return Number.isNaN(then) ? 0 : Math.max(0, Math.ceil((then - now) / 1000));
}

/** "4:12", "1:02:07": a clock that runs down. */
export function clock(seconds: number): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const h = Math.floor(seconds / 3600);
  const m = Math.floor((seconds % 3600) / 60);
  return h > 0 ? `${h}:${two(m)}:${two(seconds % 60)}` : `${m}:${two(seconds % 60)}`;
}

/** "in 10 min", "in 45 s", "in 3 h", "in 30 days": how far away an end is, rounded up so that it never looks shorter. */
export function ahead(seconds: number): string {
  if (seconds <= 0) return "now";
  if (seconds < 60) return `in ${seconds} s`;
  if (seconds < 2 * 3600) return `in ${Math.ceil(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `in ${Math.ceil(seconds / 3600)} h`;
  return `in ${Math.ceil(seconds / 86400)} days`;
}

/** Whole units as typed: digits with at most one point. Null for anything else, and for zero. */
export function decimal(text: string): string | null {
  const t = text.trim();
  if (t.length > 60 || !/^\d+(\.\d+)?$/.test(t)) return null;
  return /[1-9]/.test(t) ? t : null;
}

function scaled(text: string): { value: bigint; places: number } | null {
  if (!/^\d+(\.\d+)?$/.test(text)) return null;
  const [whole = "0", fraction = ""] = text.split(".");
  return { value: BigInt(whole + fraction), places: fraction.length };
}

/** Among other money: "USDT", "USDT test". */
export const symbol = (money: MoneyView): string => (money.test ? `${money.symbol} test` : money.symbol);

function unscale(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, "0");
  const whole = digits.slice(0, digits.length - places);
  const fraction = digits.slice(digits.length - places).replace(/0+$/, "");
  return places === 0 ? whole : `${whole}.${fraction.padEnd(2, "0")}`;
}

/** A daily limit worth offering for payments of this size: about eight of them, rounded up to 1, 2 or 5. */
export function suggestedLimit(amount: string): string | null {
  const part = scaled(amount);
  if (!part || part.value === 0n) return null;
  const target = (part.value * 15n) / 2n;
  const digits = target.toString().length;
  for (const step of [1n, 2n, 5n, 10n]) {
    const candidate = step * 10n ** BigInt(digits - 1);
    if (candidate >= target) return unscale(candidate, part.places);
  }
  return null;
}

/** An account's balances worth showing: tokens first, TRX is fuel. What holds nothing is left out while
 * something else does; two deployments of a token may share a symbol. */
export function held(balances: MoneyView[]): MoneyView[] {
  const tokens = balances.filter((m) => m.symbol !== "TRX");
  const some = tokens.filter((m) => m.smallest !== "0");
  return [...(some.length > 0 ? some : tokens.slice(0, 1)), ...balances.filter((m) => m.symbol === "TRX")];
}
