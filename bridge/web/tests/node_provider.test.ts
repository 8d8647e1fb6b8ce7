import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { NodeProvider, SwitchingProvider, WebSocketProvider } from "../src/providers/node_provider";
import { HttpTransport } from "../src/transports/http";
import type { Transport } from "../src/transports/transport";
import { WebSocketTransport } from "../src/transports/websocket";
import { WebViewTransport } from "../src/transports/webview";
import { NodeProcess, until } from "./node_process";

const ways: [string, (url: string) => Transport][] = [
  ["WebSocket", (url) => new WebSocketTransport(url)],
  ["HTTP events", (url) => new HttpTransport(url, { downstream: "events" })],
  ["HTTP pull", (url) => new HttpTransport(url, { downstream: "pull" })],
];

/** What all providers promise is in contract/: here is what becomes of a page whose node dies. */
describe.each(ways)("a node's provider by %s", (_name, way) => {
  let node: NodeProcess;
  let provider: NodeProvider;
  const open = () => new NodeProvider(way(node.url), { backoff: { firstMs: 10, mostMs: 100 } });
  beforeAll(async () => {
    node = await NodeProcess.start();
  });
  afterAll(() => node.end());
  beforeEach(() => {
    node.sqlite("DELETE FROM notes");
    provider = open();
  });
  afterEach(() => provider.close());
  const insert = "INSERT INTO notes(id, title) VALUES(?, ?)";
  const titles = async () =>
    (await provider.query<{ title: string }>("SELECT title FROM notes ORDER BY id")).rows.map((row) => row.title);

  it("goes on when the node was killed, with each write done once", async () => {
    const live = provider.watch<{ title: string }>("SELECT title FROM notes ORDER BY id", [], {});
    await until(() => live.snapshot.isReady);
    const writes: Promise<unknown>[] = [];
    for (let each = 0; each < 60; each++) {
      writes.push(provider.execute(insert, [String(each).padStart(3, "0"), `note ${each}`]));
      if (each % 20 === 10) {
        await writes[each - 5];
        await node.kill();
        await node.run();
      }
    }
    await Promise.all(writes);
    const wanted = Array.from({ length: 60 }, (_, each) => `note ${each}`);
    expect(await titles()).toEqual(wanted);
    await until(() => live.snapshot.rows.length === 60);
    expect(live.snapshot.rows.map((row) => row.title)).toEqual(wanted);
  });

  it("shows a large live result when it is whole, however many parts it came in", async () => {
    const sizes = new Set<number>();
    const rows = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 40000)
      SELECT i, hex(zeroblob(50)) AS text FROM n WHERE i <= 100 * (SELECT count(*) FROM notes) * 400`;
    const live = provider.watch(rows, [], { key: ["i"] });
    live.subscribe(() => sizes.add(live.snapshot.rows.length));
    await until(() => live.snapshot.isReady);
    await provider.execute(insert, ["a", "one"]);
    await until(() => live.snapshot.rows.length === 40_000);
    live.close();
    expect(sizes).toEqual(new Set([0, 40_000]));
  });

  it("leaves nothing open when it is closed", async () => {
    const other = open();
    let hasBegun = false;
    const cut = provider.transaction(
      (within) => {
        hasBegun = true;
        return within.execute(insert, ["a", "one"]).then(() => new Promise(() => {}));
      },
      { limitMs: 30_000 },
    );
    cut.catch(() => {});
    await until(() => hasBegun);
    provider.close();
    await other.execute(insert, ["b", "two"], { deadlineMs: 15_000 });
    other.close();
    provider = open();
    expect(await titles()).toEqual(["two"]);
  });

  it("runs a transaction again that the node's death cut off", async () => {
    let runs = 0;
    await provider.transaction(async (within) => {
      runs++;
      await within.execute(insert, ["a", "one"]);
      if (runs > 1) return;
      await node.kill();
      await node.run();
      await within.execute(insert, ["b", "two"]);
    });
    expect(runs).toBe(2);
    expect(await titles()).toEqual(["one"]);
  });
});

describe("a page without its node", () => {
  it("waits, keeps what was asked, and rejects it when closed", async () => {
    const provider = new WebSocketProvider("ws://127.0.0.1:1/", { backoff: { firstMs: 5, mostMs: 5 } });
    const waiting = provider.query("SELECT 1");
    const brief = provider.query("SELECT 1", [], { deadlineMs: 30 });
    const rejected = expect(waiting).rejects.toMatchObject({ code: "closed" });
    await expect(brief).rejects.toMatchObject({ code: "deadline" });
    await until(() => provider.state.phase === "waiting");
    provider.close();
    await rejected;
    await expect(provider.query("SELECT 1")).rejects.toMatchObject({ code: "closed" });
  });
});

describe("an app around the page that refuses", () => {
  const refusing = (text: string) => {
    const handler = { postMessage: () => Promise.reject(new Error(text)) };
    return new NodeProvider(new WebViewTransport(handler), { backoff: { firstMs: 5, mostMs: 5 } });
  };

  it("is asked no more where that is final, and told apart from one that can't be reached", async () => {
    const denied = refusing("denied: pages of other origins may not use this app's data");
    await expect(denied.ping()).rejects.toMatchObject({ code: "denied" });
    expect(denied.state.phase).toBe("closed");
    for (const [text, code] of [
      ["limit: a WebView has 32 sessions at most; close one", "limit"],
      ["protocol: what was sent before has not come", "network"],
      ["the handler is gone", "network"],
    ] as const) {
      const waiting = refusing(text);
      await until(() => waiting.state.failures >= 2);
      expect(waiting.state.reason?.code).toBe(code);
      waiting.close();
    }
  });
});

describe("switching", () => {
  it("keeps live queries and writes while the way changes", async () => {
    const node = await NodeProcess.start();
    const provider = new SwitchingProvider(new WebSocketTransport(node.url));
    try {
      const live = provider.watch<{ id: string }>("SELECT id FROM notes", [], { key: ["id"] });
      const writes: Promise<unknown>[] = [];
      for (let each = 0; each < 40; each++) {
        writes.push(provider.execute("INSERT INTO notes(id, title) VALUES(?, ?)", [`n${each}`, `t${each}`]));
        if (each === 10) provider.switchTo(new HttpTransport(node.url));
        if (each === 25) provider.switchTo(new WebSocketTransport(node.url));
      }
      await Promise.all(writes);
      await until(() => live.snapshot.rows.length === 40);
      expect(node.sqlite("SELECT count(*) FROM notes")).toBe("40");
      expect(provider.state.transport).toBe("websocket");
    } finally {
      provider.close();
      await node.end();
    }
  });
});
