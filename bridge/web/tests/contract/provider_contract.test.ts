import { afterAll, beforeAll, describe, it } from "vitest";
import { NodeProvider } from "../../src/providers/node_provider";
import { HttpTransport } from "../../src/transports/http";
import type { Transport } from "../../src/transports/transport";
import { WebSocketTransport } from "../../src/transports/websocket";
import { NodeProcess } from "../node_process";
import { contract, contractSchema } from "./provider_contract";

const ways: [string, (url: string) => Transport][] = [
  ["WebSocket", (url) => new WebSocketTransport(url)],
  ["HTTP events", (url) => new HttpTransport(url, { downstream: "events" })],
  ["HTTP pull", (url) => new HttpTransport(url, { downstream: "pull" })],
];

describe.each(ways)("the contract of providers, by %s", (_name, way) => {
  let node: NodeProcess;
  let device: NodeProcess;
  let provider: NodeProvider;
  const open = () => new NodeProvider(way(node.url));
  beforeAll(async () => {
    node = await NodeProcess.start([], contractSchema);
    device = await NodeProcess.cloneOf(node.url);
    provider = open();
  });
  afterAll(async () => {
    provider.close();
    await device.end();
    await node.end();
  });

  it.each(contract)("$name", (clause) =>
    clause.run({
      provider,
      outside: async (sql) => {
        node.sqlite(sql);
      },
      elsewhere: async (sql) => {
        device.sqlite(sql);
      },
      reload: async () => {
        provider.close();
        provider = open();
        return provider;
      },
    }),
  );
});
