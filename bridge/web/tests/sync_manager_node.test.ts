import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { type Provider, type Statement, SyncManager, TandemError } from "../src";
import { FlakyRoad } from "./flaky_road";
import { NodeProcess, until } from "./node_process";
import { NotesNode } from "./notes_node";

describe("the sync manager and the node it sends to", () => {
  const notes = new NotesNode();

  it("does not send to another node what was perhaps done by the one before", async () => {
    const other = await NodeProcess.start([], "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, title TEXT, size)");
    try {
      const first = await notes.open();
      await first.manager.saved(await first.manager.write("INSERT INTO notes VALUES('a', 'first', 0)"));
      notes.node.freeze(); // It hears the next write and does not come to answer.
      const doubtful = await first.manager.write("UPDATE notes SET size = size + 1");
      first.manager.pause();
      await first.manager.write("UPDATE notes SET title = 'second'");
      first.close();
      other.sqlite("INSERT INTO notes VALUES('a', 'first', 0)");
      const second = await notes.open(other.url);
      await second.manager.resume();
      await until(() => other.sqlite("SELECT title FROM notes") === "second");
      expect(other.sqlite("SELECT size FROM notes")).toBe("0");
      await until(() => second.manager.state.writes.every(({ state }) => state === "refused"));
      expect(second.manager.state.writes).toMatchObject([{ once: doubtful, refusal: { code: "network" } }]);
      // What this page makes from now on was never elsewhere; and a person may say that the other was not either.
      await second.manager.saved(await second.manager.write("UPDATE notes SET title = 'third'"));
      await second.manager.retry(doubtful);
      await second.manager.saved(doubtful);
      expect(other.sqlite("SELECT size FROM notes")).toBe("1");
    } finally {
      notes.node.thaw();
      await other.end();
    }
  });

  it("drops what was perhaps done elsewhere if what was typed since takes its place", async () => {
    const other = await NodeProcess.start([], "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, title TEXT, size)");
    try {
      const first = await notes.open();
      await first.manager.saved(await first.manager.write("INSERT INTO notes VALUES('a', '', 0)"));
      other.sqlite("INSERT INTO notes VALUES('a', '', 0)");
      notes.node.freeze();
      for (const text of ["t", "ty", "typ"])
        await first.manager.write("UPDATE notes SET title = ? WHERE id = 'a'", [text], { replaces: "a.title" });
      expect(first.manager.state.writes.map(({ state }) => state)).toEqual(["sending", "waiting"]);
      first.close();
      const second = await notes.open(other.url);
      await until(() => second.manager.state.writes.length === 0);
      expect(other.sqlite("SELECT title FROM notes")).toBe("typ");
    } finally {
      notes.node.thaw();
      await other.end();
    }
  });

  it("asks a node that is busy again in a while, and lets nothing overtake", async () => {
    const { provider, manager } = await notes.open();
    const failures: string[] = [];
    const busy: Provider = Object.create(provider, {
      state: { get: () => provider.state },
      execute: {
        value: (...[what, parameters, options]: Parameters<Provider["execute"]>) => {
          // Only the first is impatient; the others could wait for the lock, and must not.
          const isFirst = (what as readonly Statement[])[0]?.sql.startsWith("INSERT");
          const given = provider.execute(
            what,
            parameters,
            isFirst && isLocked ? { ...options, deadlineMs: 50 } : options,
          );
          given.catch((reason) => failures.push(reason.code));
          return given.catch((reason) => Promise.reject(new TandemError(reason.code, reason.message)));
        },
      },
    });
    manager.close();
    const unlock = await notes.node.lock();
    let isLocked = true;
    const impatient = await SyncManager.open(busy, {
      name: `${notes.name} busy`,
      backoff: { firstMs: 20, mostMs: 40 },
    });
    try {
      await impatient.write("INSERT INTO notes VALUES('a', 'first', 0)");
      const writes = ["second", "third", "fourth"].map((text) =>
        impatient.write("UPDATE notes SET title = title || ? WHERE id = 'a'", [` ${text}`]),
      );
      await until(() => failures.length >= 8);
      isLocked = false;
      await unlock();
      for (const once of await Promise.all(writes)) await impatient.saved(once);
      expect(notes.titles()).toBe("first second third fourth");
      for (const code of failures) expect(["deadline", "cancelled"]).toContain(code);
    } finally {
      await unlock();
      impatient.close();
    }
  });

  it("sends a backlog in a few trips, each write on its own", async () => {
    const road = await new FlakyRoad(notes.node.port).open();
    road.latencyMs = 20;
    try {
      await notes.node.kill();
      const before = await notes.open();
      for (let i = 0; i < 200; i++)
        await before.manager.write("INSERT INTO notes VALUES(?, ?, ?)", [`k${i}`, i === 150 ? "t7" : `t${i}`, i]);
      before.close();
      await notes.node.run();
      const tab = await notes.open(road.url);
      let together = 0;
      tab.manager.subscribe(() => {
        const underWay = tab.manager.state.writes.filter(({ state }) => state === "sending").length;
        together = Math.max(together, underWay);
      });
      await until(() => tab.manager.state.writes.every(({ state }) => state === "refused"));
      expect(together).toBe(64);
      expect(
        notes.node.sqlite("SELECT count(*), group_concat(size) FROM (SELECT size FROM notes ORDER BY rowid)"),
      ).toBe(`199|${[...Array(200).keys()].filter((i) => i !== 150).join(",")}`);
      expect(tab.manager.state.writes).toMatchObject([{ refusal: { code: "constraint" } }]);
    } finally {
      await road.close();
    }
  });
});
