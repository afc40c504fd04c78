// Two addresses side by side: which letters differ.

export interface Letters {
  text: string;
  differs: boolean;
}

/** Whether two texts resemble each other at all: only then does comparing letters show anything. */
export function resembles(asked: string, known: string): boolean {
  const same = [...asked].filter((c, i) => c === known[i]).length;
  return same * 2 > known.length;
}

/** `asked` cut into runs that equal or differ from `known`, position by position. */
export function differences(asked: string, known: string): Letters[] {
  const runs: Letters[] = [];
  for (const [i, c] of [...asked].entries()) {
    const differs = c !== known[i];
    const last = runs.at(-1);
    if (last && last.differs === differs) last.text += c;
    else runs.push({ text: c, differs });
  }
  return runs;
}
