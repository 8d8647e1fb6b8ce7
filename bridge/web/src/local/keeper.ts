import { TandemError } from "../errors";
import { type BlockStore, StoreLostError, textOf } from "./block_store";
import type { KeptFiles } from "./kept_files";

export interface KeeperEvents {
  /** What was written can't be kept. It is tried again until it can; said once. */
  stuck(trouble: TandemError): void;
  /** It is kept after all. */
  freed(): void;
  /** Nothing will be kept any more. */
  lost(): void;
}

/** After the browser could not store: a user who makes room sees it soon, and a full disk is not asked all the time. */
const retryMs = 1_000;

/** Keeps what a node writes, and lets go then what had to wait for that. */
export class Keeper {
  /** What waits for the next save, or for the one that runs. */
  private leaving: (() => void)[] = [];
  private isBusy = false;
  private isOver = false;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private current: TandemError | null = null;
  private closing: { resolve(): void; reject(reason: TandemError): void } | null = null;

  constructor(
    private readonly files: KeptFiles,
    private readonly store: BlockStore,
    private readonly events: KeeperEvents,
  ) {}

  /** Null, or why nothing can be kept at the moment. */
  get trouble(): TandemError | null {
    return this.current;
  }

  /** `what` is done when all that was written before is kept. */
  leave(what: () => void): void {
    this.leaving.push(what);
  }

  flush(): void {
    if (this.isBusy || this.isOver) return;
    const leaving = this.leaving;
    const changes = this.files.take();
    if (leaving.length === 0 && changes.length === 0) return;
    this.leaving = [];
    this.isBusy = true;
    const saving = changes.length === 0 ? Promise.resolve() : this.store.save(changes);
    saving.then(
      () => {
        this.isBusy = false;
        if (this.current) {
          this.current = null;
          this.events.freed();
        }
        for (const each of leaving) each();
        this.flush();
      },
      (reason: unknown) => {
        this.files.putBack(changes);
        this.leaving = [...leaving, ...this.leaving];
        this.failed(reason);
      },
    );
  }

  /** Resolves when all is kept. @throws TandemError `storage` if it can't be. */
  kept(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.isOver) return resolve();
      this.closing = { resolve, reject };
      this.leave(resolve);
      this.flush();
    });
  }

  /** Nothing is kept from now on. */
  end(): void {
    this.isOver = true;
    clearTimeout(this.retry);
    this.leaving = [];
    this.closing?.resolve();
  }

  private failed(reason: unknown): void {
    if (this.isOver) return;
    if (reason instanceof StoreLostError) {
      this.end();
      this.events.lost();
      return;
    }
    this.retry = setTimeout(() => {
      this.isBusy = false;
      this.flush();
    }, retryMs);
    const isFirst = this.current === null;
    this.current = new TandemError(
      "storage",
      `the browser does not let this page keep more (${textOf(reason)}): make room on this device, or let this site have more; it is tried again`,
    );
    if (isFirst) this.events.stuck(this.current);
    this.closing?.reject(this.current);
  }
}
