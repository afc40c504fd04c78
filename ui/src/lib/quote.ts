// Second line of defence for text from outside. The core has made it safe already; if a character that
// hides, reorders or joins still arrives, it is written out here, so that no path shows it raw.

const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/** One line, nothing hidden, at most `max` characters. */
export function quote(text: string, max = 400): string {
  return shorten(text.replace(/[\n\r\t]+/g, " "), max).replace(HIDDEN, written);
}

/** Several lines (a document): line breaks and tabs stay. */
export function quoteLines(text: string, max = 100_000): string {
  return shorten(text, max).replace(HIDDEN, (c) => (c === "\n" || c === "\t" ? c : written(c)));
}

/** The initial in an app's badge: its first letter or digit that can be seen, else a question mark. */
export function initial(name: string): string {
  return name.replace(HIDDEN, "").match(/[\p{L}\p{N}]/u)?.[0] ?? "?";
}

function written(c: string): string {
  return `⟨U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  const characters = [...text];
  return characters.length > max ? characters.slice(0, max).join("") + "…" : text;
}
