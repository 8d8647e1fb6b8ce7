import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The page of `tandem validate`, which the program carries: two files, whose names never change. */
export default defineConfig({
  root: here("ways"),
  base: "./",
  build: {
    outDir: here("../../demos/node/validation/page"),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    rollupOptions: { output: { entryFileNames: "app.js", inlineDynamicImports: true } },
  },
  resolve: {
    alias: [
      { find: "@tandem/web/validation", replacement: here("src/validation/index.ts") },
      { find: "@tandem/web", replacement: here("src/index.ts") },
    ],
  },
});
