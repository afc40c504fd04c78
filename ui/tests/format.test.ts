import { describe, expect, test } from "vitest";
import { ahead, clock, day, dayKey, decimal, moment, secondsUntil, suggestedLimit, symbol, time } from "../src/lib/format";
import { differences, resembles } from "../src/lib/letters";
import { initial } from "../src/lib/quote";

describe("amounts", () => {
  test("only plain decimals are taken as typed, and never zero", () => {
    for (const good of ["1", "2.00", " 0.000001 ", "1000000000000000000000.000000000000000001"]) expect(decimal(good)).toBe(good.trim());
    for (const bad of ["", "0", "0.00", "-1", "+1", "1e3", "1,5", ".5", "1.", "0x10", "1 000", "∞", "١", "9".repeat(61)]) expect(decimal(bad), bad).toBeNull();
  });

  test("play money is told apart where it stands beside money", () => {
    const usdt = { smallest: "1", display: "0.000001", symbol: "USDT", known: true, test: false };
    expect([usdt, { ...usdt, test: true }].map(symbol)).toEqual(["USDT", "USDT test"]);
  });

  test("a suggested limit is a round figure of about eight payments", () => {
    for (const [amount, limit] of [["0.26", "2.00"], ["0.10", "1.00"], ["0.05", "0.50"], ["25.00", "200.00"], ["3", "50"], ["0.000001", "0.00001"]] as const) {
      expect(suggestedLimit(amount), amount).toBe(limit);
    }
    for (const none of ["0.00", "x", ""]) expect(suggestedLimit(none)).toBeNull();
  });
});

describe("times", () => {
  const now = new Date(2026, 10, 22, 12, 0, 0);
  test("days name their year only when it is another one", () => {
    expect(day("2026-03-12T10:00:00Z", now)).toBe("12 March");
    expect(day("2025-03-12T10:00:00Z", now)).toBe("12 March 2025");
    expect(moment(new Date(2026, 10, 22, 9, 5).toISOString(), now)).toBe("22 November, 09:05");
    expect(time(new Date(2026, 10, 22, 17, 42, 8).toISOString())).toBe("17:42:08");
    expect(dayKey(new Date(2026, 0, 2))).toBe("2026-01-02");
    for (const show of [day, time, moment, dayKey]) expect(show("nonsense")).toBe("");
  });

  test("what is left is never rounded down to less than it is", () => {
    expect(secondsUntil(new Date(now.getTime() + 1500).toISOString(), now.getTime())).toBe(2);
    expect(secondsUntil(new Date(now.getTime() - 1).toISOString(), now.getTime())).toBe(0);
    expect(secondsUntil("nonsense", 0)).toBe(0);
    expect([252, 3727, 0].map(clock)).toEqual(["4:12", "1:02:07", "0:00"]);
    expect([0, 45, 61, 7200, 86400 * 30].map(ahead)).toEqual(["now", "in 45 s", "in 2 min", "in 2 h", "in 30 days"]);
  });
});

test("the badge is a letter of the name, or a question mark", () => {
  expect(["fetcher", "  «мир»", "中文", "<script>", "…", "", "\u115fx", "\u3164"].map(initial)).toEqual(["f", "м", "中", "s", "?", "?", "x", "?"]);
});

test("only addresses that resemble each other are worth comparing by letters", () => {
  expect(resembles("TR7NHqjaKQxGTCi8q8ZY4pL8otSzgj1j6t", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")).toBe(true);
  expect(resembles("TK2yRLXyY375F3ECrGpgk3hVjXCZPhYUiM", "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf")).toBe(false);
  expect(resembles("", "")).toBe(false);
});

test("two addresses are compared letter by letter", () => {
  expect(differences("TR7NHqjaKQ1", "TR7NHqjeKQL")).toEqual([
    { text: "TR7NHqj", differs: false },
    { text: "a", differs: true },
    { text: "KQ", differs: false },
    { text: "1", differs: true },
  ]);
  expect(differences("abcd", "ab")).toEqual([{ text: "ab", differs: false }, { text: "cd", differs: true }]);
  expect(differences("", "ab")).toEqual([]);
});
