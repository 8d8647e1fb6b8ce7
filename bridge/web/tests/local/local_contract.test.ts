import "fake-indexeddb/auto";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { LocalProvider } from "../../src/local";
import { contract, contractSchema } from "../contract/provider_contract";
import { NodeProcess } from "../node_process";
import { localOpener } from "./opening";

describe("the contract of providers, by a page's own database", () => {
  let hub: NodeProcess;
  let provider: LocalProvider;
  let open: () => LocalProvider;
  beforeAll(async () => {
    hub = await NodeProcess.start([], contractSchema);
    const opener = await localOpener();
    open = () => opener("contract", contractSchema, [hub.url]);
    provider = open();
  });
  afterAll(async () => {
    await provider?.shutDown();
    await hub?.end();
  });

  // Who writes from outside does so at the hub, and the rows come by sync.
  it.each(contract)(
    "$name",
    (clause) =>
      clause.run({
        provider,
        outside: async (sql) => {
          hub.sqlite(sql);
        },
        reload: async () => {
          // Node.js has no Web Locks, by which the next one would wait.
          await provider.shutDown();
          provider = open();
          return provider;
        },
      }),
    20_000,
  );
});
