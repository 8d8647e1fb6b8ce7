import { readFileSync } from "node:fs";
import { LocalDatabase, type LocalOptions, LocalProvider, type ModuleFactory } from "../../src/local";

const folder = process.env.TANDEM_WASM ?? "";

/** Loads the compiled node once; what it gives makes options for databases with the table `notes`. */
async function optionsMaker(): Promise<
  (database: string, schema: string, peers: string[], more?: Partial<LocalOptions>) => LocalOptions
> {
  // As an address of its own: the test runner would look for it among the package's files.
  const script = readFileSync(`${folder}/tandem.mjs`).toString("base64");
  const module = (await import(/* @vite-ignore */ `data:text/javascript;base64,${script}`)).default as ModuleFactory;
  const wasmBinary = readFileSync(`${folder}/tandem.wasm`);
  return (database, schema, peers, more = {}) => ({
    database,
    module,
    wasmBinary,
    schema,
    tables: ["notes"],
    peers,
    ...more,
  });
}

export async function localOpener() {
  const options = await optionsMaker();
  return (...given: Parameters<typeof options>): LocalProvider =>
    LocalProvider.open(options(...given), { backoff: { firstMs: 10, mostMs: 100 } });
}

export async function localDatabaseOpener() {
  const options = await optionsMaker();
  return (...given: Parameters<typeof options>): LocalDatabase => LocalDatabase.open(options(...given));
}
