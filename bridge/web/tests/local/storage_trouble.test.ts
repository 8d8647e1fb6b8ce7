import "fake-indexeddb/auto";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type BlockStore, IndexedDbStore, type LocalOptions, type LocalProvider } from "../../src/local";
import { openBlockStore } from "../../src/local/block_store";
import { schema, until } from "../node_process";
import { Locks } from "./locks";
import { localOpener } from "./opening";

const insert = "INSERT INTO notes(id, title) VALUES(?, ?)";
const titlesOf = async (provider: LocalProvider) =>
  (await provider.query<{ title: string }>("SELECT title FROM notes ORDER BY id")).rows.map((row) => row.title);

/** A disk that can be full. */
class Disk {
  isFull = false;
  readonly open = async (name: string): Promise<BlockStore> => {
    const store = await IndexedDbStore.open(name);
    const save = store.save.bind(store);
    store.save = (changes) =>
      this.isFull ? Promise.reject(new DOMException("no room", "QuotaExceededError")) : save(changes);
    return store;
  };
}

describe("a browser that does not let a page keep what it writes", () => {
  let opener: Awaited<ReturnType<typeof localOpener>>;
  let disk: Disk;
  let log: string[] = [];
  let name = "";
  let names = 0;
  const tabs: LocalProvider[] = [];
  const open = (more: Partial<LocalOptions> = {}) => {
    const tab = opener(name, schema.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"), [], {
      openStore: disk.open,
      onLog: (level, text) => log.push(`${level}: ${text}`),
      ...more,
    });
    tabs.push(tab);
    return tab;
  };
  const errors = () => log.filter((line) => line.startsWith("error"));

  beforeAll(async () => {
    opener = await localOpener();
  });
  beforeEach(() => {
    vi.stubGlobal("navigator", { locks: new Locks() });
    [disk, log, name] = [new Disk(), [], `trouble ${++names}`];
  });
  afterEach(async () => {
    disk.isFull = false;
    await Promise.all(tabs.splice(0).map((tab) => tab.shutDown().catch(() => {})));
    vi.unstubAllGlobals();
  });

  it("is told of with a reason, in each tab, and no write is answered until it is kept", async () => {
    const [first, second] = [open(), open()];
    await first.execute(insert, ["1", "Milk"]);
    expect(await titlesOf(second)).toEqual(["Milk"]);
    disk.isFull = true;
    let answered = 0;
    const writing = [first.execute(insert, ["2", "Bread"]), second.execute(insert, ["3", "Salt"])];
    for (const each of writing) void each.then(() => answered++);
    for (const tab of [first, second]) {
      await until(() => tab.state.failures > 2);
      expect(tab.state).toMatchObject({ phase: expect.not.stringMatching("open|closed"), reason: { code: "storage" } });
      expect(tab.state.reason?.message).toMatch(/QuotaExceededError: no room.*make room/);
    }
    expect(errors()).toHaveLength(1);
    expect(answered).toBe(0);
    disk.isFull = false;
    await Promise.all(writing);
    expect(await titlesOf(second)).toEqual(["Milk", "Bread", "Salt"]);
    expect(log.at(-1)).toContain("again");
  });

  it("has what was answered and nothing else when the tab is gone meanwhile", async () => {
    const first = open();
    await first.execute(insert, ["1", "Milk"]);
    disk.isFull = true;
    const doubtful = first.execute(insert, ["2", "Bread"], { once: "bread" });
    void doubtful.catch(() => {});
    await until(() => first.state.reason?.code === "storage");
    await expect(first.shutDown()).rejects.toMatchObject({ code: "storage" });
    disk.isFull = false;
    const second = open();
    expect(await titlesOf(second)).toEqual(["Milk"]);
    expect(await second.execute(insert, ["2", "Bread"], { once: "bread" })).toMatchObject({ isRepeat: false });
  });

  it("closes without a word what another owner has by then", async () => {
    const page = open();
    await page.execute(insert, ["1", "Milk"]);
    const next = await IndexedDbStore.open(name);
    void page.execute(insert, ["2", "Bread"]).catch(() => {});
    await page.shutDown();
    next.close();
    expect(errors()).toEqual([]);
    expect(await titlesOf(open())).toEqual(["Milk"]);
  });

  it("can be full before the database is opened: it is opened when there is room", async () => {
    const page = open({ openStore: (given) => (disk.isFull ? Promise.reject(full()) : disk.open(given)) });
    disk.isFull = true;
    await until(() => page.state.failures > 1);
    expect(page.state.reason?.message).toContain("no room");
    disk.isFull = false;
    await page.execute(insert, ["1", "Milk"]);
  });

  it("says so where nothing outlives the tab, also in a tab that only follows", async () => {
    vi.stubGlobal("indexedDB", undefined);
    const [first, second] = [open({ openStore: openBlockStore }), open({ openStore: openBlockStore })];
    await first.execute(insert, ["1", "Milk"]);
    expect(await titlesOf(second)).toEqual(["Milk"]);
    expect(first.whyNotDurable).toContain("IndexedDB");
    expect(second.whyNotDurable).toContain("IndexedDB");
    expect(log).toContainEqual(expect.stringMatching(/^warning: .*IndexedDB/));
  });
});

const full = () => new DOMException("no room", "QuotaExceededError");
