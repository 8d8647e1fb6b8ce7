import "fake-indexeddb/auto";
import { afterAll, beforeAll, describe, it, vi } from "vitest";
import type { LocalProvider } from "../../src/local";
import { contract, contractSchema } from "../contract/provider_contract";
import { NodeProcess } from "../node_process";
import { Locks } from "./locks";
import { localOpener } from "./opening";

describe.each(["by a page's own database", "by that of another tab"])("the contract of providers, %s", (way) => {
  let hub: NodeProcess;
  let provider: LocalProvider;
  let owner: LocalProvider | null = null;
  let open: () => LocalProvider;
  beforeAll(async () => {
    hub = await NodeProcess.start([], contractSchema);
    const opener = await localOpener();
    open = () => opener(way, contractSchema, [hub.url]);
    if (way === "by that of another tab") {
      vi.stubGlobal("navigator", { locks: new Locks() });
      owner = open();
      await owner.ping();
    }
    provider = open();
  });
  afterAll(async () => {
    await provider?.shutDown();
    await owner?.shutDown();
    vi.unstubAllGlobals();
    await hub?.end();
  });

  // Who writes from outside does so at the hub, and the rows come by sync.
  it.each(contract)("$name", (clause) =>
    clause.run({
      provider,
      outside: async (sql) => {
        hub.sqlite(sql);
      },
      elsewhere: async (sql) => {
        hub.sqlite(sql);
      },
      reload: async () => {
        // Node.js has no Web Locks, by which the next one would wait.
        await provider.shutDown();
        provider = open();
        return provider;
      },
    }),
  );
});
