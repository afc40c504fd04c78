// Light, dark, or as the system. The choice is remembered by the page itself: it is no secret and no money.
export type Theme = "system" | "light" | "dark";
const KEY = "theme";

export function theme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function setTheme(choice: Theme): void {
  if (choice === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, choice);
  applyTheme();
}

/** Puts the choice on the page, and follows when another window changes it. */
export function applyTheme(): void {
  const choice = theme();
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}

export function followTheme(): void {
  applyTheme();
  addEventListener("storage", applyTheme);
}
