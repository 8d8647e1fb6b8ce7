import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The demo's page, which has no packages of its own. */
export default defineConfig({
  root: here("../../demos/web"),
  base: "./",
  build: { outDir: here("../../demos/web/dist"), emptyOutDir: true, target: "es2022" },
  esbuild: { jsx: "automatic" },
  resolve: {
    alias: [
      { find: "@tandem/web/react", replacement: here("src/react/index.ts") },
      { find: "@tandem/web", replacement: here("src/index.ts") },
      { find: /^(react|react-dom)(\/.*)?$/, replacement: `${here("node_modules")}/$1$2` },
    ],
  },
});
