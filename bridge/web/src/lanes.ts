import { queriesMax, writesMax } from "./protocol/limits";

/** `transaction`: what belongs to an open one. It may not wait behind writes that wait for the transaction's end. */
export type Lane = "query" | "write" | "transaction";

/**
 * So many are under way at once, enough to keep any road busy. What the node takes of a page is more, for it may not have heard yet of
 * what was cancelled; and those of a transaction count there among the others.
 */
const most: Readonly<Record<Lane, number>> = {
  query: (queriesMax * 5) / 8,
  write: writesMax / 2,
  transaction: queriesMax / 4,
};

interface Queue<T> {
  readonly sent: Set<T>;
  readonly waiting: Set<T>;
}

/** Lets requests of each kind out in their order, a few at a time. */
export class Lanes<T> {
  private readonly queues: Readonly<Record<Lane, Queue<T>>> = {
    query: { sent: new Set(), waiting: new Set() },
    write: { sent: new Set(), waiting: new Set() },
    transaction: { sent: new Set(), waiting: new Set() },
  };

  /** Whether one that comes now could leave at once. */
  isFree(lane: Lane): boolean {
    return this.queues[lane].waiting.size === 0 && this.hasRoom(lane);
  }

  wait(lane: Lane, each: T): void {
    this.queues[lane].waiting.add(each);
  }

  note(lane: Lane, each: T): void {
    this.queues[lane].sent.add(each);
  }

  /** The next one that may leave now; it waits no more. */
  next(lane: Lane): T | null {
    if (!this.hasRoom(lane)) return null;
    for (const each of this.queues[lane].waiting) {
      this.queues[lane].waiting.delete(each);
      return each;
    }
    return null;
  }

  forget(lane: Lane, each: T): void {
    this.queues[lane].sent.delete(each);
    this.queues[lane].waiting.delete(each);
  }

  clear(): void {
    for (const { sent, waiting } of Object.values(this.queues)) {
      sent.clear();
      waiting.clear();
    }
  }

  private hasRoom(lane: Lane): boolean {
    return this.queues[lane].sent.size < most[lane];
  }
}
