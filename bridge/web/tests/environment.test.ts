import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AdaptiveProvider, detectEnvironment, type Environment, WebSocketTransport } from "../src";
import { FlakyRoad } from "./flaky_road";
import { NodeProcess, until } from "./node_process";

const works = ({ findings }: Environment) => findings.filter((finding) => finding.works).map(({ kind }) => kind);
const probeMs = 5_000; // All of it is waited for where a way is broken.

describe("the environment", () => {
  let node: NodeProcess;
  let road: FlakyRoad;
  beforeAll(async () => {
    node = await NodeProcess.start([], "CREATE TABLE notes(id INTEGER PRIMARY KEY, title TEXT)");
  });
  afterAll(() => node.end());
  beforeEach(async () => {
    road = await new FlakyRoad(node.port).open();
  });
  afterEach(() => road.close());

  it("is measured, and each choice has its reason", async () => {
    const found = await detectEnvironment({ url: road.url, probeMs });
    expect(found.chosen).toBe("websocket");
    expect(works(found)).toEqual(["websocket", "http"]);
    expect(found.findings.map(({ kind }) => kind)).toEqual(["webview", "websocket", "http", "local"]);
    expect(found.findings.every(({ works, pingMs }) => works === (pingMs !== null))).toBe(true);
    expect(found.reason).toMatch(/does not run in an app's WebView; WebSocket answers in [\d.]+ ms/);
  });

  it("falls back from WebSocket to HTTP to the page's own database", async () => {
    const options = { url: road.url, probeMs, local: () => new WebSocketTransport(node.url) };
    road.allowsWebSockets = false;
    expect((await detectEnvironment(options)).chosen).toBe("http");
    road.allowsAnything = false;
    const alone = await detectEnvironment(options);
    expect(alone.chosen).toBe("local");
    expect(alone.reason).toMatch(/WebSocket: .+; HTTP: .+; the database in this page answers/);
    const without = { url: road.url, probeMs };
    expect((await detectEnvironment(without)).chosen).toBeNull();
  });

  it("takes the way that was asked for, or none", async () => {
    expect((await detectEnvironment({ url: road.url, probeMs, forced: "http" })).chosen).toBe("http");
    expect((await detectEnvironment({ url: road.url, probeMs, forced: "webview" })).chosen).toBeNull();
    await expect(AdaptiveProvider.open({ url: road.url, probeMs, forced: "webview" })).rejects.toMatchObject({
      code: "usage",
    });
  });

  it("says why nothing answers", async () => {
    const found = await detectEnvironment({ url: "ws://127.0.0.1:1/", probeMs });
    expect(found.chosen).toBeNull();
    expect(found.reason).toContain("nothing answered");
    expect(found.findings.every(({ reason }) => reason.length > 10)).toBe(true);
  });

  it("changes while in use: live queries stay, nothing is lost and nothing done twice", async () => {
    const provider = await AdaptiveProvider.open({
      url: road.url,
      probeMs,
      recheckMs: 200,
      backoff: { firstMs: 10, mostMs: 50 },
    });
    try {
      expect(provider.state.transport).toBe("websocket");
      const kinds: unknown[] = [];
      provider.onEnvironment(({ chosen }) => kinds.push(chosen));
      const live = provider.watch<{ id: number }>("SELECT id FROM notes ORDER BY id", [], { key: ["id"] });
      const writes: Promise<unknown>[] = [];
      const rows = 600; // More than a node takes of a page at once.
      for (let i = 0; i < rows; i++) {
        writes.push(provider.execute("INSERT INTO notes(title) VALUES(?)", [`note ${i}`]));
        if (i === rows / 3) {
          road.allowsWebSockets = false;
          road.cut();
          await until(() => provider.state.transport === "http" && provider.state.phase === "open");
        }
        if (i === (2 * rows) / 3) {
          road.allowsWebSockets = true;
          await until(() => provider.state.transport === "websocket" && provider.state.phase === "open");
        }
      }
      const transaction = provider.transaction(async (within) => {
        await within.execute("INSERT INTO notes(title) VALUES('last')");
        return (await within.query<{ n: number }>("SELECT count(*) AS n FROM notes")).rows[0]?.n;
      });
      await Promise.all(writes);
      expect(await transaction).toBe(rows + 1);
      expect(node.sqlite("SELECT count(*), count(DISTINCT title) FROM notes")).toBe(`${rows + 1}|${rows + 1}`);
      await until(() => live.snapshot.rows.length === rows + 1);
      expect(kinds).toContain("http");
      await until(() => kinds.at(-1) === "websocket");
      live.close();
    } finally {
      provider.close();
    }
  });

  it("keeps to a way that was forced while in use, until it is let go", async () => {
    const provider = await AdaptiveProvider.open({ url: road.url, probeMs, recheckMs: 100 });
    try {
      await provider.force("http");
      await until(async () => {
        await provider.recheck();
        return provider.environment.chosen === "http";
      });
      await until(() => provider.state.transport === "http" && provider.state.phase === "open");
      await provider.recheck();
      expect(provider.state.transport).toBe("http");
      await provider.force(null);
      await until(() => provider.state.transport === "websocket" && provider.state.phase === "open");
      await expect(provider.force("local")).rejects.toMatchObject({ code: "usage" });
    } finally {
      provider.close();
    }
  });
});
