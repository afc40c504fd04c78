// Where the main window is.
export type Place = { page: "activity" | "sites" | "apps" | "inspector" | "accounts" | "settings" } | { page: "site"; siteKey: string };
export type Go = (to: Place) => void;
