/** What stands chosen of how far an answer reaches: once, a total a day, or limits of one's own. */
export type Reach = "once" | "day" | "other";
