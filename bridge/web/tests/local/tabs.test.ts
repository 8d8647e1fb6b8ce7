import "fake-indexeddb/auto";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { IndexedDbStore, type LocalOptions, type LocalProvider } from "../../src/local";
import { databaseName, talkName } from "../../src/local/tab_messages";
import { schema, until } from "../node_process";
import { Locks } from "./locks";
import { localOpener } from "./opening";

const insert = "INSERT INTO notes(id, title) VALUES(?, ?)";
const titlesOf = async (provider: LocalProvider) =>
  (await provider.query<{ title: string }>("SELECT title FROM notes ORDER BY id")).rows.map((row) => row.title);

/** Each provider stands for a tab: they know of each other by Web Locks and channels alone. */
describe("several tabs with one database", () => {
  let opener: Awaited<ReturnType<typeof localOpener>>;
  let locks: Locks;
  let name = "";
  let names = 0;
  const tabs: LocalProvider[] = [];
  const open = (more: Partial<LocalOptions> = {}) => {
    const tab = opener(name, schema.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"), [], more);
    tabs.push(tab);
    return tab;
  };
  const watch = (tab: LocalProvider) =>
    tab.watch<{ id: string; title: string }>("SELECT id, title FROM notes ORDER BY id", [], { key: ["id"] });

  beforeAll(async () => {
    opener = await localOpener();
  });
  beforeEach(() => {
    locks = new Locks();
    vi.stubGlobal("navigator", { locks });
    name = `tabs ${++names}`;
  });
  afterEach(async () => {
    await Promise.all(tabs.splice(0).map((tab) => tab.shutDown().catch(() => {})));
    vi.unstubAllGlobals();
  });

  it("both write, and see at once what the other wrote", async () => {
    const [first, second] = [open(), open()];
    const [shown, shownThere] = [watch(first), watch(second)];
    await Promise.all([first.execute(insert, ["1", "Milk"]), second.execute(insert, ["2", "Bread"])]);
    await until(() => shown.snapshot.rows.length === 2 && shownThere.snapshot.rows.length === 2);
    await second.transaction((within) => within.execute("UPDATE notes SET title = title || '!'"));
    await until(() => shown.snapshot.rows.every(({ title }) => title.endsWith("!")));
    expect(await second.digest()).toBe(await first.digest());
    expect(await first.digest()).toMatch(/^[0-9a-f]+$/);
    expect([first.whyNotDurable, second.whyNotDurable]).toEqual([null, null]);
  });

  it("the next one goes on when the owner closes: live queries stay, and nothing is doubled", async () => {
    const first = open();
    await first.execute(insert, ["0", "First"]);
    const [second, third] = [open(), open()];
    const shown = watch(third);
    const count = 60;
    const writing = Array.from({ length: count }, (_, i) =>
      (i % 2 ? second : third).execute(insert, [`w${String(i).padStart(2, "0")}`, `t${i}`]),
    );
    const closing = first.shutDown();
    await Promise.all(writing);
    await closing;
    await until(() => shown.snapshot.rows.length === count + 1);
    expect(new Set(await titlesOf(second)).size).toBe(count + 1);
    expect(await third.digest()).toBe(await second.digest());
  });

  it("a question for the digest is answered by the next owner if the one that was asked goes", async () => {
    const first = open();
    await first.execute(insert, ["1", "Milk"]);
    const digest = await first.digest();
    const second = open();
    await second.execute("UPDATE notes SET stars = 0 WHERE id = 'nothing'");
    const [, asked] = await Promise.all([first.shutDown(), second.digest()]);
    expect(asked).toBe(digest);
  });

  it("the owner keeps no conversation of tabs that have gone", async () => {
    await open().execute(insert, ["1", "Milk"]);
    // More than it serves at once.
    for (let i = 0; i < 70; i++) {
      const tab = open();
      expect(await titlesOf(tab)).toEqual(["Milk"]);
      expect(tab.state.failures).toBe(0);
      await tab.shutDown();
    }
  });

  it("an owner from which the database was taken saves nothing any more, and follows", async () => {
    const first = open();
    await first.execute(insert, ["1", "Milk"]);
    const thief = await IndexedDbStore.open(name);
    const writing = first.execute(insert, ["2", "Bread"]);
    await until(() => first.state.phase !== "open");
    expect(first.state.reason?.code).toBe("network");
    expect(thief.owner).toBeGreaterThan(0);
    thief.close();
    await writing; // The thief has no lock: so the tab has the database once more, and the write is done there.
    expect(await titlesOf(first)).toEqual(["Milk", "Bread"]);
  });

  it("a later owner's word counts more than an earlier one's", async () => {
    const first = open();
    await first.execute(insert, ["1", "Milk"]);
    const second = open();
    expect(await titlesOf(second)).toEqual(["Milk"]);
    const late = new BroadcastChannel(databaseName(name));
    late.postMessage({ kind: "here", owner: 1, whyNotDurable: null });
    await second.execute(insert, ["2", "Bread"]);
    expect(second.state.failures).toBe(0);
    late.close();
  });

  it("what is none of theirs ends a conversation at most", async () => {
    const first = open();
    await first.execute(insert, ["1", "Milk"]);
    const owner = await ownerOf(name);
    const stranger = new BroadcastChannel(databaseName(name));
    for (const data of [null, "who", { kind: "call", owner: "?", conversation: "?" }, new ArrayBuffer(10)])
      stranger.postMessage(data);
    const conversation = "0".repeat(32);
    const talk = new BroadcastChannel(talkName(name, conversation));
    const heard: unknown[] = [];
    talk.onmessage = ({ data }) => heard.push(data);
    void locks.request(talkName(name, conversation), () => new Promise(() => {}));
    await until(() => locks.isHeld(talkName(name, conversation)));
    stranger.postMessage({ kind: "call", owner, conversation });
    await until(() => heard.length === 1);
    talk.postMessage({ kind: "what" });
    await until(() => heard.length === 2);
    expect(heard).toEqual([{ kind: "ready" }, expect.objectContaining({ kind: "closed", code: "network" })]);
    await first.execute(insert, ["2", "Bread"]);
    expect(first.state.failures).toBe(0);
    stranger.close();
    talk.close();
  });

  it("serves as many conversations as any node, and says so to one more", async () => {
    const served = Array.from({ length: 64 }, () => open());
    for (const tab of served) expect(await titlesOf(tab)).toEqual([]);
    const late = open();
    await until(() => late.state.reason?.code === "limit");
    await served.at(-1)?.shutDown();
    expect(await titlesOf(late)).toEqual([]);
  });

  it("without Web Locks the later one has it, and the earlier one says why it has not", async () => {
    vi.stubGlobal("navigator", {});
    const first = open();
    await first.execute(insert, ["1", "Milk"]);
    const second = open();
    expect(await titlesOf(second)).toEqual(["Milk"]);
    await until(() => first.state.reason?.code === "storage");
    expect(first.state.reason?.message).toContain("Web Locks");
    await second.execute(insert, ["2", "Bread"]);
  });
});

/** Asks the tabs, as one more of them. */
async function ownerOf(database: string): Promise<number> {
  const channel = new BroadcastChannel(databaseName(database));
  const heard = new Promise<number>((resolve) => {
    channel.onmessage = ({ data }) => data.kind === "here" && resolve(data.owner);
  });
  channel.postMessage({ kind: "who" });
  return heard.finally(() => channel.close());
}
