import { readFileSync } from "node:fs";
import { LocalProvider, type ModuleFactory } from "../../src/local";

const folder = process.env.TANDEM_WASM ?? "";

/** Loads the compiled node once; what it gives opens databases with the table `notes`. */
export async function localOpener(): Promise<
  (database: string, schema: string, peers: string[], token?: string) => LocalProvider
> {
  // As an address of its own: the test runner would look for it among the package's files.
  const script = readFileSync(`${folder}/tandem.mjs`).toString("base64");
  const module = (await import(/* @vite-ignore */ `data:text/javascript;base64,${script}`)).default as ModuleFactory;
  const wasmBinary = readFileSync(`${folder}/tandem.wasm`);
  return (database, schema, peers, token = "") =>
    LocalProvider.open(
      { database, module, wasmBinary, schema, tables: ["notes"], peers, token },
      { backoff: { firstMs: 10, mostMs: 100 } },
    );
}
