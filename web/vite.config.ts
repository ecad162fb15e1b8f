import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const engine = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "../otrade/web/static",
    emptyOutDir: true,
    target: "es2022",
    // The page's policy forbids data: scripts and styles, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    host: "127.0.0.1",
    // The engine answers only to its own name: the proxy speaks to it as its own page would.
    proxy: {
      "/api": { target: engine, changeOrigin: true, ws: true, headers: { origin: engine, "sec-fetch-site": "same-origin" } },
    },
  },
});
