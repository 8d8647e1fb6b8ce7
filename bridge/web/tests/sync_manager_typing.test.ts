import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { until } from "./node_process";
import { NotesNode } from "./notes_node";
import { Locks, type Tab } from "./sync_tab";

describe("the sync manager with what is typed", () => {
  const notes = new NotesNode();

  it("lets what is typed take the place of what waits", async () => {
    const { manager } = await notes.open();
    await manager.saved(await manager.write("INSERT INTO notes VALUES('a', '', 0)"));
    manager.pause();
    for (const text of ["t", "ty", "typ", "type", "typed"])
      await manager.write("UPDATE notes SET title = ?, size = size + 1 WHERE id = 'a'", [text], {
        replaces: "a.title",
      });
    expect(manager.state.writes).toHaveLength(1);
    manager.resume();
    await until(() => manager.state.writes.length === 0);
    expect(notes.node.sqlite("SELECT title, size FROM notes")).toBe("typed|1");
  });

  it("calls nothing saved that was replaced before what took its place is", async () => {
    const { manager } = await notes.open();
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
    expect(notes.node.sqlite("SELECT title FROM notes WHERE id = 'a'")).toBe("typ");
    manager.pause();
    const refused = manager.saved(await type("take"));
    await type("taken");
    manager.resume();
    await expect(refused).rejects.toMatchObject({ code: "constraint" });
  });

  describe("that goes after a pause", () => {
    const type = ({ manager }: Tab, text: string, debounceMs: number, debounceMostMs?: number) =>
      manager.write("UPDATE notes SET title = ?, size = size + 1 WHERE id = 'a'", [text], {
        replaces: "a.title",
        debounceMs,
        ...(debounceMostMs && { debounceMostMs }),
      });
    const typed = () => notes.node.sqlite("SELECT title, size FROM notes WHERE id = 'a'");
    beforeEach(() => notes.node.sqlite("INSERT INTO notes VALUES('a', '', 0)"));

    it("stores it at once, and sends it once, after a pause", async () => {
      const tab = await notes.open();
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
      const after = await notes.open();
      expect(after.manager.state.writes).toMatchObject([{ state: "typing" }]);
    });

    it("sends it within a bounded time, though nobody pauses", async () => {
      const tab = await notes.open();
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
      const tab = await notes.open();
      await type(tab, "typ", 60_000);
      const after = await tab.manager.write("UPDATE notes SET title = title || '!' WHERE id = 'a'");
      await tab.manager.saved(after);
      expect(typed()).toBe("typ!|1");
    });

    it("sends it once from the tab that leads, though another one was typed in", async () => {
      vi.stubGlobal("navigator", { locks: new Locks() });
      const [first, second] = [await notes.open(), await notes.open()];
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
});
