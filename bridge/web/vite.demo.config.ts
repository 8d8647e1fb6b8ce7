import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where `tools/build wasm` puts the node that goes on within the page while no other is there; empty: the page has none. */
const wasm = process.env.TANDEM_WASM ?? "";
const tables = readFileSync(here("../../demos/web/schema.sql"), "utf8").replace(/^INSERT .*$/gm, "");

const besideThePage = (folder: string): Plugin => ({
  name: "beside-the-page",
  generateBundle() {
    for (const fileName of ["tandem.mjs", "tandem.wasm"])
      this.emitFile({ type: "asset", fileName, source: readFileSync(`${folder}/${fileName}`) });
  },
});

/** What the service worker of the page keeps. */
const listOfFiles: Plugin = {
  name: "list-of-files",
  generateBundle: {
    order: "post",
    handler(_, bundle) {
      const names = Object.keys(bundle).filter((name) => name !== "index.html");
      this.emitFile({ type: "asset", fileName: "files.json", source: JSON.stringify(names) });
    },
  },
};

/** The demo's page, which has no packages of its own. */
export default defineConfig({
  root: here("../../demos/web"),
  base: "./",
  build: { outDir: here("../../demos/web/dist"), emptyOutDir: true, target: "es2022" },
  esbuild: { jsx: "automatic" },
  define: { __HAS_LOCAL__: JSON.stringify(wasm !== ""), __TABLES__: JSON.stringify(tables) },
  plugins: [...(wasm === "" ? [] : [besideThePage(wasm)]), listOfFiles],
  resolve: {
    alias: [
      { find: "@tandem/web/react", replacement: here("src/react/index.ts") },
      { find: "@tandem/web/local", replacement: here("src/local/index.ts") },
      { find: "@tandem/web", replacement: here("src/index.ts") },
      { find: /^(react|react-dom)(\/.*)?$/, replacement: `${here("node_modules")}/$1$2` },
    ],
  },
});
