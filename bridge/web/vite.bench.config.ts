import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The pages of tests/bench. */
export default defineConfig({
  root: here("bench"),
  base: "./",
  build: { outDir: here("../../build/bench-page"), emptyOutDir: true, target: "es2022" },
  esbuild: { jsx: "automatic" },
  resolve: {
    alias: [
      { find: "@tandem/web/react", replacement: here("src/react/index.ts") },
      { find: "@tandem/web/local", replacement: here("src/local/index.ts") },
      { find: "@tandem/web", replacement: here("src/index.ts") },
      { find: /^(react|react-dom)(\/.*)?$/, replacement: `${here("node_modules")}/$1$2` },
    ],
  },
});
