import type { Provider } from "@tandem/web";
import { LocalProvider, type ModuleFactory } from "@tandem/web/local";
import type { Report } from "./ways";

const schema =
  "CREATE TABLE IF NOT EXISTS items(id INTEGER PRIMARY KEY, title TEXT NOT NULL, stars INTEGER NOT NULL DEFAULT 0)";

/** A page's own replica: takes over all rows of its hub, is closed, and opened again. */
export async function local(hub: string, rows: number, report: Report): Promise<void> {
  const script = new URL("tandem.mjs", document.baseURI).href;
  const { default: module } = (await import(/* @vite-ignore */ script)) as { default: ModuleFactory };
  const locateFile = (name: string) => new URL(name, document.baseURI).href;
  const open = (peers: string[]) =>
    LocalProvider.open({ database: "bench", module, locateFile, schema, tables: ["items"], peers });
  const replica = open([hub]);
  await replica.ping();
  const begin = performance.now();
  while ((await count(replica)) < rows) await new Promise((resolve) => setTimeout(resolve, 20));
  await report("local rows_per_s", (rows / (performance.now() - begin)) * 1_000);
  await replica.shutDown();
  const reopened = performance.now();
  const again = open([]);
  if ((await count(again)) !== rows) throw new Error("rows are missing after opening again");
  await report("local open_ms", performance.now() - reopened);
  await again.shutDown();
}

async function count(provider: Provider): Promise<number> {
  const { rows } = await provider.query<{ n: number }>("SELECT count(*) AS n FROM items");
  return rows[0]?.n ?? 0;
}
