import type { TandemError } from "../errors";
import { byPlace, type OutboxStore, type StoredWrite, storeTrouble } from "./outbox_store";

/**
 * A store that may fail, so that writes go on all the same: what it does not take any more is kept in memory, better than
 * lost, and what it does not let go of counts as gone. Both are made good when it works again.
 */
export class GuardedStore implements OutboxStore {
  private failure: TandemError | null = null;
  private readonly kept = new Map<string, StoredWrite>();
  private readonly gone = new Set<string>();
  private paused: boolean | null = null;
  private isUnread = false;

  constructor(private readonly inner: OutboxStore) {}

  get trouble(): TandemError | null {
    return this.failure ?? this.inner.trouble;
  }

  isShared(once: string): boolean {
    return !this.kept.has(once) && this.inner.isShared(once);
  }

  /** @throws what the store says; then it is not known what other tabs have put there. */
  async all(): Promise<StoredWrite[]> {
    try {
      await this.makeGood();
      const all = await this.inner.all();
      this.isUnread = false;
      this.isWellAgain();
      const stored = all.filter(({ once }) => !this.kept.has(once) && !this.gone.has(once));
      return [...stored, ...this.kept.values()].sort(byPlace);
    } catch (reason) {
      this.isUnread = true;
      this.failure = storeTrouble(reason);
      throw this.failure;
    }
  }

  async put(writes: readonly StoredWrite[]): Promise<void> {
    for (const { once } of writes) this.gone.delete(once);
    try {
      await this.inner.put(writes);
      for (const { once } of writes) this.kept.delete(once);
      this.isWellAgain();
    } catch (reason) {
      this.failure = storeTrouble(reason);
      for (const write of writes) this.kept.set(write.once, write);
    }
  }

  async remove(once: string): Promise<void> {
    this.kept.delete(once);
    try {
      await this.inner.remove(once);
      this.gone.delete(once);
      this.isWellAgain();
    } catch (reason) {
      // After a reload it is sent again, under its name: the node knows that it was done.
      this.failure = storeTrouble(reason);
      this.gone.add(once);
    }
  }

  async isPaused(): Promise<boolean> {
    return this.paused ?? (await this.inner.isPaused());
  }

  async setPaused(isPaused: boolean): Promise<void> {
    this.paused = isPaused;
    try {
      await this.inner.setPaused(isPaused);
      this.paused = null;
    } catch (reason) {
      this.failure = storeTrouble(reason);
    }
  }

  close(): void {
    this.inner.close();
  }

  private async makeGood(): Promise<void> {
    for (const once of [...this.gone]) await this.remove(once);
    if (this.kept.size > 0) await this.put([...this.kept.values()]);
    if (this.paused !== null) await this.setPaused(this.paused);
  }

  private isWellAgain(): void {
    if (this.kept.size === 0 && this.gone.size === 0 && this.paused === null && !this.isUnread) this.failure = null;
  }
}
