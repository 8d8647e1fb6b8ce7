// A page that keeps the contract of providers, or measures them, over each way that it is told to, and writes into its database what came of it.
import { HttpProvider, type LiveQuery, type Provider, WebSocketProvider, WebViewProvider } from "../../src";
import { randomId } from "../../src/ids";
import { LocalProvider, type ModuleFactory } from "../../src/local";
import { validateBridge } from "../../src/validation";
import { contract, contractSchema } from "../contract/provider_contract";

/** Its own, so that what is told does not depend on the way under test. */
const notebook = new WebSocketProvider(location.origin);

const ways: Record<string, () => Promise<Provider>> = {
  webview: async () => new WebViewProvider(),
  websocket: async () => new WebSocketProvider(location.origin),
  http: async () => new HttpProvider(location.origin),
  local: async () => {
    const script = "/tandem.mjs";
    const { default: module } = (await import(/* @vite-ignore */ script)) as { default: ModuleFactory };
    return LocalProvider.open({
      database: "contract",
      module,
      locateFile: (name) => `/${name}`,
      schema: contractSchema,
      tables: ["notes"],
      peers: [`${location.origin.replace("http", "ws")}/`],
    });
  },
};

function when<R extends object>(live: LiveQuery<R>, condition: (rows: readonly R[]) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!live.snapshot.isReady || !condition(live.snapshot.rows)) return;
      stop();
      live.close();
      resolve();
    };
    const stop = live.subscribe(look);
    look();
  });
}

/** By who started this page, with another program; in this database or at another device. */
async function told(sql: string, isElsewhere: boolean): Promise<void> {
  const id = randomId();
  const done = when(notebook.watch("SELECT 1 FROM outside WHERE id = ? AND is_done", [id]), (rows) => rows.length > 0);
  await notebook.execute("INSERT INTO outside(id, sql, is_elsewhere) VALUES(?, ?, ?)", [id, sql, Number(isElsewhere)]);
  await done;
}

async function keepContract(way: string, opened: Provider, open: () => Promise<Provider>): Promise<void> {
  let provider = opened;
  const outside = (sql: string) => told(sql, false);
  const elsewhere = (sql: string) => told(sql, true);
  const reload = async () => {
    provider.close();
    provider = await open();
    return provider;
  };
  for (const clause of contract) {
    const trouble = await clause.run({ provider, outside, elsewhere, reload }).then(
      () => null,
      (reason: unknown) => String(reason),
    );
    await notebook.execute("INSERT INTO results(way, name, trouble) VALUES(?, ?, ?)", [way, clause.name, trouble]);
  }
}

function opener(way: string): () => Promise<Provider> {
  const open = ways[way];
  if (!open) throw new Error(`there is no way ${way}`);
  return open;
}

async function main(): Promise<void> {
  const { rows } = await notebook.query<{ what: string; ways: string; scale: number }>("SELECT * FROM task");
  const [task] = rows;
  if (!task) throw new Error("there is no task");
  const providers: Record<string, Provider> = {};
  for (const way of task.ways.split(",")) {
    const provider = await opener(way)();
    // One that still compiles its node would hold up the others, on the page's one thread.
    await provider.ping();
    providers[way] = provider;
  }
  if (task.what === "contract")
    for (const [way, provider] of Object.entries(providers)) await keepContract(way, provider, opener(way));
  else {
    const report = await validateBridge(providers, { scale: task.scale });
    await notebook.execute("INSERT INTO reports VALUES(?)", [JSON.stringify(report)]);
  }
}

main().then(
  () => notebook.execute("INSERT INTO ends VALUES(NULL)"),
  (reason: unknown) => notebook.execute("INSERT INTO ends VALUES(?)", [String(reason)]),
);
