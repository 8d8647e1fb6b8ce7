import "fake-indexeddb/auto";
import { describe, expect, it, vi } from "vitest";
import { FlakyRoad } from "./flaky_road";
import { until } from "./node_process";
import { NotesNode } from "./notes_node";
import { Locks } from "./sync_tab";

describe("the sync manager in several tabs", () => {
  const notes = new NotesNode();

  it("sends from one tab what all tabs write, and from the next when that one closes", async () => {
    vi.stubGlobal("navigator", { locks: new Locks() });
    const [first, second] = [await notes.open(), await notes.open()];
    await until(() => first.manager.state.leads);
    expect(second.manager.state.leads).toBe(false);
    await second.manager.saved(await second.manager.write("INSERT INTO notes VALUES('a', 'by the second', 0)"));
    expect(notes.titles()).toBe("by the second");
    first.manager.pause();
    await until(() => second.manager.state.isPaused);
    await second.manager.write("INSERT INTO notes VALUES('b', 'later', 0)");
    await until(() => first.manager.state.writes.length === 1);
    first.close();
    await until(() => second.manager.state.leads);
    second.manager.resume();
    await until(() => second.manager.state.writes.length === 0);
    expect(notes.titles()).toBe("by the second later");
  });

  it("stays paused in a tab that is opened later and takes the lead, until somebody goes on", async () => {
    vi.stubGlobal("navigator", { locks: new Locks() });
    const first = await notes.open();
    await first.manager.pause();
    await first.manager.write("INSERT INTO notes VALUES('a', 'kept', 0)");
    first.close();
    const second = await notes.open();
    await until(() => second.manager.state.leads && second.provider.state.phase === "open");
    expect(second.manager.state).toMatchObject({ isPaused: true, writes: [{ state: "waiting" }] });
    // What is asked of the node later than it would have sent the write is answered: it has sent nothing.
    await second.provider.execute("INSERT INTO notes VALUES('b', 'by somebody else', 0)");
    expect(notes.titles()).toBe("by somebody else");
    await second.manager.resume();
    await until(() => notes.titles() === "kept by somebody else");
    const third = await notes.open();
    expect(third.manager.state.isPaused).toBe(false);
  });

  it("shows in no tab as saved what was given up", async () => {
    vi.stubGlobal("navigator", { locks: new Locks() });
    const [first, second] = [await notes.open(), await notes.open()];
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
    const road = await new FlakyRoad(notes.node.port).open();
    try {
      const first = await notes.open();
      await until(() => first.manager.state.leads);
      const second = await notes.open(road.url);
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

  it("lets each tab send what the others can't see", async () => {
    vi.stubGlobal("indexedDB", undefined);
    vi.stubGlobal("navigator", { locks: new Locks() });
    const [first, second] = [await notes.open(), await notes.open()];
    await until(() => first.manager.state.leads);
    await second.manager.saved(await second.manager.write("INSERT INTO notes VALUES('a', 'by the second', 0)"));
    await first.manager.saved(await first.manager.write("INSERT INTO notes VALUES('b', 'by the first', 0)"));
    expect(second.manager.state.leads).toBe(false);
    expect(notes.titles()).toBe("by the second by the first");
  });

  it("gives the lead away while it is frozen, and stands in the queue once", async () => {
    const page = new EventTarget();
    vi.stubGlobal("document", page);
    vi.stubGlobal("navigator", { locks: new Locks() });
    const [first, second] = [await notes.open(), await notes.open()];
    await until(() => first.manager.state.leads);
    page.dispatchEvent(new Event("resume"));
    // Both hear it, for here they share one document: whoever stood in the queue leaves it.
    page.dispatchEvent(new Event("freeze"));
    expect(first.manager.state.leads || second.manager.state.leads).toBe(false);
    page.dispatchEvent(new Event("resume"));
    await until(() => first.manager.state.leads !== second.manager.state.leads);
  });
});
