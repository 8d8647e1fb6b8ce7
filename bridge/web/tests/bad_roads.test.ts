import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  AdaptiveProvider,
  detectEnvironment,
  HttpProvider,
  HttpTransport,
  NodeProvider,
  WebSocketProvider,
} from "../src";
import { FlakyRoad } from "./flaky_road";
import { NodeProcess, until } from "./node_process";

const large = "SELECT zeroblob(1000000) AS body";
const backoff = { firstMs: 10, mostMs: 50 };

/** Networks that let a connection come about, and then not do its work. */
describe("on a bad road", () => {
  let node: NodeProcess;
  let road: FlakyRoad;
  beforeAll(async () => {
    node = await NodeProcess.start();
  });
  afterAll(() => node.end());
  beforeEach(async () => {
    road = await new FlakyRoad(node.port).open();
  });
  afterEach(() => road.close());

  it("HTTP goes on by long polling where streams are held back, and need not find that out twice", async () => {
    road.holdsStreamsBack = true;
    const provider = new HttpProvider(road.url, { connectMs: 12_000, backoff });
    try {
      expect((await provider.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
      expect(provider.state.failures).toBe(0);
      expect(road.streams).toBe(1);
    } finally {
      provider.close();
    }
    const next = new HttpProvider(road.url, { connectMs: 12_000, backoff });
    try {
      await next.ping();
      expect(road.streams).toBe(1);
    } finally {
      next.close();
    }
  });

  it("HTTP is found within a probe's time though streams are held back", async () => {
    road.holdsStreamsBack = true;
    road.allowsWebSockets = false;
    expect((await detectEnvironment({ url: road.url, probeMs: 12_000 })).chosen).toBe("http");
  });

  it("HTTP streams go on where they broke, however long they had lasted", async () => {
    const provider = new NodeProvider(new HttpTransport(road.url, { downstream: "events" }), { backoff });
    const now = Date.now.bind(Date);
    try {
      await provider.ping();
      const phases: string[] = [];
      provider.onState(({ phase }) => phases.push(phase));
      vi.spyOn(Date, "now").mockImplementation(() => now() + 60_000);
      road.cut();
      await until(() => road.streams === 2);
      await provider.ping();
      expect(phases).toEqual([]);
    } finally {
      vi.restoreAllMocks();
      provider.close();
    }
  });

  it("counts connections that open and die as failures, and tries later and later", async () => {
    road.webSocketBytesMax = 100_000;
    const waits: number[] = [];
    const random = () => {
      waits.push(Date.now());
      return 1;
    };
    const provider = new WebSocketProvider(road.url, {
      backoff: { firstMs: 10, mostMs: 10_000, random },
      steadyMs: 8_000,
    });
    try {
      const result = provider.query<{ body: Uint8Array }>(large);
      await until(() => provider.state.failures === 5);
      expect((waits[4] ?? 0) - (waits[3] ?? 0)).toBeGreaterThan(70);
      road.webSocketBytesMax = Number.POSITIVE_INFINITY;
      expect((await result).rows[0]?.body.length).toBe(1_000_000);
      await until(() => provider.state.failures === 0);
      expect(provider.state.phase).toBe("open");
    } finally {
      provider.close();
    }
  });

  it("leaves WebSockets that die under what the page does for HTTP, and does not come back at once", async () => {
    road.webSocketBytesMax = 100_000;
    const provider = await AdaptiveProvider.open({ url: road.url, probeMs: 8_000, recheckMs: 200, backoff });
    try {
      expect(provider.state.transport).toBe("websocket");
      const live = provider.watch<{ body: Uint8Array }>(large);
      await until(() => provider.state.transport === "http" && live.snapshot.isReady);
      expect(live.snapshot.rows[0]?.body.length).toBe(1_000_000);
      await until(() => provider.environment.reason.includes("breaks under"));
      // It is given another chance, and then a longer rest than before.
      await until(() => provider.state.transport === "websocket");
      await until(() => provider.state.transport === "http" && provider.state.phase === "open");
      const { webSockets } = road;
      road.webSocketBytesMax = Number.POSITIVE_INFINITY;
      await until(() => provider.state.transport === "websocket" && provider.state.phase === "open");
      expect(road.webSockets).toBeLessThan(webSockets + 5);
    } finally {
      provider.close();
    }
  });
});
