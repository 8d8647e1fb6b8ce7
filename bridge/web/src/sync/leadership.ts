/** Of all tabs with one name, one leads; when it closes or is frozen, the next one does. */
export class Leadership {
  private release: (() => void) | null = null;
  private readonly abort = new AbortController();
  private readonly freeze = () => this.yield();
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
    this.abort.abort();
    this.yield();
  }

  private ask(): void {
    const locks = globalThis.navigator?.locks as LockManager | undefined;
    if (!locks) {
      queueMicrotask(() => !this.abort.signal.aborted && this.onLead(true)); // Nobody else can be asked.
      return;
    }
    locks
      .request(`tandem-outbox-${this.name}`, { signal: this.abort.signal }, () => {
        this.onLead(true);
        return new Promise<void>((resolve) => {
          this.release = resolve;
        });
      })
      .catch(() => {}); // Only by `close`.
  }

  private yield(): void {
    const release = this.release;
    this.release = null;
    if (!release) return;
    this.onLead(false);
    release();
  }
}
