import { asTandemError, TandemError } from "../errors";
import type { SqlParameter } from "../protocol/values";

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
  /** Not sent before; null: as soon as it can be. */
  readonly dueMs: number | null;
  /** By then it is due, whatever takes its place. */
  readonly latestMs: number | null;
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

/** Where writes wait, over reloads or not. Any of it may reject; the sync manager copes. */
export interface OutboxStore {
  /** Null, or why what is put here does not outlive the page. */
  readonly trouble: TandemError | null;
  /** Whether other tabs see this write too; if not, only this one can send it. */
  isShared(once: string): boolean;
  all(): Promise<StoredWrite[]>;
  put(writes: readonly StoredWrite[]): Promise<void>;
  remove(once: string): Promise<void>;
  /** Whether sending is paused, in all tabs. */
  isPaused(): Promise<boolean>;
  setPaused(isPaused: boolean): Promise<void>;
  close(): void;
}

/** What went wrong in a browser's store, and what a person can do: `full` or `storage`. */
export function storeTrouble(reason: unknown): TandemError {
  if (reason instanceof TandemError) return reason;
  const name = reason && typeof reason === "object" && "name" in reason ? String(reason.name) : "";
  if (name === "QuotaExceededError")
    return new TandemError(
      "full",
      "the browser has no room left for edits that wait: free some on this device, or clear data of other sites; " +
        "until then they are kept until this page is closed",
    );
  if (name === "VersionError")
    return new TandemError("storage", "a newer version of this page uses the browser's store: load this page anew");
  return new TandemError("storage", `the browser's store can't be used: ${asTandemError(reason).message}`);
}

export class MemoryStore implements OutboxStore {
  private readonly writes = new Map<string, StoredWrite>();
  private paused = false;

  constructor(readonly trouble: TandemError) {}

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

  async isPaused(): Promise<boolean> {
    return this.paused;
  }

  async setPaused(isPaused: boolean): Promise<void> {
    this.paused = isPaused;
  }

  close(): void {}
}

export const byPlace = (left: StoredWrite, right: StoredWrite) => left.place - right.place;
