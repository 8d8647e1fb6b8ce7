import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Connection, NodeProvider, type Transport, WebSocketTransport } from "../src";
import { decode } from "../src/protocol/messages";
import { NodeProcess, until } from "./node_process";

/** The real way, with a look at what the session does by itself. */
class WatchedTransport implements Transport {
  readonly kind = "websocket";
  readonly name: string;
  connections = 0;
  pings = 0;

  constructor(private readonly way: WebSocketTransport) {
    this.name = way.name;
  }

  connect(...[identity, events]: Parameters<Transport["connect"]>): Connection {
    this.connections++;
    const connection = this.way.connect(identity, events);
    return {
      send: (frame) => {
        if (decode(frame)?.kind === "ask") this.pings++;
        connection.send(frame);
      },
      close: () => connection.close(),
    };
  }
}

const silenceMs = 200;
let node: NodeProcess;
let way: WatchedTransport;
let provider: NodeProvider;
beforeEach(async () => {
  node = await NodeProcess.start();
  way = new WatchedTransport(new WebSocketTransport(node.url));
  provider = new NodeProvider(way, { silenceMs, backoff: { firstMs: 10, mostMs: 50 } });
  await until(() => provider.state.phase === "open");
});
afterEach(async () => {
  vi.unstubAllGlobals();
  provider.close();
  await node.end();
});

it("a hidden page, whose timers come late, keeps a connection on which nothing is said", async () => {
  const { setTimeout: real } = globalThis;
  const late = (callback: () => void, ms = 0) => real(callback, ms >= silenceMs / 2 ? ms + 2_500 : ms);
  vi.stubGlobal("setTimeout", late);
  const { pings } = way;
  // Twice asked whether the node is there, after more silence each time than a visible page would have waited in all.
  await until(() => way.pings >= pings + 2);
  await provider.ping();
  expect(way.connections).toBe(1);
});

it("a node that does not answer when asked is given up", async () => {
  node.freeze();
  await until(() => provider.state.phase === "waiting");
  expect(provider.state.reason?.message).toContain("silent");
  expect(way.pings).toBeGreaterThan(0);
  node.thaw();
  await until(() => provider.state.phase === "open");
});
