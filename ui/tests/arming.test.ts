import { describe, expect, test } from "vitest";
import { Arming, keyMeaning, touches } from "../src/lib/arming";

const key = (key: string, more: Partial<KeyboardEvent> = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, repeat: false, ...more });

describe("arming", () => {
  test("arms a second after it was shown, and not before", () => {
    const arming = new Arming(1000);
    expect(arming.armed(5000)).toBe(false);
    arming.restart(5000);
    expect([5000, 5999, 6000, 60_000].map((t) => arming.armed(t))).toEqual([false, false, true, true]);
    expect(arming.left(5400)).toBe(600);
  });

  test("focus, change and suspension start the wait again", () => {
    const arming = new Arming(1000);
    arming.restart(0);
    expect(arming.armed(1000)).toBe(true);
    arming.restart(1500);
    expect(arming.armed(2400)).toBe(false);
    arming.suspend();
    expect(arming.armed(9000)).toBe(false);
    expect(arming.left(9000)).toBeNull();
  });

  test("200 trials of clicking ten times a second never reach an armed button", () => {
    for (let trial = 0; trial < 200; trial += 1) {
      const arming = new Arming(1000);
      arming.restart(0);
      // Up to twenty seconds of clicks, at ten a second with some jitter.
      for (let t = trial % 100; t < 20_000; t += 60 + ((trial * 37 + t) % 80)) {
        expect(arming.touched(t), `trial ${trial} at ${t} ms`).toBe(true);
      }
    }
  });

  test("once armed, a touch is an answer and restarts nothing", () => {
    const arming = new Arming(1000);
    arming.restart(0);
    expect(arming.touched(999)).toBe(true);
    expect(arming.touched(1999)).toBe(false);
    expect(arming.armed(1999)).toBe(true);
  });
});

describe("keys", () => {
  test("Enter alone never approves", () => {
    for (const more of [{}, { shiftKey: true }, { altKey: true }, { ctrlKey: true, altKey: true }, { ctrlKey: true, shiftKey: true }]) {
      expect(keyMeaning(key("Enter", more))).not.toBe("approve");
    }
    for (const name of [" ", "y", "Y", "o", "Tab", "a"]) expect(keyMeaning(key(name))).toBe("other");
  });

  test("Ctrl+Enter approves, Esc rejects, held down neither", () => {
    expect(keyMeaning(key("Enter", { ctrlKey: true }))).toBe("approve");
    expect(keyMeaning(key("Enter", { metaKey: true }))).toBe("approve");
    expect(keyMeaning(key("Enter", { ctrlKey: true, repeat: true }))).toBe("inert");
    expect(keyMeaning(key("Escape"))).toBe("reject");
    expect(keyMeaning(key("Escape", { repeat: true }))).toBe("inert");
  });

  test("a modifier alone touches nothing", () => {
    expect(["Control", "Shift", "Alt", "Meta"].some((k) => touches(key(k)))).toBe(false);
    expect(touches(key("x"))).toBe(true);
  });
});
