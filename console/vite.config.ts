import { defineConfig } from "vite";

export default defineConfig({
  base: "./", // served at / on loopback, and below a path by whoever else serves it
  build: {
    outDir: "../podlab/console/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the page's policy allows files alone
    chunkSizeWarningLimit: 500,
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
