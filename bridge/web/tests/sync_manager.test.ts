import "fake-indexeddb/auto";
import { describe, expect, it, vi } from "vitest";
import { Real, withPending } from "../src";
import { until } from "./node_process";
import { NotesNode } from "./notes_node";

describe("the sync manager", () => {
  const notes = new NotesNode();

  it("says that a write is saved when the node has it", async () => {
    const { manager } = await notes.open();
    const once = await manager.write("INSERT INTO notes VALUES(?, ?, ?)", ["a", "one", new Real(2)]);
    await manager.saved(once);
    expect(notes.node.sqlite("SELECT title, typeof(size) FROM notes")).toBe("one|real");
    expect(manager.state).toMatchObject({ writes: [], leads: true, whyNotDurable: null });
  });

  it("keeps what was written without a node over a reload, in order, and does it once", async () => {
    await notes.node.kill();
    const before = await notes.open();
    for (let i = 0; i < 40; i++)
      await before.manager.write("INSERT INTO notes VALUES(?, ?, ?)", [
        `k${String(i).padStart(2, "0")}`,
        `t${i}`,
        new Real(i),
      ]);
    await before.manager.write("UPDATE notes SET title = title || '!' WHERE id = 'k07'");
    before.close();
    const after = await notes.open();
    expect(after.manager.state.writes).toHaveLength(41);
    await notes.node.run();
    await until(() => after.manager.state.writes.length === 0);
    expect(notes.node.sqlite("SELECT count(*), max(typeof(size)), max(size) FROM notes")).toBe("40|real|39.0");
    expect(notes.node.sqlite("SELECT title FROM notes WHERE id = 'k07'")).toBe("t7!");
  });

  it("loses nothing that was saved and doubles nothing, though node and page die in the middle", async () => {
    let tab = await notes.open();
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
        await notes.node.kill();
        const kept = new Set(notes.node.sqlite("SELECT id FROM notes").split("\n"));
        expect(saved.filter((each) => !kept.has(each))).toEqual([]);
      }
      if (i === 60) await notes.node.run();
      if (i === 80) {
        tab.close();
        tab = await notes.open();
      }
    }
    await until(() => tab.manager.state.writes.length === 0);
    const there = new Set(notes.node.sqlite("SELECT id FROM notes").split("\n"));
    expect(there.size).toBe(120);
    expect(notes.node.sqlite("SELECT count(*) FROM notes")).toBe("120");
    expect(saved.filter((id) => !there.has(id))).toEqual([]);
  });

  it("shows a write at once, and no more when the node refuses it, with the reason", async () => {
    notes.node.sqlite("INSERT INTO notes VALUES('a', 'taken', 1), ('b', 'free', 1)");
    const { manager } = await notes.open();
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
    expect(notes.titles()).toBe("taken free new");
    notes.node.sqlite("UPDATE notes SET title = 'not any more' WHERE id = 'a'");
    await manager.retry(once);
    await manager.saved(once);
    expect(notes.titles()).toBe("not any more taken new");
  });

  it("keeps a refused write over a reload until it is dismissed", async () => {
    const before = await notes.open();
    const once = await before.manager.write("INSERT INTO nowhere VALUES(1)");
    await expect(before.manager.saved(once)).rejects.toMatchObject({ code: "sql" });
    before.close();
    const { manager } = await notes.open();
    expect(manager.state.writes.map(({ state }) => state)).toEqual(["refused"]);
    await manager.dismiss(once);
    expect(manager.state.writes).toEqual([]);
    await expect(manager.saved(once)).rejects.toMatchObject({ code: "refused" });
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
    const { manager } = await notes.open();
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
    const { manager } = await notes.open();
    expect(manager.state.whyNotDurable).toContain("IndexedDB");
    await manager.saved(await manager.write("INSERT INTO notes VALUES('a', 'all the same', 0)"));
    expect(notes.titles()).toBe("all the same");
  });
});
