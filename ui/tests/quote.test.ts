import { expect, test } from "vitest";
import { quote, quoteLines } from "../src/lib/quote";
import { FORBIDDEN, hostile } from "./hostile";

test("there are 300 hostile strings", () => {
  expect(hostile.length).toBe(300);
});

test("nothing that hides, reorders or joins gets through", () => {
  for (const text of hostile) {
    expect(FORBIDDEN.test(quote(text)), JSON.stringify(text)).toBe(false);
    expect(FORBIDDEN.test(quoteLines(text)), JSON.stringify(text)).toBe(false);
  }
});

test("hidden characters are written out, lines become one, length is capped", () => {
  expect(quote("pay \u202e1.0")).toBe("pay ⟨U+202E⟩1.0");
  expect(quote("a\n\tb")).toBe("a b");
  expect(quote("abcdef", 3)).toBe("abc…");
  expect(quoteLines("{\n\t\"a\": 1\r\n}")).toBe("{\n\t\"a\": 1⟨U+000D⟩\n}");
  expect(quote("中文 <b>&amp;")).toBe("中文 <b>&amp;");
});
