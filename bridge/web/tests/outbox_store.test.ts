import { indexedDB as fakeIndexedDB, forceCloseDatabase, IDBObjectStore } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type OutboxStore, type StoredWrite, TandemError } from "../src";
import { MemoryStore } from "../src/sync/outbox_store";
import { NodeProcess, until } from "./node_process";
import { Tab } from "./sync_tab";

/** Does what it is asked, but for what `broken` names. */
class FailingStore implements OutboxStore {
  readonly trouble = null;
  readonly broken = new Set<keyof OutboxStore>();
  readonly failures: string[] = [];
  private readonly inner = new MemoryStore(new TandemError("storage", "a test"));

  isShared = () => true;
  all = () => this.unlessBroken("all", () => this.inner.all());
  put = (writes: readonly StoredWrite[]) => this.unlessBroken("put", () => this.inner.put(writes));
  remove = (once: string) => this.unlessBroken("remove", () => this.inner.remove(once));
  isPaused = () => this.unlessBroken("isPaused", () => this.inner.isPaused());
  setPaused = (isPaused: boolean) => this.unlessBroken("setPaused", () => this.inner.setPaused(isPaused));
  close() {}

  private async unlessBroken<T>(what: keyof OutboxStore, work: () => Promise<T>): Promise<T> {
    if (!this.broken.has(what)) return work();
    this.failures.push(what);
    throw new Error(`${what} does not work`);
  }
}

/** The browser's connections to the store of this name. */
function connections(name: string): Parameters<typeof forceCloseDatabase>[0][] {
  const { _databases } = fakeIndexedDB as unknown as { _databases: Map<string, { connections: never[] }> };
  return _databases.get(`tandem-outbox-${name}`)?.connections ?? [];
}

describe("a store that fails", () => {
  let node: NodeProcess;
  let name: string;
  let names = 0;
  const tabs: Tab[] = [];
  const open = async (store?: OutboxStore) => {
    const tab = await Tab.open(node.url, name, store ? { store } : {});
    tabs.push(tab);
    return tab;
  };
  const count = (tab: Tab) => tab.manager.write("UPDATE notes SET size = size + 1");
  const counted = () => node.sqlite("SELECT size FROM notes");
  beforeAll(async () => {
    node = await NodeProcess.start([], "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, size)");
  });
  afterAll(() => node.end());
  beforeEach(() => {
    name = `store ${++names}`;
    node.sqlite("DELETE FROM notes; INSERT INTO notes VALUES('a', 0)");
  });
  afterEach(() => {
    for (const tab of tabs.splice(0)) tab.close();
    vi.restoreAllMocks();
  });

  it("does not keep a write from being saved, once, if it lets go of nothing", async () => {
    const store = new FailingStore();
    const tab = await open(store);
    store.broken.add("remove");
    for (let times = 0; times < 3; times++) await tab.manager.saved(await count(tab));
    await until(() => tab.manager.state.writes.length === 0);
    expect(counted()).toBe("3");
    expect(tab.manager.state.storeTrouble?.code).toBe("storage");
    // Each was asked to go, not each time anew.
    expect(store.failures.length).toBeLessThanOrEqual(6);
    expect(await store.all()).toHaveLength(3);
    store.broken.clear();
    const again = await open(store);
    await until(() => again.manager.state.writes.length === 0);
    expect(counted()).toBe("3");
  });

  it("does not refuse a write that it took, though it keeps the one before", async () => {
    const store = new FailingStore();
    const tab = await open(store);
    await tab.manager.pause();
    const type = (text: string) =>
      tab.manager.write("UPDATE notes SET id = ?, size = size + 1", [text], { replaces: "id" });
    await type("t");
    store.broken.add("remove");
    const once = await type("ty");
    expect(tab.manager.state.writes).toHaveLength(1);
    await tab.manager.resume();
    await tab.manager.saved(once);
    expect(node.sqlite("SELECT id, size FROM notes")).toBe("ty|1");
  });

  it("is looked into again until it can be read; what it does not have goes on meanwhile", async () => {
    const store = new FailingStore();
    await node.kill();
    const before = await open(store);
    await before.manager.write("UPDATE notes SET size = size + 10");
    before.close();
    for (const what of ["all", "put"] as const) store.broken.add(what);
    const tab = await open(store);
    expect(tab.manager.state.storeTrouble?.message).toContain("all does not work");
    const once = await count(tab);
    await node.run();
    await tab.manager.saved(once);
    store.broken.clear();
    await until(() => tab.manager.state.storeTrouble === null && tab.manager.state.writes.length === 0);
    expect(await store.all()).toEqual([]);
    expect(counted()).toBe("11");
  });

  it("is opened anew when the browser has closed it", async () => {
    const tab = await open();
    await tab.manager.pause();
    await count(tab);
    expect(connections(name)).toHaveLength(1);
    for (const connection of [...connections(name)]) forceCloseDatabase(connection);
    await count(tab);
    expect(tab.manager.state).toMatchObject({ storeTrouble: null, writes: [{}, {}] });
    tab.close();
    const after = await open();
    expect(after.manager.state).toMatchObject({ isPaused: true, writes: [{}, {}] });
    await after.manager.resume();
    await until(() => after.manager.state.writes.length === 0);
    expect(counted()).toBe("2");
  });

  it("gets back what waits when it was thrown away under the page", async () => {
    const tab = await open();
    await tab.manager.pause();
    await count(tab);
    await new Promise((resolve, reject) => {
      const deletion = indexedDB.deleteDatabase(`tandem-outbox-${name}`);
      deletion.onsuccess = resolve;
      deletion.onblocked = () => reject(new Error("the page does not let go of its store"));
    });
    await count(tab);
    tab.close();
    const after = await open();
    expect(after.manager.state.writes).toHaveLength(2);
  });

  it("does not hold the page up while an older one has it open, and says what to do", async () => {
    const older = await new Promise<IDBDatabase>((resolve) => {
      const opening = indexedDB.open(`tandem-outbox-${name}`, 3);
      opening.onupgradeneeded = () => opening.result.createObjectStore("writes", { keyPath: "once" });
      opening.onsuccess = () => resolve(opening.result);
    });
    const tab = await open();
    expect(tab.manager.state.whyNotDurable).toContain("close it");
    await tab.manager.saved(await count(tab));
    older.close();
    tab.close();
    expect((await open()).manager.state.whyNotDurable).toBeNull();
  });

  it("that is full says so, by its code and in words, and goes on in memory until there is room", async () => {
    const tab = await open();
    const put = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
      throw new DOMException("no room", "QuotaExceededError");
    });
    await tab.manager.saved(await count(tab));
    await tab.manager.pause();
    await count(tab);
    expect(put).toHaveBeenCalled();
    expect(tab.manager.state.storeTrouble).toMatchObject({ code: "full" });
    expect(tab.manager.state.whyNotDurable).toContain("free some");
    put.mockRestore();
    await count(tab);
    await tab.manager.pause();
    tab.close();
    // What the first one made while there was no room was put there as soon as there was.
    const after = await open();
    expect(after.manager.state).toMatchObject({ storeTrouble: null, isPaused: true });
    expect(after.manager.state.writes.length).toBeGreaterThanOrEqual(1);
  });
});
