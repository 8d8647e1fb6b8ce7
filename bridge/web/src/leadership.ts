/** Of all tabs with one name, one leads; when it closes or is frozen, the next one does. */
export class Leadership {
  /** Ends what this tab has asked for: its place in the queue, or the lead. */
  private stop: (() => void) | null = null;
  private readonly freeze = () => this.give();
  private readonly resume = () => this.ask();

  /** `onLead` is called each time this tab begins or ceases to lead. */
  constructor(
    private readonly name: string,
    private readonly onLead: (leads: boolean) => void,
  ) {
    globalThis.document?.addEventListener("freeze", this.freeze);
    globalThis.document?.addEventListener("resume", this.resume);
    this.ask();
  }

  close(): void {
    globalThis.document?.removeEventListener("freeze", this.freeze);
    globalThis.document?.removeEventListener("resume", this.resume);
    this.give();
  }

  /** A tab stands in the queue once at most: else it would be the next one after itself. */
  private ask(): void {
    if (this.stop) return;
    const locks = globalThis.navigator?.locks as LockManager | undefined;
    const abort = new AbortController();
    this.stop = () => abort.abort();
    if (!locks) {
      queueMicrotask(() => !abort.signal.aborted && this.onLead(true)); // Nobody else can be asked.
      return;
    }
    const lead = () =>
      new Promise<void>((resolve) => {
        if (abort.signal.aborted) return resolve();
        this.stop = () => {
          this.onLead(false);
          resolve();
        };
        this.onLead(true);
      });
    locks.request(`tandem-outbox-${this.name}`, { signal: abort.signal }, lead).catch(() => {}); // Only by `give`.
  }

  private give(): void {
    const stop = this.stop;
    this.stop = null;
    stop?.();
  }
}
