import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The dashboard, which the program carries: three files, whose names never change. */
export default defineConfig({
  root: here("../../monitor/dashboard"),
  base: "./",
  build: {
    outDir: here("../../monitor/dashboard/dist"),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    cssCodeSplit: false,
    rollupOptions: {
      output: { entryFileNames: "app.js", assetFileNames: "app.[ext]", inlineDynamicImports: true },
    },
  },
  resolve: {
    alias: [
      { find: "@tandem/web", replacement: here("src/index.ts") },
      { find: /^uplot(\/.*)?$/, replacement: `${here("node_modules/uplot")}$1` },
    ],
  },
});
