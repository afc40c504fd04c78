/// <reference types="vitest/config" />
// Three pages, one per window: what one window never shows is not in its bundle. `dev/` holds the fixtures
// and is no input of the build, so the product can't contain them.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  clearScreen: false,
  // Vitest would otherwise take Svelte's server build.
  resolve: mode === "test" ? { conditions: ["browser"] } : {},
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    // No data: addresses: the content security policy allows files only.
    assetsInlineLimit: 0,
    rolldownOptions: { input: ["index.html", "approval.html", "vault.html"] },
  },
  test: { environment: "jsdom", include: ["tests/**/*.test.ts"] },
}));
