import "fake-indexeddb/auto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type FileChange, IndexedDbStore, openBlockStore, StoreLostError } from "../../src/local/block_store";

const change = (text: string): FileChange => {
  const bytes = new TextEncoder().encode(text);
  return { path: "/kept/page.db", size: bytes.length, blocks: new Map([[0, bytes]]) };
};
const kept = async (store: IndexedDbStore) =>
  (await store.load()).map(({ path, blocks }) => [path, new TextDecoder().decode(blocks.get(0))]);

describe("what a page keeps", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("is there for the next owner, whose number is larger", async () => {
    const first = await IndexedDbStore.open("next");
    await first.save([change("one")]);
    first.close();
    const second = await IndexedDbStore.open("next");
    expect(second.owner).toBeGreaterThan(first.owner);
    expect(await kept(second)).toEqual([["/kept/page.db", "one"]]);
    await second.save([change("two")]);
    await second.save([{ path: "/kept/page.db", size: -1, blocks: new Map() }]);
    expect(await kept(second)).toEqual([]);
    second.close();
  });

  it("takes nothing any more from an owner before the latest, nor a part of it", async () => {
    const first = await IndexedDbStore.open("fenced");
    await first.save([change("one")]);
    const second = await IndexedDbStore.open("fenced");
    const late = first.save([{ path: "/kept/other", size: 0, blocks: new Map() }, change("late")]);
    await expect(late).rejects.toBeInstanceOf(StoreLostError);
    await second.save([change("two")]);
    await expect(first.save([change("later")])).rejects.toBeInstanceOf(StoreLostError);
    expect(await kept(second)).toEqual([["/kept/page.db", "two"]]);
    first.close();
    second.close();
  });

  it("has all that an owner saved at the very moment when the next one came", async () => {
    const first = await IndexedDbStore.open("moment");
    const [second] = await Promise.all([IndexedDbStore.open("moment"), first.save([change("one")])]);
    expect(await kept(second)).toEqual([["/kept/page.db", "one"]]);
    first.close();
    second.close();
  });

  it("takes over what an earlier version kept, which knew no owners", async () => {
    await new Promise<void>((resolve) => {
      const request = indexedDB.open("tandem before", 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("files").put(3, "/kept/page.db");
        request.result.createObjectStore("blocks").put(new TextEncoder().encode("old").buffer, ["/kept/page.db", 0]);
      };
      request.onsuccess = () => resolve(request.result.close());
    });
    const store = await IndexedDbStore.open("before");
    expect(await kept(store)).toEqual([["/kept/page.db", "old"]]);
    store.close();
  });

  it("is memory, and says so, where a page has no IndexedDB", async () => {
    vi.stubGlobal("indexedDB", undefined);
    expect((await openBlockStore("private")).whyNotDurable).toContain("IndexedDB");
    const refusing = (name: string) => ({
      open() {
        throw new DOMException("not here", name);
      },
    });
    vi.stubGlobal("indexedDB", refusing("SecurityError"));
    expect((await openBlockStore("private")).whyNotDurable).toContain("SecurityError");
  });

  it("is not taken for empty where it does not open", async () => {
    vi.stubGlobal("indexedDB", {
      open() {
        throw new DOMException("the disk is full", "QuotaExceededError");
      },
    });
    await expect(openBlockStore("full")).rejects.toMatchObject({
      code: "storage",
      message: expect.stringContaining("QuotaExceededError"),
    });
  });
});
