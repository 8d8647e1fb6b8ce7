import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Real } from "../src/protocol/values";
import { NodeProvider, SwitchingProvider, WebSocketProvider } from "../src/providers/node_provider";
import { HttpTransport } from "../src/transports/http";
import type { Transport } from "../src/transports/transport";
import { WebSocketTransport } from "../src/transports/websocket";
import { NodeProcess, until } from "./node_process";

const ways: [string, (url: string) => Transport][] = [
  ["WebSocket", (url) => new WebSocketTransport(url)],
  ["HTTP events", (url) => new HttpTransport(url, { downstream: "events" })],
  ["HTTP pull", (url) => new HttpTransport(url, { downstream: "pull" })],
];

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

  it("gives every value back as it was", async () => {
    const values = [
      null,
      -1,
      2 ** 53 - 1,
      2n ** 63n - 1n,
      -(2n ** 63n),
      1.5,
      "a\0é",
      "",
      new Uint8Array([0, 255]),
      new Uint8Array(),
    ];
    const sql = `SELECT ${values.map((_, index) => `? AS c${index}`).join(", ")}, typeof(?) AS real`;
    const { rows, columns } = await provider.query(sql, [...values, new Real(2)]);
    expect(columns.at(-1)).toBe("real");
    expect(Object.values(rows[0] ?? {})).toEqual([...values, "real"]);
  });

  it("brings long results whole, in parts", async () => {
    const { rows } = await provider.query<{ n: number }>(
      "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20000) SELECT n FROM s",
    );
    expect(rows.length).toBe(20_000);
    expect(rows[19_999]).toEqual({ n: 20_000 });
  });

  it("writes all or nothing, with typed errors", async () => {
    const statements = [
      { sql: insert, parameters: ["a", "one"] },
      { sql: insert, parameters: ["b", "one"] },
    ];
    await expect(provider.execute(statements)).rejects.toMatchObject({ code: "constraint" });
    expect(await titles()).toEqual([]);
    await expect(provider.execute("INSERT INTO nowhere VALUES(1)")).rejects.toMatchObject({ code: "sql" });
    await expect(provider.query("SELECT * FROM tandem_log")).rejects.toMatchObject({ name: "TandemError" });
  });

  it("writes once whatever is asked again", async () => {
    const once = `once-${Math.random()}`;
    expect(await provider.execute(insert, ["a", "one"], { once })).toMatchObject({ changes: 1, isRepeat: false });
    expect(await provider.execute(insert, ["a", "one"], { once })).toMatchObject({ changes: 1, isRepeat: true });
    expect(await titles()).toEqual(["one"]);
  });

  it("runs transactions, and rolls back what fails", async () => {
    const count = await provider.transaction(async (within) => {
      await within.execute(insert, ["a", "one"]);
      return (await within.query("SELECT * FROM notes")).rows.length;
    });
    expect(count).toBe(1);
    const failing = provider.transaction(async (within) => {
      await within.execute(insert, ["b", "two"]);
      throw new Error("changed my mind");
    });
    await expect(failing).rejects.toThrow("changed my mind");
    expect(await titles()).toEqual(["one"]);
  });

  it("follows the writes of others live", async () => {
    const live = provider.watch<{ id: string; title: string }>("SELECT id, title FROM notes ORDER BY id", [], {
      key: ["id"],
    });
    await until(() => live.snapshot.isReady);
    expect(live.snapshot.rows).toEqual([]);
    node.sqlite("INSERT INTO notes(id, title) VALUES('a', 'one'), ('b', 'two')");
    await until(() => live.snapshot.rows.length === 2);
    const kept = live.snapshot.rows[0];
    await provider.execute("UPDATE notes SET title = 'three' WHERE id = 'b'");
    await until(() => live.snapshot.rows[1]?.title === "three");
    expect(live.snapshot.rows[0]).toBe(kept);
    live.close();
  });

  it("tells which tables changed", async () => {
    const seen: string[] = [];
    const stop = provider.observe(["notes"], (changes) => seen.push(...changes.tables));
    await provider.ping();
    node.sqlite("INSERT INTO notes(id, title) VALUES('a', 'one')");
    await until(() => seen.includes("notes"));
    stop();
  });

  it("cancels what runs for too long", async () => {
    const endless = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT count(*) FROM s";
    const abort = new AbortController();
    await provider.ping();
    const query = provider.query(endless, [], { signal: abort.signal });
    await Promise.resolve();
    abort.abort();
    await expect(query).rejects.toMatchObject({ code: "cancelled" });
    await expect(provider.query(endless, [], { deadlineMs: 100 })).rejects.toMatchObject({ code: "deadline" });
    expect(await provider.ping()).toBeGreaterThan(0);
  });

  it("answers questions", async () => {
    expect(await provider.status()).toMatchObject({});
    expect(await provider.conflicts()).toEqual([]);
    expect(await provider.tables()).toEqual([
      { name: "notes", key: ["id"], columns: ["id", "title", "stars"], is_tracked: true },
    ]);
    await expect(provider.ask("nonsense")).rejects.toMatchObject({ code: "usage" });
  });

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
