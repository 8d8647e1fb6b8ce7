import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type NodeProvider, type TandemError, WebSocketProvider } from "../src";
import { QueryRequest } from "../src/providers/requests";
import { FlakyRoad } from "./flaky_road";
import { NodeProcess, until } from "./node_process";

const backoff = { firstMs: 10, mostMs: 50 };
const insert = "INSERT INTO notes(id, title) VALUES(?, ?)";

/** What becomes of requests when something goes wrong around them. */
describe("a page's requests", () => {
  let node: NodeProcess;
  let road: FlakyRoad;
  let provider: NodeProvider;
  beforeAll(async () => {
    node = await NodeProcess.start();
  });
  afterAll(() => node.end());
  beforeEach(async () => {
    node.sqlite("DELETE FROM notes");
    road = await new FlakyRoad(node.port).open();
    provider = new WebSocketProvider(road.url, { backoff });
    await provider.ping();
  });
  afterEach(async () => {
    provider.close();
    vi.unstubAllGlobals();
    await road.close();
  });
  const count = () => node.sqlite("SELECT count(*) FROM notes");
  const goAway = async () => {
    road.allowsAnything = false;
    road.cut();
    await until(() => provider.state.phase === "waiting");
  };

  it("leave a few at a time, in order, however many wait for the node", async () => {
    await goAway();
    const patient = { deadlineMs: 60_000 };
    const writes = [provider.execute(insert, ["a", "0"], patient)];
    for (let each = 1; each <= 300; each++)
      writes.push(provider.execute("UPDATE notes SET title = ? WHERE title = ?", [`${each}`, `${each - 1}`], patient));
    const queries = Array.from({ length: 100 }, () => provider.query("SELECT 1"));
    const unlock = await node.lock();
    road.allowsAnything = true;
    await Promise.all(queries);
    await unlock();
    await Promise.all(writes);
    expect(node.sqlite("SELECT title FROM notes")).toBe("300");
  });

  it("go on within a transaction that more writes wait for than may leave at once", async () => {
    let hasBegun = false;
    let goOn = () => {};
    const transaction = provider.transaction(async (within) => {
      hasBegun = true;
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      await Promise.all(Array.from({ length: 50 }, (_, each) => within.execute(insert, [`w${each}`, `w${each}`])));
    });
    await until(() => hasBegun);
    const writes = Array.from({ length: 300 }, (_, each) => provider.execute(insert, [`n${each}`, `n${each}`]));
    goOn();
    await transaction;
    await Promise.all(writes);
    expect(count()).toBe("350");
  });

  it("are not tried after one that came to no decision, also where they had to wait to be sent", async () => {
    const unlock = await node.lock();
    const writes: Promise<unknown>[] = [];
    for (let each = 0; each < 300; each++) {
      const after = each === 0 ? {} : { after: `chain ${each - 1}` };
      writes.push(provider.execute(insert, [`${each}`, `${each}`], { once: `chain ${each}`, ...after }));
    }
    const codes = await Promise.all(
      writes.map((write) =>
        write.then(
          () => "done",
          ({ code }) => code,
        ),
      ),
    );
    await unlock();
    expect(new Set(codes).size).toBe(1);
    expect(codes[0]).not.toBe("done");
    expect(count()).toBe("0");
  });

  it("that change something and have no name are not repeated", async () => {
    node.freeze();
    const undone = expect(provider.undo("nonsense")).rejects.toMatchObject({ code: "network", isOutcomeUnknown: true });
    const told = provider.status();
    road.cut();
    await undone;
    node.thaw();
    expect(await told).toHaveProperty("head");
    await goAway();
    const later = expect(provider.undo("nonsense")).rejects.toMatchObject({ code: "not_found" });
    road.allowsAnything = true;
    await later;
  });

  it("know whether they may have been done when they are given up", async () => {
    node.freeze();
    const sent = provider.execute(insert, ["sent", "sent"], { deadlineMs: 100 }); // It may be done later.
    await expect(sent).rejects.toMatchObject({ code: "deadline", isOutcomeUnknown: true });
    node.thaw();
    await goAway();
    const unsent = provider.execute(insert, ["b", "two"], { deadlineMs: 100 });
    await expect(unsent).rejects.toMatchObject({ code: "deadline", isOutcomeUnknown: false });
  });

  it("in a transaction end in its time, though the node is away", async () => {
    const late = provider.transaction(
      async (within) => {
        await within.execute(insert, ["a", "one"]);
        await goAway();
        await new Promise(() => {});
      },
      { deadlineMs: 4_000 },
    );
    await expect(late).rejects.toMatchObject({ code: "deadline" });
    await goAway();
    const beginning = provider.transaction(async () => {}, { deadlineMs: 50 });
    await expect(beginning).rejects.toMatchObject({ code: "deadline", isOutcomeUnknown: false });
    road.allowsAnything = true;
    await provider.ping();
    const abort = new AbortController();
    const cancelled = provider.transaction(
      async (within) => {
        await within.execute(insert, ["a", "one"]);
        node.freeze();
        setTimeout(() => abort.abort(), 20);
      },
      { signal: abort.signal },
    );
    await expect(cancelled).rejects.toMatchObject({ code: "cancelled", isOutcomeUnknown: true });
    node.thaw();
  });

  it("in a transaction fail with their own reason at once, though the node is away", async () => {
    const failing = provider.transaction(async (within) => {
      await within.execute(insert, ["a", "one"]);
      await goAway();
      throw new Error("changed my mind");
    });
    await expect(failing).rejects.toThrow("changed my mind");
    road.allowsAnything = true;
    await provider.execute(insert, ["b", "two"]);
    expect(node.sqlite("SELECT id FROM notes")).toBe("b");
  });

  it("do not suffer from listeners that throw", async () => {
    const reported: unknown[] = [];
    vi.stubGlobal("reportError", (reason: unknown) => reported.push(reason));
    const fail = () => {
      throw new Error("of the page's own");
    };
    provider.onState(fail);
    const live = provider.watch<{ id: string }>("SELECT id FROM notes", [], { key: ["id"] });
    live.subscribe(fail);
    let heard = 0;
    live.subscribe(() => heard++);
    const changed: unknown[] = [];
    provider.observe(["notes"], fail);
    provider.observe(["notes"], (changes) => changed.push(changes));
    await until(() => live.snapshot.isReady);
    await goAway();
    const waiting = provider.execute(insert, ["a", "one"]);
    road.allowsAnything = true;
    await waiting;
    await provider.execute(insert, ["b", "two"]);
    await until(() => live.snapshot.rows.length === 2 && changed.length >= 2);
    expect(live.snapshot.error).toBeNull();
    expect(heard).toBeGreaterThanOrEqual(2);
    expect(reported.length).toBeGreaterThan(4);
    expect(String(reported[0])).toContain("of the page's own");
  });

  it("to observe tell their failures, and never throw", async () => {
    provider.close();
    const failures: TandemError[] = [];
    provider.observe(
      ["notes"],
      () => {},
      (reason) => failures.push(reason),
    )();
    await until(() => failures.length === 1);
    expect(failures[0]?.code).toBe("closed");
  });

  it("do not take a result that lacks a part for a whole one", async () => {
    const request = new QueryRequest("SELECT 1", [], 0, 0, () => {});
    const part = { kind: "rows", id: 1, columns: ["n"], count: 1, values: [1] } as const;
    expect(request.take({ ...part, number: 0, isLast: false }, 1)).toBe(false);
    expect(() => request.take({ ...part, number: 2, isLast: true }, 1)).toThrow(/part 2 .* instead of part 1/);
  });
});

describe("a live query", () => {
  let node: NodeProcess;
  let road: FlakyRoad;
  let provider: NodeProvider;
  beforeAll(async () => {
    node = await NodeProcess.start();
    road = await new FlakyRoad(node.port).open();
  });
  afterAll(async () => {
    await road.close();
    await node.end();
  });
  beforeEach(() => {
    provider = new WebSocketProvider(road.url, { backoff });
  });
  afterEach(() => provider.close());

  it("comes back when its table is there, by itself or with the next connection", async () => {
    const live = provider.watch("SELECT * FROM later");
    await until(() => live.snapshot.error?.code === "sql");
    // That it comes back by itself is out of the question for this one.
    const { setTimeout: real } = globalThis;
    vi.stubGlobal("setTimeout", (step: () => void, ms = 0) => real(step, ms >= 2_000 ? 120_000 : ms));
    const other = provider.watch("SELECT * FROM latest");
    await until(() => other.snapshot.error?.code === "sql");
    vi.unstubAllGlobals();
    node.sqlite("CREATE TABLE later(id INTEGER PRIMARY KEY); INSERT INTO later VALUES(7)");
    await until(() => live.snapshot.rows.length === 1);
    expect(live.snapshot).toMatchObject({ rows: [{ id: 7 }], isReady: true, error: null });
    expect(other.snapshot.error?.code).toBe("sql");
    node.sqlite("CREATE TABLE latest(id INTEGER PRIMARY KEY)");
    road.cut();
    await until(() => other.snapshot.isReady);
    expect(other.snapshot.error).toBeNull();
  });

  it("comes back after it took too long once, and keeps what it had", async () => {
    await provider.execute("INSERT INTO notes(id, title, stars) VALUES('steps', '', 10)");
    const steps =
      "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ?) SELECT count(*) AS n FROM s";
    const sql = steps.replace("?", "(SELECT stars FROM notes)");
    const live = provider.watch<{ n: number }>(sql, [], { deadlineMs: 200 });
    await until(() => live.snapshot.rows[0]?.n === 10);
    node.sqlite("UPDATE notes SET stars = 1000000000");
    await until(() => live.snapshot.error !== null);
    expect(live.snapshot).toMatchObject({ rows: [{ n: 10 }], error: { code: "deadline" } });
    node.sqlite("UPDATE notes SET stars = 20");
    await until(() => live.snapshot.rows[0]?.n === 20);
    expect(live.snapshot.error).toBeNull();
  });

  it("that rests is over when the provider is closed", async () => {
    const live = provider.watch("SELECT * FROM never");
    await until(() => live.snapshot.error?.code === "sql");
    provider.close();
    expect(live.snapshot.error?.code).toBe("closed");
  });
});
