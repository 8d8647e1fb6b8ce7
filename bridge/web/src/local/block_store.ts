/** Where a page's files are kept: in blocks of one size, changed all or nothing. */
export interface BlockStore {
  /** All that is kept. */
  load(): Promise<readonly KeptFile[]>;
  /** Resolves when it is on disk, as far as the browser says. */
  save(changes: readonly FileChange[]): Promise<void>;
  close(): void;
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

/** In IndexedDB: one record a block, keyed by path and number. */
export class IndexedDbStore implements BlockStore {
  private constructor(private readonly database: IDBDatabase) {}

  static async open(name: string): Promise<IndexedDbStore> {
    const request = indexedDB.open(`tandem ${name}`, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("files");
      request.result.createObjectStore("blocks");
    };
    return new IndexedDbStore(await settled(request));
  }

  async load(): Promise<readonly KeptFile[]> {
    const reading = this.database.transaction(["files", "blocks"], "readonly");
    const files = reading.objectStore("files");
    const blocks = reading.objectStore("blocks");
    const [paths, sizes, keys, values] = await Promise.all([
      settled(files.getAllKeys()),
      settled(files.getAll()),
      settled(blocks.getAllKeys()),
      settled(blocks.getAll()),
    ]);
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

  save(changes: readonly FileChange[]): Promise<void> {
    const writing = this.database.transaction(["files", "blocks"], "readwrite", { durability: "strict" });
    const files = writing.objectStore("files");
    const blocks = writing.objectStore("blocks");
    for (const { path, size, blocks: changed } of changes) {
      const last = Math.ceil(Math.max(size, 0) / blockBytes);
      blocks.delete(IDBKeyRange.bound([path, last], [path, Number.MAX_SAFE_INTEGER]));
      if (size < 0) files.delete(path);
      else files.put(size, path);
      for (const [number, bytes] of changed) blocks.put(bytes.buffer, [path, number]);
    }
    return new Promise((resolve, reject) => {
      writing.oncomplete = () => resolve();
      writing.onabort = () => reject(writing.error ?? new Error("the browser gave up storing"));
    });
  }

  close(): void {
    this.database.close();
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
