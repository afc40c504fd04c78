import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default {
  preprocess: vitePreprocess(),
  // Style in files, never in the page: the content security policy forbids inline style.
  compilerOptions: { css: "external", runes: true },
};
