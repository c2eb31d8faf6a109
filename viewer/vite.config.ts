import { defineConfig } from "vitest/config";

export default defineConfig({
  // Every address is relative, so that the page works behind any path prefix.
  base: "./",
  build: {
    target: "es2022",
    // A strict Content-Security-Policy allows neither data: addresses nor inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { input: ["index.html", "docs.html"] },
  },
  test: { environment: "node", include: ["tests/**/*.test.ts"], setupFiles: ["tests/english.ts"] },
});
