import { type DBSchema, type IDBPDatabase, type IDBPObjectStore, openDB, type StoreNames } from "idb";
import { TandemError } from "../errors";
import { Real, type SqlParameter } from "../protocol/values";
import { byPlace, MemoryStore, type OutboxStore, type StoredWrite, storeTrouble } from "./outbox_store";

interface Schema extends DBSchema {
  writes: { key: string; value: StoredWrite };
  settings: { key: string; value: boolean };
}
type Database = IDBPDatabase<Schema>;

const version = 4;

/** IndexedDB where it can be had; in private windows and without quota memory, which says why. */
export async function openOutboxStore(name: string): Promise<OutboxStore> {
  try {
    if (typeof indexedDB === "undefined") throw new Error("this browser has no IndexedDB");
    return await IndexedStore.create(name);
  } catch (reason) {
    return new MemoryStore(storeTrouble(reason));
  }
}

/**
 * The browser's own store. It is opened anew when the browser has closed it (it may at any time: the disk is full, the
 * site's data are cleared), or when another tab wanted to change or delete it.
 */
export class IndexedStore implements OutboxStore {
  readonly trouble = null;
  private database: Promise<Database> | null = null;
  /** Put by this page and not known to be gone: put again if the browser throws the whole store away. */
  private readonly own = new Map<string, StoredWrite>();
  /** The store was closed under this page; perhaps it was thrown away. */
  private mayLack = false;
  private isClosed = false;

  private constructor(private readonly name: string) {}

  /** @throws what the browser says, or that another tab does not let it be opened. */
  static async create(name: string): Promise<IndexedStore> {
    const store = new IndexedStore(name);
    await store.opened();
    return store;
  }

  isShared(): boolean {
    return true;
  }

  async all(): Promise<StoredWrite[]> {
    const stored = (await this.within((database) => reading(database, "writes", (writes) => writes.getAll()))).map(
      thawed,
    );
    const there = new Set(stored.map(({ once }) => once));
    for (const once of this.own.keys()) if (!there.has(once)) this.own.delete(once); // Another tab settled it.
    return stored.sort(byPlace);
  }

  async put(writes: readonly StoredWrite[]): Promise<void> {
    await this.within((database) => putInto(database, writes));
    for (const write of writes) this.own.set(write.once, write);
  }

  async remove(once: string): Promise<void> {
    await this.within((database) => writing(database, "writes", (writes) => [writes.delete(once)]));
    this.own.delete(once);
  }

  async isPaused(): Promise<boolean> {
    return (await this.within((database) => reading(database, "settings", (all) => all.get("paused")))) ?? false;
  }

  async setPaused(isPaused: boolean): Promise<void> {
    await this.within((database) => writing(database, "settings", (all) => [all.put(isPaused, "paused")]));
  }

  close(): void {
    this.isClosed = true;
    void this.database?.then(
      (database) => database.close(),
      () => {},
    );
  }

  private async within<T>(work: (database: Database) => Promise<T>): Promise<T> {
    try {
      return await work(await this.opened());
    } catch (reason) {
      // A connection that is closing takes no new transactions; what was not taken can be asked of a new one.
      if (!(reason instanceof DOMException) || reason.name !== "InvalidStateError" || this.isClosed) throw reason;
      this.database = null;
      return await work(await this.opened());
    }
  }

  private opened(): Promise<Database> {
    if (this.isClosed) throw new TandemError("closed", "this store is closed");
    this.database ??= this.connect().catch((reason) => {
      this.database = null;
      throw reason;
    });
    return this.database;
  }

  private connect(): Promise<Database> {
    return new Promise<Database>((resolve, reject) => {
      const blocked = () =>
        reject(
          new TandemError(
            "storage",
            "another tab has an older version of this page open: close it, and load this one anew",
          ),
        );
      const lose = () => {
        this.database = null;
        this.mayLack = true;
      };
      openDB<Schema>(`tandem-outbox-${this.name}`, version, {
        upgrade: (database, before) => {
          if (before < 1) database.createObjectStore("writes", { keyPath: "once" });
          if (before < version) database.createObjectStore("settings");
        },
        blocked,
        // Another tab wants to change or delete the store: it need not wait for this one.
        blocking: (_current, _wanted, event) => {
          lose();
          (event.target as IDBDatabase).close();
        },
        terminated: lose,
      })
        .then(async (database) => {
          if (this.mayLack) await putInto(database, await this.lackedBy(database));
          this.mayLack = false;
          resolve(database);
        })
        .catch(reject);
    });
  }

  /** What another tab settled meanwhile may be among it; the node knows it by its name. */
  private async lackedBy(database: Database): Promise<StoredWrite[]> {
    const there = new Set(await reading(database, "writes", (writes) => writes.getAllKeys()));
    return [...this.own.values()].filter(({ once }) => !there.has(once));
  }
}

const putInto = (database: Database, writes: readonly StoredWrite[]): Promise<void> =>
  writing(database, "writes", (all) => writes.map((write) => all.put(frozen(write))));

/**
 * Transactions say at once that nothing more comes: else they would end when this page has heard of what was done in them, and while
 * it is frozen it hears of nothing, and no other tab could write.
 */
async function reading<Name extends StoreNames<Schema>, T>(
  database: Database,
  name: Name,
  ask: (store: IDBPObjectStore<Schema, [Name], Name, "readonly">) => Promise<T>,
): Promise<T> {
  const look = database.transaction(name, "readonly");
  const answer = ask(look.store);
  look.commit();
  const [result] = await Promise.all([answer, look.done]);
  return result;
}

async function writing<Name extends StoreNames<Schema>>(
  database: Database,
  name: Name,
  work: (store: IDBPObjectStore<Schema, [Name], Name, "readwrite">) => readonly Promise<unknown>[],
): Promise<void> {
  const change = database.transaction(name, "readwrite");
  const parts = work(change.store);
  change.commit();
  // Why the transaction was given up says more than that its parts were.
  for (const part of await Promise.allSettled([change.done, ...parts]))
    if (part.status === "rejected") throw part.reason;
}

// A browser's store forgets classes.
const frozenValue = (value: SqlParameter): unknown => (value instanceof Real ? { real: value.value } : value);
const thawedValue = (value: unknown): SqlParameter =>
  value && typeof value === "object" && "real" in value ? new Real(value.real as number) : (value as SqlParameter);

function mapped(write: StoredWrite, change: (value: never) => unknown): StoredWrite {
  const each = change as (value: unknown) => SqlParameter;
  return {
    ...write,
    statements: write.statements.map(({ sql, parameters }) => ({ sql, parameters: parameters.map(each) })),
    overlay: write.overlay && {
      ...write.overlay,
      values: Object.fromEntries(Object.entries(write.overlay.values).map(([name, value]) => [name, each(value)])),
    },
  };
}

const frozen = (write: StoredWrite) => mapped(write, frozenValue);
const thawed = (write: StoredWrite) => ({
  ...mapped(write, thawedValue),
  dueMs: write.dueMs ?? null,
  latestMs: write.latestMs ?? null,
});
