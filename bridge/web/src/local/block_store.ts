import { TandemError } from "../errors";

/** Where a page's files are kept: in blocks of one size, changed all or nothing. */
export interface BlockStore {
  /** Counts up each time somebody opens what is kept: only the latest may save. */
  readonly owner: number;
  /** Null, or why what is put here does not outlive the tab. */
  readonly whyNotDurable: string | null;
  /** All that is kept. */
  load(): Promise<readonly KeptFile[]>;
  /**
   * Resolves when it is on disk, as far as the browser says.
   * @throws StoreLostError if nothing can be saved any more; all else may pass.
   */
  save(changes: readonly FileChange[]): Promise<void>;
  close(): void;
}

/** What is kept belongs to somebody else by now, or is gone: who opened it before has to load it anew. */
export class StoreLostError extends Error {
  override readonly name = "StoreLostError";
}

export interface KeptFile {
  readonly path: string;
  readonly size: number;
  readonly blocks: ReadonlyMap<number, Uint8Array>;
}

export interface FileChange {
  readonly path: string;
  /** -1: it is gone. */
  readonly size: number;
  readonly blocks: ReadonlyMap<number, Uint8Array<ArrayBuffer>>;
}

/** A page of SQLite's is 4 KB; with larger blocks small commits would write more, with smaller ones loading would take longer. */
export const blockBytes = 8192;

/**
 * IndexedDB where it can be had; where a browser has none for this page, memory, which says so.
 * @throws TandemError `storage` if it is there and does not open: what it has must not be taken for nothing.
 */
export async function openBlockStore(name: string): Promise<BlockStore> {
  if (typeof indexedDB === "undefined") return new MemoryStore("this browser has no IndexedDB");
  try {
    return await IndexedDbStore.open(name);
  } catch (reason) {
    // So private windows of some browsers refuse it.
    const isRefused = reason instanceof Error && ["SecurityError", "InvalidStateError"].includes(reason.name);
    if (isRefused) return new MemoryStore(textOf(reason));
    throw new TandemError(
      "storage",
      `the browser does not open what this page keeps (${textOf(reason)}): close its other tabs, or make room on this device`,
    );
  }
}

/** Keeps nothing: files live as long as the node that has them in its own memory. */
class MemoryStore implements BlockStore {
  readonly owner = Date.now();

  constructor(readonly whyNotDurable: string) {}

  async load(): Promise<readonly KeptFile[]> {
    return [];
  }

  async save(): Promise<void> {}

  close(): void {}
}

/**
 * In IndexedDB: one record a block, keyed by path and number; and one record with the number of the owner, which each save takes
 * out and puts back. The index allows no second one, so a save of an earlier owner breaks itself, whole. No script need be awake for
 * that: a tab that is frozen in the middle of saving keeps nobody waiting.
 */
export class IndexedDbStore implements BlockStore {
  readonly whyNotDurable = null;
  private isLost = false;

  private constructor(
    private readonly database: IDBDatabase,
    readonly owner: number,
  ) {
    // The user has cleared what the site keeps, say: blocks that are changed later are no database.
    database.onclose = () => {
      this.isLost = true;
    };
  }

  static async open(name: string): Promise<IndexedDbStore> {
    const request = indexedDB.open(`tandem ${name}`, 2);
    request.onupgradeneeded = ({ oldVersion }) => {
      if (oldVersion < 1) {
        request.result.createObjectStore("files");
        request.result.createObjectStore("blocks");
      }
      const owners = request.result.createObjectStore("owners", { keyPath: "number", autoIncrement: true });
      owners.createIndex("one at a time", "place", { unique: true });
      // Counting begins at the clock: above what owners of a database had that was cleared since.
      owners.add({ place, number: Date.now() });
    };
    const database = await settled(request);
    const owning = database.transaction("owners", "readwrite");
    const owners = owning.objectStore("owners");
    owners.clear();
    const number = owners.add({ place });
    owning.commit();
    await completed(owning);
    return new IndexedDbStore(database, number.result as number);
  }

  async load(): Promise<readonly KeptFile[]> {
    const reading = this.database.transaction(["files", "blocks"], "readonly");
    const files = reading.objectStore("files");
    const blocks = reading.objectStore("blocks");
    const asked = Promise.all([
      settled(files.getAllKeys()),
      settled(files.getAll()),
      settled(blocks.getAllKeys()),
      settled(blocks.getAll()),
    ]);
    reading.commit();
    const [paths, sizes, keys, values] = await asked;
    const found = new Map<string, Map<number, Uint8Array>>();
    paths.forEach((path) => {
      found.set(path as string, new Map());
    });
    keys.forEach((key, i) => {
      const [path, number] = key as [string, number];
      found.get(path)?.set(number, new Uint8Array(values[i] as ArrayBuffer));
    });
    return paths.map((path, i) => ({
      path: path as string,
      size: sizes[i] as number,
      blocks: found.get(path as string) ?? new Map(),
    }));
  }

  async save(changes: readonly FileChange[]): Promise<void> {
    if (this.isLost) throw new StoreLostError("the browser has closed what this page keeps");
    const writing = this.database.transaction(["files", "blocks", "owners"], "readwrite", { durability: "strict" });
    const owners = writing.objectStore("owners");
    owners.delete(this.owner);
    owners.add({ place, number: this.owner });
    const files = writing.objectStore("files");
    const blocks = writing.objectStore("blocks");
    for (const { path, size, blocks: changed } of changes) {
      const last = Math.ceil(Math.max(size, 0) / blockBytes);
      blocks.delete(IDBKeyRange.bound([path, last], [path, Number.MAX_SAFE_INTEGER]));
      if (size < 0) files.delete(path);
      else files.put(size, path);
      for (const [number, bytes] of changed) blocks.put(bytes.buffer, [path, number]);
    }
    writing.commit();
    try {
      await completed(writing);
    } catch (reason) {
      if (reason instanceof Error && reason.name === "ConstraintError") {
        this.isLost = true;
        throw new StoreLostError("another tab has taken over what this page keeps");
      }
      throw reason;
    }
  }

  close(): void {
    this.database.close();
  }
}

/** Of the one owner's record. */
const place = "owner";

/** Browsers leave the message of some of their errors empty. */
export const textOf = (reason: unknown) =>
  reason instanceof Error ? [reason.name, reason.message].filter(Boolean).join(": ") : String(reason);

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("the browser gave up storing"));
  });
}
