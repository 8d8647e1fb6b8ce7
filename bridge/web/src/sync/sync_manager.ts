import { Backoff, type BackoffOptions } from "../backoff";
import { asTandemError, TandemError } from "../errors";
import { randomId } from "../ids";
import { Leadership } from "../leadership";
import type { Statement } from "../protocol/messages";
import type { SqlParameter } from "../protocol/values";
import type { Provider } from "../providers/provider";
import { Fates } from "./fates";
import { GuardedStore } from "./guarded_store";
import { openOutboxStore } from "./indexed_store";
import type { OutboxStore, StoredWrite } from "./outbox_store";
import type { PendingWrite, SyncManagerOptions, SyncManagerState } from "./sync_state";
import { holdMs, pauseOf, type WriteIntent } from "./write_intent";

type News = { readonly kind: "changed" | "pause" | "resume" } | { readonly kind: "dismissed"; readonly once: string };

/** More than people make; beyond it a program has gone wrong. */
const writesMax = 10_000;
const defaultShownMs = 1_000;
/** Under way at once: on a slow road a backlog leaves in a few trips. Well below what a node takes of one page. */
const windowMax = 64;
/** Between looks into a store that can't be read. */
const lookAgain: BackoffOptions = { firstMs: 100, mostMs: 10_000 };

/**
 * Writes that outlive lost connections, reloads and the node: they wait in the browser's own store until the node has
 * them, in the order in which they were made, and each is done once. Several are under way at a time; what the node could
 * not take yet, nothing overtakes. What it refuses stays, with the reason, until somebody dismisses it or tries again.
 */
export class SyncManager {
  private current: SyncManagerState;
  private readonly listeners = new Set<() => void>();
  /** The names of the writes that are under way, in order. */
  private readonly sending = new Set<string>();
  /** On their way to it: nothing takes their place any more, else typing without a pause would hold up what is due. */
  private readonly marking = new Set<string>();
  /** One came to no decision: before more are sent, all that are under way come back. */
  private isHeldUp = false;
  private readonly backoff: Backoff;
  /** Until the node is asked again that could not take a write. */
  private pausing: ReturnType<typeof setTimeout> | undefined;
  private readonly shown = new Map<string, StoredWrite>();
  private readonly fates = new Fates();
  private readonly channel: BroadcastChannel | null;
  private readonly leadership: Leadership;
  private readonly stopLooking: () => void;
  private stored: StoredWrite[] = [];
  private planned: Promise<void> | null = null;
  /** The tab that led before has left word in the store of what it sent, and where to. */
  private mustLook = false;
  private readonly lookingAgain = new Backoff(lookAgain);
  private nextLook: ReturnType<typeof setTimeout> | undefined;
  /** Until what is typed is due. */
  private typing: ReturnType<typeof setTimeout> | undefined;
  /** Not in the store yet. */
  private wantsPause: boolean | null = null;
  private isClosed = false;
  /** Null: this page is not connected; what other tabs' connections did it will hear of later. */
  private openSince: number | null;
  private order: Promise<unknown> = Promise.resolve();

  static async open(provider: Provider, options: SyncManagerOptions = {}): Promise<SyncManager> {
    const name = options.name ?? "tandem";
    const store = options.store ?? (await openOutboxStore(name));
    const manager = new SyncManager(
      provider,
      new GuardedStore(store),
      name,
      options.shownMs ?? defaultShownMs,
      options.backoff,
    );
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
    this.openSince = provider.state.phase === "open" ? performance.now() : null;
    this.current = { writes: [], isPaused: false, leads: false, ...this.troubleOfStore() };
    this.channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(`tandem-outbox-${name}`);
    this.channel?.addEventListener("message", (event) => void this.hear(event.data as News));
    this.stopLooking = provider.onState((state) => {
      if (state.phase !== "open") this.openSince = null;
      else this.openSince ??= performance.now();
      if (state.phase === "open") this.send();
    });
    this.leadership = new Leadership(`tandem-outbox-${name}`, (leads) => {
      this.mustLook = leads;
      this.change({ leads });
      if (leads) void this.reload();
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
      const once = randomId();
      const madeMs = Date.now();
      const write: StoredWrite = {
        once,
        place: Math.max(madeMs * 1_000, (this.stored.at(-1)?.place ?? 0) + 1),
        statements,
        replaces: intent.replaces ?? null,
        overlay: intent.overlay ?? null,
        madeMs,
        ...pauseOf(intent, madeMs, this.typedBefore(intent.replaces)),
        sentTo: this.goesAtOnce(once, intent) ? this.site() : null,
        refusal: null,
      };
      await this.store.put([write]);
      this.stored.push(write);
      if (before) await this.replace(before.once, once);
      this.tell({ kind: "changed" });
      this.show();
      this.send();
      return once;
    });
  }

  /** Resolves when the node has it, or has what took its place; rejects with the node's reason if it refuses. */
  saved(once: string): Promise<void> {
    const last = this.fates.lastOf(once);
    return this.fates.of(last, this.find(last));
  }

  /** Nothing is sent from any tab until `resume`; writes wait. Resolves when that is stored. */
  pause(): Promise<void> {
    return this.setPausedEverywhere(true);
  }

  resume(): Promise<void> {
    return this.setPausedEverywhere(false);
  }

  /** Gives up a write that was refused. */
  async dismiss(once: string): Promise<void> {
    this.fates.giveUp(once);
    await this.inOrder(() => this.takeOut(once, null));
    this.tell({ kind: "dismissed", once });
    this.show();
  }

  /** Sends a write that was refused once more. */
  async retry(once: string): Promise<void> {
    await this.inOrder(() => this.note(once, null));
    this.tell({ kind: "changed" });
    this.send();
  }

  /** What waits stays in the store, for the next time. */
  close(): void {
    this.isClosed = true;
    for (const timer of [this.pausing, this.typing, this.nextLook]) clearTimeout(timer);
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

  /** Another tab's news come one for each write; one look serves all that came before it. */
  private reload(): Promise<void> {
    this.planned ??= this.inOrder(async () => {
      this.planned = null;
      if (this.isClosed) return;
      try {
        const before = this.stored;
        this.stored = await this.store.all();
        const isPaused = await this.store.isPaused();
        this.mustLook = false;
        this.lookingAgain.reset();
        this.change({ isPaused: this.wantsPause ?? isPaused });
        if (this.current.leads) await this.dropTypedOver();
        for (const write of before) if (!this.find(write.once) && !write.refusal) this.lingerUnlessReplaced(write);
        for (const once of this.fates.waitedFor()) this.answerOf(once, before);
      } catch {
        // Other tabs' writes are not known now; this one's go on, as far as they are in memory.
        clearTimeout(this.nextLook);
        this.nextLook = setTimeout(() => void this.reload(), this.lookingAgain.next());
      }
    }).then(() => {
      this.show();
      this.send();
    });
    return this.planned;
  }

  private find(once: string): StoredWrite | undefined {
    return this.stored.find((each) => each.once === once);
  }

  /** If it is gone because its tab typed on, what took its place decides. */
  private answerOf(once: string, before: readonly StoredWrite[]): void {
    const gone = this.find(once) ? null : before.find((each) => each.once === once);
    const next = gone && this.successorOf(gone);
    if (next) this.fates.replace(once, next.once);
    else this.fates.answer(once, this.find(once));
  }

  private successorOf({ replaces }: StoredWrite): StoredWrite | undefined {
    return replaces === null ? undefined : this.stored.find((each) => each.replaces === replaces && !each.refusal);
  }

  /** Another tab has sent it: the store tells that before that tab does, perhaps. */
  private lingerUnlessReplaced(write: StoredWrite): void {
    if (!this.successorOf(write)) this.linger(write);
  }

  /** A tab that does not lead can't know what is being sent: it leaves what it typed over to the one that leads. */
  private async dropTypedOver(): Promise<void> {
    const latest = new Map<string, StoredWrite>();
    for (const write of this.stored) if (write.replaces && !write.refusal) latest.set(write.replaces, write);
    for (const write of [...this.stored]) {
      const last = latest.get(write.replaces ?? "");
      if (!last || last === write || write.refusal || this.isUnderWay(write.once)) continue;
      await this.replace(write.once, last.once);
      this.tell({ kind: "changed" });
    }
  }

  private isUnderWay(once: string): boolean {
    return this.sending.has(once) || this.marking.has(once);
  }

  private replaced(name: string | undefined): StoredWrite | null {
    const mayTake = ({ once, replaces }: StoredWrite) =>
      replaces === name && !this.isUnderWay(once) && this.maySend(once);
    return name ? (this.stored.find(mayTake) ?? null) : null;
  }

  /** Also of a tab that does not lead, which can't take its place by itself. */
  private typedBefore(name: string | undefined): StoredWrite | undefined {
    const isWaiting = ({ once, replaces, refusal }: StoredWrite) =>
      replaces === name && !refusal && !this.isUnderWay(once);
    return name ? this.stored.find(isWaiting) : undefined;
  }

  private async replace(before: string, after: string): Promise<void> {
    await this.store.remove(before);
    this.stored = this.stored.filter(({ once }) => once !== before);
    this.fates.replace(before, after);
  }

  private async takeOut(once: string, saved: StoredWrite | null): Promise<void> {
    await this.store.remove(once);
    this.stored = this.stored.filter((each) => each.once !== once);
    if (saved) this.linger(saved);
    this.show();
    this.fates.answer(once, undefined);
  }

  private async note(once: string, refusal: StoredWrite["refusal"]): Promise<void> {
    const write = this.find(once);
    if (!write) return;
    // A name that was refused has no result at the node, so it may be used again; also at another one, if a person says so.
    const noted = { ...write, refusal, sentTo: refusal ? write.sentTo : null };
    await this.store.put([noted]);
    this.stored = this.stored.map((each) => (each.once === once ? noted : each));
    this.show();
    this.fates.answer(once, noted);
  }

  // --- sending -----------------------------------------------------------------------------------

  /** Null: nothing can be sent now. A provider of the app's own need not say which node it is. */
  private site(): string | null {
    if (this.isHeldUp || this.pausing || this.current.isPaused || this.isClosed) return null;
    const { phase, node } = this.provider.state;
    return phase === "open" ? (node?.site ?? "") : null;
  }

  /** What all tabs see, the one that leads may be sending this very moment. */
  private maySend(once: string): boolean {
    return (this.current.leads && !this.mustLook) || !this.store.isShared(once);
  }

  /** Then it need not be marked apart from being stored. */
  private goesAtOnce(once: string, { replaces, debounceMs = 0 }: WriteIntent): boolean {
    const isTypedOn = replaces && this.stored.some((each) => each.replaces === replaces && this.sending.has(each.once));
    return this.maySend(once) && this.sending.size < windowMax && !isTypedOn && debounceMs <= 0;
  }

  private send(): void {
    const site = this.site();
    if (site === null || this.marking.size > 0) return;
    const next = this.nextToSend();
    const fresh = next.filter(({ sentTo }) => sentTo === null);
    if (fresh.length > 0) void this.mark(fresh, site);
    else for (const write of next) void this.sendOne(write, site);
  }

  /** What is typed on while an earlier state of it is under way waits, so that the next one can take its place. */
  private nextToSend(): StoredWrite[] {
    const result: StoredWrite[] = [];
    const typed = new Set<string>();
    const mine = this.stored.filter((write) => !write.refusal && this.maySend(write.once));
    // What comes after it shows that the typing is over; nothing overtakes it.
    const lastDue = mine.map(({ dueMs }) => dueMs === null).lastIndexOf(true);
    for (const [at, write] of mine.entries()) {
      if (this.sending.size + result.length >= windowMax) break;
      if (at > lastDue && holdMs(write) > 0 && !this.sending.has(write.once)) break;
      if (write.replaces && typed.has(write.replaces)) break;
      if (write.replaces) typed.add(write.replaces);
      if (!this.sending.has(write.once)) result.push(write);
    }
    return result;
  }

  /** A page that is closed while a write is under way leaves word of the node that may have done it. */
  private async mark(fresh: readonly StoredWrite[], site: string): Promise<void> {
    for (const { once } of fresh) this.marking.add(once);
    await this.inOrder(async () => {
      const marked = this.stored
        .filter(({ once }) => this.marking.has(once))
        .map((write) => ({ ...write, sentTo: site }));
      await this.store.put(marked);
      const byName = new Map(marked.map((write) => [write.once, write]));
      this.stored = this.stored.map((write) => byName.get(write.once) ?? write);
    });
    this.marking.clear();
    this.send();
  }

  /** The provider asks again over each new connection; only what it gives up comes back here. */
  private async sendOne(write: StoredWrite, site: string): Promise<void> {
    const after = [...this.sending].at(-1);
    this.sending.add(write.once);
    this.show();
    try {
      // At the same node asking again is no harm; another one does not know the write's name, and would do it once more.
      if (write.sentTo !== site) throw doubt();
      await this.provider.execute(write.statements, [], after ? { once: write.once, after } : { once: write.once });
      this.backoff.reset();
      await this.settle(write, null);
    } catch (failure) {
      const reason = asTandemError(failure);
      if (reason.isOutcomeUnknown && (await this.isOutlived(write))) return;
      if (reason.isDecision || reason.isOutcomeUnknown)
        await this.settle(write, { code: reason.code, text: reason.message });
      else this.isHeldUp = true;
    } finally {
      this.sending.delete(write.once);
      if (this.isHeldUp && this.sending.size === 0) this.waitAndSend();
      this.show();
      this.send();
    }
  }

  /** Whether it was done elsewhere does not matter to anybody if what is typed since takes its place. */
  private isOutlived(write: StoredWrite): Promise<boolean> {
    return this.inOrder(async () => {
      const { replaces, place } = write;
      const next = replaces && this.stored.find((each) => each.replaces === replaces && each.place > place);
      if (next) await this.replace(write.once, next.once);
      return Boolean(next);
    });
  }

  private waitAndSend(): void {
    this.isHeldUp = false;
    this.pausing = setTimeout(() => {
      this.pausing = undefined;
      this.send();
    }, this.backoff.next());
  }

  private async settle(write: StoredWrite, refusal: StoredWrite["refusal"]): Promise<void> {
    if (this.isClosed) return;
    await this.inOrder(() => (refusal ? this.note(write.once, refusal) : this.takeOut(write.once, write)));
    this.tell({ kind: "changed" });
  }

  private linger(write: StoredWrite): void {
    if (!write.overlay) return;
    // What was typed before it is over; shown on top of it, it would be typed on.
    for (const { once, replaces } of this.shown.values())
      if (replaces !== null && replaces === write.replaces) this.shown.delete(once);
    this.shown.set(write.once, write);
    this.forgetLater(write.once, this.shownMs);
  }

  /** Another tab may have sent it while this one is not connected: its live queries catch up when it is again. */
  private forgetLater(once: string, waitMs: number): void {
    setTimeout(() => {
      const openMs = this.openSince === null ? 0 : performance.now() - this.openSince;
      const isOver = this.isClosed || this.provider.state.phase === "closed";
      if (!isOver && openMs < this.shownMs) return this.forgetLater(once, this.shownMs - openMs);
      this.shown.delete(once);
      this.show();
    }, waitMs);
  }

  // --- other tabs, and who looks -------------------------------------------------------------------

  private async hear(news: News): Promise<void> {
    if (news.kind === "pause" || news.kind === "resume") this.setPaused(news.kind === "pause");
    if (news.kind === "dismissed") this.fates.giveUp(news.once);
    if (news.kind !== "pause" && news.kind !== "resume") await this.reload();
  }

  private tell(news: News): void {
    if (!this.isClosed) this.channel?.postMessage(news);
  }

  private async setPausedEverywhere(isPaused: boolean): Promise<void> {
    this.wantsPause = isPaused;
    this.setPaused(isPaused);
    await this.inOrder(() => this.store.setPaused(isPaused));
    if (this.wantsPause === isPaused) this.wantsPause = null;
    this.tell({ kind: isPaused ? "pause" : "resume" });
    this.show();
  }

  private setPaused(isPaused: boolean): void {
    this.change({ isPaused });
    this.send();
  }

  private show(): void {
    const waiting = this.stored.map((write): PendingWrite => {
      const isUnsent = !this.sending.has(write.once);
      const state = write.refusal ? "refused" : !isUnsent ? "sending" : holdMs(write) > 0 ? "typing" : "waiting";
      return { ...write, state };
    });
    const saved = [...this.shown.values()].map((write): PendingWrite => ({ ...write, state: "saved" }));
    this.change({ writes: [...saved, ...waiting], ...this.troubleOfStore() });
    this.waitForTyping();
  }

  private waitForTyping(): void {
    clearTimeout(this.typing);
    const holds = this.stored.map(holdMs).filter((ms) => ms > 0);
    if (holds.length === 0 || this.isClosed) return;
    this.typing = setTimeout(
      () => {
        this.show();
        this.send();
      },
      Math.min(...holds),
    );
  }

  private troubleOfStore(): Pick<SyncManagerState, "whyNotDurable" | "storeTrouble"> {
    const { trouble } = this.store;
    return { whyNotDurable: trouble?.message ?? null, storeTrouble: trouble };
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
