// How the site is called where its whole name stands above already.
import { words } from "../lib/words";

/** Its name, or "this site" where the name would push the answer away. */
export function shortly(site: string): string {
  return site.length > 40 ? words.question.thisSite : site;
}
