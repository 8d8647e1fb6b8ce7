import { type Plugin, transformWithEsbuild } from "vite";
import { defineConfig } from "vitest/config";

/** Vite leaves what is for people in a library's code; pages may load the package as it is. */
const minify: Plugin = {
  name: "minify",
  apply: "build",
  renderChunk: {
    order: "post",
    handler: (code, { fileName }) =>
      transformWithEsbuild(code, fileName, { minify: true, format: "esm", target: "es2022", sourcemap: true }),
  },
};

export default defineConfig({
  plugins: [minify],
  build: {
    target: "es2022",
    sourcemap: true,
    lib: {
      entry: {
        index: "src/index.ts",
        local: "src/local/index.ts",
        react: "src/react/index.ts",
        validation: "src/validation/index.ts",
      },
      formats: ["es"],
      cssFileName: "style",
    },
    rollupOptions: { external: ["react", "react/jsx-runtime", "react-dom"] },
  },
  test: {
    // Those of pages with a database of their own need the compiled node (tools/build wasm).
    include: process.env.TANDEM_WASM
      ? ["tests/local/*.test.ts"]
      : ["tests/*.test.{ts,tsx}", "tests/contract/*.test.ts"],
    reporters: process.env.TANDEM_WEB_REPORT
      ? ["default", ["junit", { outputFile: process.env.TANDEM_WEB_REPORT }]]
      : ["default"],
    setupFiles: ["tests/setup.ts"],
    // Two files would build the demo at once.
    fileParallelism: false,
    // For what hangs: what is waited for has deadlines of its own.
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
