import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { Real, type SqlParameter } from "../protocol/values";

/** A write as it waits, in the order in which it was made. */
export interface StoredWrite {
  /** Its name at the node for good, so that it happens once. */
  readonly once: string;
  /** Counts up in the store. */
  readonly place: number;
  readonly statements: readonly { readonly sql: string; readonly parameters: readonly SqlParameter[] }[];
  /** A later write with the same name takes its place while it waits. */
  readonly replaces: string | null;
  readonly overlay: Overlay | null;
  readonly madeMs: number;
  /** The site of the node that it was perhaps sent to; null: it never was sent, or surely not done. */
  readonly sentTo: string | null;
  /** Why the node refused it; it waits for a person then. */
  readonly refusal: { readonly code: string; readonly text: string } | null;
}

/** What a write will do to one row, to show it before it is done. */
export interface Overlay {
  readonly table: string;
  readonly kind: "insert" | "update" | "delete";
  /** The key's columns, and those that are written. */
  readonly values: Readonly<Record<string, SqlParameter>>;
}

/** Where writes wait, over reloads or not. */
export interface OutboxStore {
  /** Null, or why what is put here does not outlive the page. */
  readonly whyNotDurable: string | null;
  /** Whether other tabs see this write too; if not, only this one can send it. */
  isShared(once: string): boolean;
  all(): Promise<StoredWrite[]>;
  put(writes: readonly StoredWrite[]): Promise<void>;
  remove(once: string): Promise<void>;
  close(): void;
}

interface Schema extends DBSchema {
  writes: { key: string; value: StoredWrite };
}

/** IndexedDB where it can be had; in private windows and without quota memory, which says why. */
export async function openOutboxStore(name: string): Promise<OutboxStore> {
  try {
    if (typeof indexedDB === "undefined") throw new Error("this browser has no IndexedDB");
    const database = await openDB<Schema>(`tandem-outbox-${name}`, 3, {
      upgrade(database, before) {
        if (before < 1) database.createObjectStore("writes", { keyPath: "once" });
      },
    });
    return new IndexedStore(database);
  } catch (reason) {
    return new MemoryStore(reason instanceof Error ? reason.message : String(reason));
  }
}

class IndexedStore implements OutboxStore {
  private trouble: string | null = null;
  /** What the browser did not take any more: better kept in memory than lost. */
  private readonly kept = new Map<string, StoredWrite>();

  constructor(private readonly database: IDBPDatabase<Schema>) {}

  get whyNotDurable(): string | null {
    return this.trouble;
  }

  isShared(once: string): boolean {
    return !this.kept.has(once);
  }

  async all(): Promise<StoredWrite[]> {
    const stored = (await this.database.getAll("writes")).map(thawed);
    return [...stored.filter(({ once }) => !this.kept.has(once)), ...this.kept.values()].sort(byPlace);
  }

  async put(writes: readonly StoredWrite[]): Promise<void> {
    try {
      const change = this.database.transaction("writes", "readwrite");
      await Promise.all([...writes.map((write) => change.store.put(frozen(write))), change.done]);
      for (const { once } of writes) this.kept.delete(once);
      if (this.kept.size === 0) this.trouble = null;
    } catch (reason) {
      this.trouble = reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason);
      for (const write of writes) this.kept.set(write.once, write);
    }
  }

  async remove(once: string): Promise<void> {
    this.kept.delete(once);
    if (this.kept.size === 0) this.trouble = null;
    await this.database.delete("writes", once);
  }

  close(): void {
    this.database.close();
  }
}

export class MemoryStore implements OutboxStore {
  private readonly writes = new Map<string, StoredWrite>();

  constructor(readonly whyNotDurable: string) {}

  isShared(): boolean {
    return false;
  }

  async all(): Promise<StoredWrite[]> {
    return [...this.writes.values()].sort(byPlace);
  }

  async put(writes: readonly StoredWrite[]): Promise<void> {
    for (const write of writes) this.writes.set(write.once, write);
  }

  async remove(once: string): Promise<void> {
    this.writes.delete(once);
  }

  close(): void {}
}

const byPlace = (left: StoredWrite, right: StoredWrite) => left.place - right.place;

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
const thawed = (write: StoredWrite) => mapped(write, thawedValue);
