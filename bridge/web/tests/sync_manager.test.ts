import "fake-indexeddb/auto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Provider, Real, type Statement, SyncManager, TandemError, withPending } from "../src";
import { FlakyRoad } from "./flaky_road";
import { NodeProcess, until } from "./node_process";
import { Locks, Tab } from "./sync_tab";

let names = 0;

describe("the sync manager", () => {
  let node: NodeProcess;
  let name: string;
  const tabs: Tab[] = [];
  const open = async () => {
    const tab = await Tab.open(node.url, name);
    tabs.push(tab);
    return tab;
  };
  beforeAll(async () => {
    node = await NodeProcess.start(
      [],
      "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, title TEXT, size, UNIQUE(title))",
    );
  });
  afterAll(() => node.end());
  beforeEach(() => {
    name = `test ${++names}`;
    node.sqlite("DELETE FROM notes");
  });
  afterEach(async () => {
    for (const tab of tabs.splice(0)) tab.close();
    vi.unstubAllGlobals();
    if (
      !(await fetch(`http://127.0.0.1:${node.port}/`).then(
        () => true,
        () => false,
      ))
    )
      await node.run();
  });
  const titles = () => node.sqlite("SELECT group_concat(title, ' ') FROM (SELECT title FROM notes ORDER BY id)");

  it("says that a write is saved when the node has it", async () => {
    const { manager } = await open();
    const once = await manager.write("INSERT INTO notes VALUES(?, ?, ?)", ["a", "one", new Real(2)]);
    await manager.saved(once);
    expect(node.sqlite("SELECT title, typeof(size) FROM notes")).toBe("one|real");
    expect(manager.state).toMatchObject({ writes: [], leads: true, whyNotDurable: null });
  });

  it("keeps what was written without a node over a reload, in order, and does it once", async () => {
    await node.kill();
    const before = await open();
    for (let i = 0; i < 40; i++)
      await before.manager.write("INSERT INTO notes VALUES(?, ?, ?)", [
        `k${String(i).padStart(2, "0")}`,
        `t${i}`,
        new Real(i),
      ]);
    await before.manager.write("UPDATE notes SET title = title || '!' WHERE id = 'k07'");
    before.close();
    const after = await open();
    expect(after.manager.state.writes).toHaveLength(41);
    await node.run();
    await until(() => after.manager.state.writes.length === 0);
    expect(node.sqlite("SELECT count(*), max(typeof(size)), max(size) FROM notes")).toBe("40|real|39.0");
    expect(node.sqlite("SELECT title FROM notes WHERE id = 'k07'")).toBe("t7!");
  });

  it("loses nothing that was saved and doubles nothing, though node and page die in the middle", async () => {
    let tab = await open();
    const saved: string[] = [];
    for (let i = 0; i < 120; i++) {
      const id = `w${i}`;
      const { manager } = tab;
      const once = await manager.write("INSERT INTO notes(id, title, size) VALUES(?, ?, 1)", [id, id]);
      void manager.saved(once).then(
        () => saved.push(id),
        () => {},
      );
      if (i === 40) {
        await until(() => saved.length > 0);
        await node.kill();
        const kept = new Set(node.sqlite("SELECT id FROM notes").split("\n"));
        expect(saved.filter((each) => !kept.has(each))).toEqual([]);
      }
      if (i === 60) await node.run();
      if (i === 80) {
        tab.close();
        tab = await open();
      }
    }
    await until(() => tab.manager.state.writes.length === 0);
    const there = new Set(node.sqlite("SELECT id FROM notes").split("\n"));
    expect(there.size).toBe(120);
    expect(node.sqlite("SELECT count(*) FROM notes")).toBe("120");
    expect(saved.filter((id) => !there.has(id))).toEqual([]);
  });

  it("shows a write at once, and no more when the node refuses it, with the reason", async () => {
    node.sqlite("INSERT INTO notes VALUES('a', 'taken', 1), ('b', 'free', 1)");
    const { manager } = await open();
    const rows = [
      { id: "a", title: "taken" },
      { id: "b", title: "free" },
    ];
    const shown = () => withPending(rows, manager.state.writes, "notes", ["id"]);
    manager.pause();
    const overlay = { table: "notes", kind: "update", values: { id: "b", title: "taken" } } as const;
    const once = await manager.write("UPDATE notes SET title = 'taken' WHERE id = 'b'", [], { overlay });
    const good = await manager.write("INSERT INTO notes VALUES('c', 'new', 1)", [], {
      overlay: { table: "notes", kind: "insert", values: { id: "c", title: "new" } },
    });
    expect(shown()).toEqual([rows[0], { id: "b", title: "taken" }, { id: "c", title: "new" }]);
    expect(shown()[0]).toBe(rows[0]);
    manager.resume();
    await expect(manager.saved(once)).rejects.toMatchObject({ code: "constraint" });
    await manager.saved(good);
    expect(shown()[1]).toEqual({ id: "b", title: "free" });
    const [refused] = manager.state.writes.filter(({ state }) => state === "refused");
    expect(refused?.refusal?.text).toContain("UNIQUE");
    expect(titles()).toBe("taken free new");
    node.sqlite("UPDATE notes SET title = 'not any more' WHERE id = 'a'");
    await manager.retry(once);
    await manager.saved(once);
    expect(titles()).toBe("not any more taken new");
  });

  it("keeps a refused write over a reload until it is dismissed", async () => {
    const before = await open();
    const once = await before.manager.write("INSERT INTO nowhere VALUES(1)");
    await expect(before.manager.saved(once)).rejects.toMatchObject({ code: "sql" });
    before.close();
    const { manager } = await open();
    expect(manager.state.writes.map(({ state }) => state)).toEqual(["refused"]);
    await manager.dismiss(once);
    expect(manager.state.writes).toEqual([]);
    await expect(manager.saved(once)).rejects.toMatchObject({ code: "refused" });
  });

  it("lets what is typed take the place of what waits", async () => {
    const { manager } = await open();
    await manager.saved(await manager.write("INSERT INTO notes VALUES('a', '', 0)"));
    manager.pause();
    for (const text of ["t", "ty", "typ", "type", "typed"])
      await manager.write("UPDATE notes SET title = ?, size = size + 1 WHERE id = 'a'", [text], {
        replaces: "a.title",
      });
    expect(manager.state.writes).toHaveLength(1);
    manager.resume();
    await until(() => manager.state.writes.length === 0);
    expect(node.sqlite("SELECT title, size FROM notes")).toBe("typed|1");
  });

  it("calls nothing saved that was replaced before what took its place is", async () => {
    const { manager } = await open();
    await manager.saved(await manager.write("INSERT INTO notes VALUES('a', '', 0), ('b', 'taken', 0)"));
    const type = (text: string) =>
      manager.write("UPDATE notes SET title = ? WHERE id = 'a'", [text], { replaces: "a.title" });
    manager.pause();
    const early = await type("t");
    let isSaved = false;
    const asked = manager.saved(early).then(() => {
      isSaved = true;
    });
    await type("ty");
    await type("typ");
    const askedLate = manager.saved(early);
    expect(isSaved).toBe(false);
    manager.resume();
    await Promise.all([asked, askedLate]);
    expect(node.sqlite("SELECT title FROM notes WHERE id = 'a'")).toBe("typ");
    manager.pause();
    const refused = manager.saved(await type("take"));
    await type("taken");
    manager.resume();
    await expect(refused).rejects.toMatchObject({ code: "constraint" });
  });

  it("sends from one tab what all tabs write, and from the next when that one closes", async () => {
    vi.stubGlobal("navigator", { locks: new Locks() });
    const [first, second] = [await open(), await open()];
    await until(() => first.manager.state.leads);
    expect(second.manager.state.leads).toBe(false);
    await second.manager.saved(await second.manager.write("INSERT INTO notes VALUES('a', 'by the second', 0)"));
    expect(titles()).toBe("by the second");
    first.manager.pause();
    await until(() => second.manager.state.isPaused);
    await second.manager.write("INSERT INTO notes VALUES('b', 'later', 0)");
    await until(() => first.manager.state.writes.length === 1);
    first.close();
    await until(() => second.manager.state.leads);
    second.manager.resume();
    await until(() => second.manager.state.writes.length === 0);
    expect(titles()).toBe("by the second later");
  });

  it("stays paused in a tab that is opened later and takes the lead, until somebody goes on", async () => {
    vi.stubGlobal("navigator", { locks: new Locks() });
    const first = await open();
    await first.manager.pause();
    await first.manager.write("INSERT INTO notes VALUES('a', 'kept', 0)");
    first.close();
    const second = await open();
    await until(() => second.manager.state.leads && second.provider.state.phase === "open");
    expect(second.manager.state).toMatchObject({ isPaused: true, writes: [{ state: "waiting" }] });
    // What is asked of the node later than it would have sent the write is answered: it has sent nothing.
    await second.provider.execute("INSERT INTO notes VALUES('b', 'by somebody else', 0)");
    expect(titles()).toBe("by somebody else");
    await second.manager.resume();
    await until(() => titles() === "kept by somebody else");
    const third = await open();
    expect(third.manager.state.isPaused).toBe(false);
  });

  it("shows in no tab as saved what was given up", async () => {
    vi.stubGlobal("navigator", { locks: new Locks() });
    const [first, second] = [await open(), await open()];
    await until(() => first.manager.state.leads);
    const overlay = { table: "notes", kind: "insert", values: { id: "a" } } as const;
    const once = await first.manager.write("INSERT INTO nowhere VALUES(1)", [], { overlay });
    await until(() => second.manager.state.writes[0]?.state === "refused");
    const states = new Set<string>();
    second.manager.subscribe(() => {
      for (const { state } of second.manager.state.writes) states.add(state);
    });
    await first.manager.dismiss(once);
    await until(() => second.manager.state.writes.length === 0);
    expect([...states]).toEqual(["refused"]);
    await expect(second.manager.saved(once)).rejects.toMatchObject({ code: "refused" });
  });

  it("shows what another tab sent until this one is connected again", async () => {
    vi.stubGlobal("navigator", { locks: new Locks() });
    const road = await new FlakyRoad(node.port).open();
    try {
      const first = await open();
      await until(() => first.manager.state.leads);
      const second = await Tab.open(road.url, name);
      tabs.push(second);
      await until(() => second.provider.state.phase === "open");
      road.allowsAnything = false;
      road.cut();
      await until(() => second.provider.state.phase !== "open");
      const overlay = { table: "notes", kind: "insert", values: { id: "a" } } as const;
      const once = await second.manager.write("INSERT INTO notes VALUES('a', 'sent by the first', 0)", [], { overlay });
      await second.manager.saved(once);
      const savedAt = performance.now();
      // Four times as long as it is shown where the page is connected.
      await until(() => performance.now() - savedAt > 200);
      expect(second.manager.state.writes).toMatchObject([{ once, state: "saved" }]);
      road.allowsAnything = true;
      await until(() => second.manager.state.writes.length === 0);
      expect(second.provider.state.phase).toBe("open");
    } finally {
      await road.close();
    }
  });

  describe("with what is typed", () => {
    const type = ({ manager }: Tab, text: string, debounceMs: number, debounceMostMs?: number) =>
      manager.write("UPDATE notes SET title = ?, size = size + 1 WHERE id = 'a'", [text], {
        replaces: "a.title",
        debounceMs,
        ...(debounceMostMs && { debounceMostMs }),
      });
    const typed = () => node.sqlite("SELECT title, size FROM notes WHERE id = 'a'");
    beforeEach(() => node.sqlite("INSERT INTO notes VALUES('a', '', 0)"));

    it("stores it at once, and sends it once, after a pause", async () => {
      const tab = await open();
      await until(() => tab.provider.state.phase === "open");
      const begun = Date.now();
      const names = [];
      for (const text of ["t", "ty", "typ"]) names.push(await type(tab, text, 3_000));
      expect(tab.manager.state.writes).toMatchObject([{ state: "typing", statements: [{ parameters: ["typ"] }] }]);
      expect(typed()).toBe("|0");
      await Promise.all(names.map((once) => tab.manager.saved(once)));
      expect(typed()).toBe("typ|1");
      expect(Date.now() - begun).toBeGreaterThanOrEqual(3_000);
      // A page that comes back sends what is due by then.
      await type(tab, "type", 60_000);
      tab.close();
      const after = await open();
      expect(after.manager.state.writes).toMatchObject([{ state: "typing" }]);
    });

    it("sends it within a bounded time, though nobody pauses", async () => {
      const tab = await open();
      let keys = 0;
      const begun = Date.now();
      let seen = typed();
      while (seen === "|0" && Date.now() - begun < 30_000) {
        await type(tab, `key ${++keys}`, 60_000, 300);
        seen = typed();
      }
      expect(Date.now() - begun).toBeGreaterThanOrEqual(300);
      const [title, size] = seen.split("|");
      expect(title).toMatch(/^key \d+$/);
      expect(Number(size)).toBeLessThan(keys); // Several keys went as one.
    });

    it("keeps no other write waiting, and lets none overtake", async () => {
      const tab = await open();
      await type(tab, "typ", 60_000);
      const after = await tab.manager.write("UPDATE notes SET title = title || '!' WHERE id = 'a'");
      await tab.manager.saved(after);
      expect(typed()).toBe("typ!|1");
    });

    it("sends it once from the tab that leads, though another one was typed in", async () => {
      vi.stubGlobal("navigator", { locks: new Locks() });
      const [first, second] = [await open(), await open()];
      await until(() => first.manager.state.leads);
      const early = await type(second, "t", 3_000);
      let isSaved = false;
      const asked = second.manager.saved(early).then(() => {
        isSaved = true;
      });
      for (const text of ["ty", "typ", "type"]) await type(second, text, 3_000);
      await until(() => second.manager.state.writes.length === 1);
      expect(isSaved).toBe(false);
      await asked;
      expect(typed()).toBe("type|1");
    });
  });

  it("does not send to another node what was perhaps done by the one before", async () => {
    const other = await NodeProcess.start([], "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, title TEXT, size)");
    try {
      const first = await open();
      await first.manager.saved(await first.manager.write("INSERT INTO notes VALUES('a', 'first', 0)"));
      node.freeze(); // It hears the next write and does not come to answer.
      const doubtful = await first.manager.write("UPDATE notes SET size = size + 1");
      first.manager.pause();
      await first.manager.write("UPDATE notes SET title = 'second'");
      first.close();
      other.sqlite("INSERT INTO notes VALUES('a', 'first', 0)");
      const second = await Tab.open(other.url, name);
      tabs.push(second);
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
      node.thaw();
      await other.end();
    }
  });

  it("drops what was perhaps done elsewhere if what was typed since takes its place", async () => {
    const other = await NodeProcess.start([], "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, title TEXT, size)");
    try {
      const first = await open();
      await first.manager.saved(await first.manager.write("INSERT INTO notes VALUES('a', '', 0)"));
      other.sqlite("INSERT INTO notes VALUES('a', '', 0)");
      node.freeze();
      for (const text of ["t", "ty", "typ"])
        await first.manager.write("UPDATE notes SET title = ? WHERE id = 'a'", [text], { replaces: "a.title" });
      expect(first.manager.state.writes.map(({ state }) => state)).toEqual(["sending", "waiting"]);
      first.close();
      const second = await Tab.open(other.url, name);
      tabs.push(second);
      await until(() => second.manager.state.writes.length === 0);
      expect(other.sqlite("SELECT title FROM notes")).toBe("typ");
    } finally {
      node.thaw();
      await other.end();
    }
  });

  it("asks a node that is busy again in a while, and lets nothing overtake", async () => {
    const { provider, manager } = await open();
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
    const unlock = await node.lock();
    let isLocked = true;
    const impatient = await SyncManager.open(busy, { name: `${name} busy`, backoff: { firstMs: 20, mostMs: 40 } });
    try {
      await impatient.write("INSERT INTO notes VALUES('a', 'first', 0)");
      const writes = ["second", "third", "fourth"].map((text) =>
        impatient.write("UPDATE notes SET title = title || ? WHERE id = 'a'", [` ${text}`]),
      );
      await until(() => failures.length >= 8);
      isLocked = false;
      await unlock();
      for (const once of await Promise.all(writes)) await impatient.saved(once);
      expect(titles()).toBe("first second third fourth");
      for (const code of failures) expect(["deadline", "cancelled"]).toContain(code);
    } finally {
      await unlock();
      impatient.close();
    }
  });

  it("sends a backlog in a few trips, each write on its own", async () => {
    const road = await new FlakyRoad(node.port).open();
    road.latencyMs = 20;
    try {
      await node.kill();
      const before = await open();
      for (let i = 0; i < 200; i++)
        await before.manager.write("INSERT INTO notes VALUES(?, ?, ?)", [`k${i}`, i === 150 ? "t7" : `t${i}`, i]);
      before.close();
      await node.run();
      const tab = await Tab.open(road.url, name);
      tabs.push(tab);
      let together = 0;
      tab.manager.subscribe(() => {
        const underWay = tab.manager.state.writes.filter(({ state }) => state === "sending").length;
        together = Math.max(together, underWay);
      });
      await until(() => tab.manager.state.writes.every(({ state }) => state === "refused"));
      expect(together).toBe(64);
      expect(node.sqlite("SELECT count(*), group_concat(size) FROM (SELECT size FROM notes ORDER BY rowid)")).toBe(
        `199|${[...Array(200).keys()].filter((i) => i !== 150).join(",")}`,
      );
      expect(tab.manager.state.writes).toMatchObject([{ refusal: { code: "constraint" } }]);
    } finally {
      await road.close();
    }
  });

  it("lets each tab send what the others can't see", async () => {
    vi.stubGlobal("indexedDB", undefined);
    vi.stubGlobal("navigator", { locks: new Locks() });
    const [first, second] = [await open(), await open()];
    await until(() => first.manager.state.leads);
    await second.manager.saved(await second.manager.write("INSERT INTO notes VALUES('a', 'by the second', 0)"));
    await first.manager.saved(await first.manager.write("INSERT INTO notes VALUES('b', 'by the first', 0)"));
    expect(second.manager.state.leads).toBe(false);
    expect(titles()).toBe("by the second by the first");
  });

  it("gives the lead away while it is frozen, and stands in the queue once", async () => {
    const page = new EventTarget();
    vi.stubGlobal("document", page);
    vi.stubGlobal("navigator", { locks: new Locks() });
    const [first, second] = [await open(), await open()];
    await until(() => first.manager.state.leads);
    page.dispatchEvent(new Event("resume"));
    // Both hear it, for here they share one document: whoever stood in the queue leaves it.
    page.dispatchEvent(new Event("freeze"));
    expect(first.manager.state.leads || second.manager.state.leads).toBe(false);
    page.dispatchEvent(new Event("resume"));
    await until(() => first.manager.state.leads !== second.manager.state.leads);
  });

  it("looks through the rows once for all that waits", async () => {
    let looks = 0;
    const rows = Array.from({ length: 1_000 }, (_, at) => ({
      get id() {
        looks++;
        return at;
      },
      part: "x",
      title: "old",
    }));
    const { manager } = await open();
    await manager.pause();
    await manager.write("SELECT 1");
    const [write] = manager.state.writes;
    const writes = Array.from({ length: 1_000 }, (_, at) => {
      const kind = at % 10 === 0 ? "delete" : at % 10 === 1 ? "insert" : "update";
      const values = { id: kind === "insert" ? 5_000 + at : at, part: "x", ...(kind !== "delete" && { title: "new" }) };
      return { ...(write as NonNullable<typeof write>), overlay: { table: "notes", kind, values } as const };
    });
    for (const key of [["id"], ["id", "part"]]) {
      looks = 0;
      const shown = withPending<{ id: number; title: string }>(rows, writes, "notes", key);
      // Once to find its place, and once where a new row is made of it.
      expect(looks).toBeLessThanOrEqual(2 * rows.length);
      expect(shown).toHaveLength(1_000);
      expect(shown.filter(({ title }) => title === "new")).toHaveLength(900);
      expect(withPending(rows, writes.slice(0, 1), "notes", key)[0]).toBe(rows[1]);
    }
  });

  it("says so where nothing can be kept over a reload", async () => {
    vi.stubGlobal("indexedDB", undefined);
    const { manager } = await open();
    expect(manager.state.whyNotDurable).toContain("IndexedDB");
    await manager.saved(await manager.write("INSERT INTO notes VALUES('a', 'all the same', 0)"));
    expect(titles()).toBe("all the same");
  });
});
