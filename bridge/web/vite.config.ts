import { defineConfig } from "vitest/config";

export default defineConfig({
  build: {
    target: "es2022",
    sourcemap: true,
    lib: {
      entry: { index: "src/index.ts", react: "src/react/index.ts" },
      formats: ["es"],
      cssFileName: "style",
    },
    rollupOptions: { external: ["react", "react/jsx-runtime", "react-dom"] },
  },
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    // Two files would build the demo at once.
    fileParallelism: false,
    testTimeout: 10_000,
  },
});
