import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** The page that keeps the contract and measures wherever it is shown; the folder to build into is given. */
export default defineConfig({
  root: fileURLToPath(new URL("tests/window", import.meta.url)),
  base: "./",
  build: { emptyOutDir: true, target: "es2022", modulePreload: false },
});
