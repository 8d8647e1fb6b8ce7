import { Backoff, type BackoffOptions } from "../backoff";
import { asTandemError, type ErrorCode, TandemError } from "../errors";
import { randomId } from "../ids";
import type { Statement } from "../protocol/messages";
import type { SqlParameter } from "../protocol/values";
import type { Provider } from "../providers/provider";
import { Leadership } from "./leadership";
import { type OutboxStore, type Overlay, openOutboxStore, type StoredWrite } from "./outbox_store";

export interface WriteIntent {
  /** What to show meanwhile. */
  readonly overlay?: Overlay;
  /** While it waits, a later write of the same name takes its place: for what is typed, say. */
  readonly replaces?: string;
}

export interface PendingWrite extends StoredWrite {
  /** `saved`: the node has it; it stays here until what is shown may have caught up. */
  readonly state: "waiting" | "sending" | "saved" | "refused";
}

export interface SyncManagerState {
  /** In the order in which they were made, those of other tabs too. */
  readonly writes: readonly PendingWrite[];
  readonly isPaused: boolean;
  /** This tab sends what all tabs write. */
  readonly leads: boolean;
  /** Null, or why what waits does not outlive the page. */
  readonly whyNotDurable: string | null;
}

export interface SyncManagerOptions {
  /** Pages of one origin with the same name share what waits. */
  readonly name?: string;
  readonly store?: OutboxStore;
  /** A saved write is shown so long though a live query may not have it yet. */
  readonly shownMs?: number;
  /** Between tries of a write that the node could not take yet. */
  readonly backoff?: BackoffOptions;
}

type News = { readonly kind: "put" | "pause" | "resume" } | { readonly kind: "settled"; readonly once: string };

/** More than people make; beyond it a program has gone wrong. */
const writesMax = 10_000;
const defaultShownMs = 1_000;
/** The node's word about the write itself: asking again would change nothing. */
const final: ReadonlySet<ErrorCode> = new Set([
  "constraint",
  "sql",
  "refused",
  "usage",
  "denied",
  "read_only",
  "limit",
  "schema",
]);

/**
 * Writes that outlive lost connections, reloads and the node: they wait in the browser's own store until the node has
 * them, in the order in which they were made, and each is done once. What the node refuses stays, with the reason, until
 * somebody dismisses it or tries again.
 */
export class SyncManager {
  private current: SyncManagerState;
  private readonly listeners = new Set<() => void>();
  /** The name of the write that is under way. */
  private sending: string | null = null;
  private readonly backoff: Backoff;
  /** Until the node is asked again that could not take a write. */
  private pausing: ReturnType<typeof setTimeout> | undefined;
  private readonly shown = new Map<string, StoredWrite>();
  private readonly waiting = new Map<string, { resolve(): void; reject(reason: TandemError): void }[]>();
  /** Of a write that waits: those whose place it took, and whose fate is its own now. */
  private readonly replacedBy = new Map<string, string[]>();
  /** Made here and never sent: wherever they go, they are not there yet. */
  private readonly unsent = new Set<string>();
  /** Given up by a person: they will never be saved. */
  private readonly dismissed = new Set<string>();
  /** The node that writes were sent to last. */
  private site: string | null = null;
  private readonly channel: BroadcastChannel | null;
  private readonly leadership: Leadership;
  private readonly stopLooking: () => void;
  private stored: StoredWrite[] = [];
  private isClosed = false;
  private order: Promise<unknown> = Promise.resolve();

  static async open(provider: Provider, options: SyncManagerOptions = {}): Promise<SyncManager> {
    const name = options.name ?? "tandem";
    const store = options.store ?? (await openOutboxStore(name));
    const manager = new SyncManager(provider, store, name, options.shownMs ?? defaultShownMs, options.backoff);
    manager.site = await store.site();
    await manager.reload();
    return manager;
  }

  private constructor(
    private readonly provider: Provider,
    private readonly store: OutboxStore,
    name: string,
    private readonly shownMs: number,
    backoff: BackoffOptions | undefined,
  ) {
    this.backoff = new Backoff(backoff);
    this.current = { writes: [], isPaused: false, leads: false, whyNotDurable: store.whyNotDurable };
    this.channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(`tandem-outbox-${name}`);
    this.channel?.addEventListener("message", (event) => void this.hear(event.data as News));
    this.stopLooking = provider.onState((state) => {
      if (state.phase === "open") this.send();
    });
    this.leadership = new Leadership(name, (leads) => {
      this.change({ leads });
      void this.reload();
    });
  }

  get state(): SyncManagerState {
    return this.current;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Resolves when the write waits safely, to its name. `saved(name)` tells when the node has it.
   * @throws TandemError `limit` if far too much waits already, `closed`.
   */
  async write(
    what: string | readonly Statement[],
    parameters: readonly SqlParameter[] = [],
    intent: WriteIntent = {},
  ): Promise<string> {
    const statements = typeof what === "string" ? [{ sql: what, parameters }] : what.map((each) => ({ ...each }));
    return await this.inOrder(async () => {
      if (this.isClosed) throw new TandemError("closed", "this sync manager is closed");
      if (this.stored.length >= writesMax) throw new TandemError("limit", `${writesMax} writes wait already`);
      const before = this.replaced(intent.replaces);
      const write: StoredWrite = {
        once: randomId(),
        place: Math.max(Date.now() * 1_000, (this.stored.at(-1)?.place ?? 0) + 1),
        statements,
        replaces: intent.replaces ?? null,
        overlay: intent.overlay ?? null,
        madeMs: Date.now(),
        refusal: null,
      };
      await this.store.put(write);
      this.stored.push(write);
      this.unsent.add(write.once);
      if (before) await this.replace(before.once, write.once);
      this.tell({ kind: "put" });
      this.show();
      this.send();
      return write.once;
    });
  }

  /** Resolves when the node has it, or has what took its place; rejects with the node's reason if it refuses. */
  saved(once: string): Promise<void> {
    const last = this.lastOf(once);
    const write = this.stored.find((each) => each.once === last);
    if (this.dismissed.has(last)) return Promise.reject(new TandemError("refused", "this write was given up"));
    if (!write) return Promise.resolve();
    if (write.refusal) return Promise.reject(errorOf(write.refusal));
    return new Promise((resolve, reject) => {
      this.waiting.set(last, [...(this.waiting.get(last) ?? []), { resolve, reject }]);
    });
  }

  /** Nothing is sent from any tab until `resume`; writes wait. */
  pause(): void {
    this.setPaused(true);
    this.tell({ kind: "pause" });
  }

  resume(): void {
    this.setPaused(false);
    this.tell({ kind: "resume" });
  }

  /** Gives up a write that was refused. */
  async dismiss(once: string): Promise<void> {
    this.dismissed.add(once);
    await this.inOrder(() => this.takeOut(once, null));
    this.tell({ kind: "settled", once });
    this.show();
  }

  /** Sends a write that was refused once more. */
  async retry(once: string): Promise<void> {
    await this.inOrder(() => this.note(once, null));
    this.tell({ kind: "put" });
    this.send();
  }

  /** What waits stays in the store, for the next time. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.pausing);
    this.stopLooking();
    this.leadership.close();
    this.channel?.close();
    this.store.close();
  }

  // --- the store, one step after the other -----------------------------------------------------

  private inOrder<T>(step: () => Promise<T>): Promise<T> {
    const result = this.order.then(step);
    this.order = result.catch(() => {});
    return result;
  }

  private async reload(): Promise<void> {
    if (this.isClosed) return;
    await this.inOrder(async () => {
      if (this.isClosed) return;
      this.stored = await this.store.all();
      for (const once of [...this.waiting.keys()]) this.answer(once);
    });
    this.show();
    this.send();
  }

  private replaced(name: string | undefined): StoredWrite | null {
    if (!name) return null;
    return (
      this.stored.find(({ once, replaces }) => replaces === name && this.sending !== once && this.mayReplace(once)) ??
      null
    );
  }

  /** Of what all tabs see we can't tell: the one that leads may be sending it this very moment. */
  private mayReplace(once: string): boolean {
    return this.current.leads || !this.store.isShared(once);
  }

  /** Who waits for the old write waits for the new one: until then nothing is saved. */
  private async replace(before: string, after: string): Promise<void> {
    await this.store.remove(before);
    this.stored = this.stored.filter(({ once }) => once !== before);
    const names = this.replacedBy.get(before) ?? [];
    names.push(before);
    this.replacedBy.delete(before);
    this.replacedBy.set(after, names);
    const waiting = this.waiting.get(before);
    this.waiting.delete(before);
    if (waiting) this.waiting.set(after, waiting);
  }

  private lastOf(once: string): string {
    for (const [last, names] of this.replacedBy) if (names.includes(once)) return last;
    return once;
  }

  private async takeOut(once: string, saved: StoredWrite | null): Promise<void> {
    await this.store.remove(once);
    this.stored = this.stored.filter((each) => each.once !== once);
    if (saved) this.linger(saved);
    this.show();
    this.answer(once);
  }

  private async note(once: string, refusal: StoredWrite["refusal"]): Promise<void> {
    const write = this.stored.find((each) => each.once === once);
    if (!write) return;
    // A name that was refused has no result at the node, so it may be used again.
    const noted = { ...write, refusal };
    await this.store.put(noted);
    this.stored = this.stored.map((each) => (each.once === once ? noted : each));
    this.show();
    this.answer(once);
  }

  private answer(once: string): void {
    const write = this.stored.find((each) => each.once === once);
    if (write && !write.refusal) return;
    if (!write) this.replacedBy.delete(once);
    const waiting = this.waiting.get(once) ?? [];
    this.waiting.delete(once);
    for (const { resolve, reject } of waiting) write?.refusal ? reject(errorOf(write.refusal)) : resolve();
  }

  // --- sending -----------------------------------------------------------------------------------

  /** One after the other: what was made later must not overtake what the node could not take yet. */
  private send(): void {
    if (this.sending || this.pausing || this.current.isPaused || this.isClosed) return;
    if (this.provider.state.phase !== "open") return;
    const next = this.stored.find(
      ({ once, refusal }) => !refusal && (this.current.leads || !this.store.isShared(once)),
    );
    if (next) void this.sendOne(next);
  }

  /** The provider asks again over each new connection; only what it gives up comes back here. */
  private async sendOne(write: StoredWrite): Promise<void> {
    this.sending = write.once;
    this.show();
    try {
      if (await this.wasPerhapsSentElsewhere(write)) throw doubt();
      this.unsent.delete(write.once);
      await this.provider.execute(write.statements, [], { once: write.once });
      this.backoff.reset();
      await this.settle(write, null);
    } catch (failure) {
      const reason = asTandemError(failure);
      // Another node does not know the write's name: it would do it once more.
      if (final.has(reason.code) || reason.isOutcomeUnknown)
        await this.settle(write, { code: reason.code, text: reason.message });
      else this.waitAndSend();
    } finally {
      this.sending = null;
      this.show();
      this.send();
    }
  }

  /** A page that was closed while a write was under way does not know; at the same node asking again is no harm. */
  private async wasPerhapsSentElsewhere(write: StoredWrite): Promise<boolean> {
    const before = this.site;
    const now = this.provider.state.node?.site ?? null;
    if (now === null || now === before) return false;
    this.site = now;
    await this.store.noteSite(now);
    return before !== null && !this.unsent.has(write.once);
  }

  private waitAndSend(): void {
    this.pausing = setTimeout(() => {
      this.pausing = undefined;
      this.send();
    }, this.backoff.next());
  }

  private async settle(write: StoredWrite, refusal: StoredWrite["refusal"]): Promise<void> {
    if (this.isClosed) return;
    await this.inOrder(() => (refusal ? this.note(write.once, refusal) : this.takeOut(write.once, write)));
    this.tell(refusal ? { kind: "put" } : { kind: "settled", once: write.once });
  }

  private linger(write: StoredWrite): void {
    if (!write.overlay) return;
    this.shown.set(write.once, write);
    setTimeout(() => {
      this.shown.delete(write.once);
      this.show();
    }, this.shownMs);
  }

  // --- other tabs, and who looks -------------------------------------------------------------------

  private async hear(news: News): Promise<void> {
    if (news.kind === "pause" || news.kind === "resume") this.setPaused(news.kind === "pause");
    if (news.kind === "settled") {
      const write = this.stored.find(({ once }) => once === news.once);
      if (write) this.linger(write);
    }
    if (news.kind === "put" || news.kind === "settled") await this.reload();
  }

  private tell(news: News): void {
    if (!this.isClosed) this.channel?.postMessage(news);
  }

  private setPaused(isPaused: boolean): void {
    this.change({ isPaused });
    this.send();
  }

  private show(): void {
    const waiting = this.stored.map((write): PendingWrite => {
      const state = write.refusal ? "refused" : this.sending === write.once ? "sending" : "waiting";
      return { ...write, state };
    });
    const saved = [...this.shown.values()].map((write): PendingWrite => ({ ...write, state: "saved" }));
    this.change({ writes: [...saved, ...waiting], whyNotDurable: this.store.whyNotDurable });
  }

  private change(next: Partial<SyncManagerState>): void {
    this.current = { ...this.current, ...next };
    for (const listener of [...this.listeners]) listener();
  }
}

const doubt = () =>
  new TandemError(
    "network",
    "this write was perhaps sent to another node before; look whether it was done there",
    true,
  );

const errorOf = ({ code, text }: { code: string; text: string }) => TandemError.fromWire(code, text);
